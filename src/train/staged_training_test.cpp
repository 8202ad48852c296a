// Pipelines with real model stages, several replicas side by side, one training run a stage.
#include <algorithm>
#include <cmath>
#include <deque>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "train/round.hpp"
#include "train/sampler.hpp"
#include "train/stage_worker.hpp"
#include "train/test_texts.hpp"

namespace mutirao::train {
namespace {

constexpr model::GptConfig kConfig{3, 32, 2, 32};
constexpr std::uint32_t kMicroBatches = 4, kMicroRows = 2, kReplicas = 2;

RunSettings settings(std::string_view name, CodecSettings codec) {
    auto settings = preset(name).value();
    settings.model = kConfig;
    settings.batch = kMicroBatches * kMicroRows;
    settings.local_steps = 8;
    settings.rounds = 4;
    settings.warmup_steps = 5;
    settings.codec = codec;
    return settings;
}

struct Device {
    std::unique_ptr<model::Stage> stage;
    std::unique_ptr<TrainingRun> run;
    std::unique_ptr<StageWorker> worker;
};

// All devices of a run in one process; messages go round-robin, one at a time.
class StagedRun {
  public:
    StagedRun(RunSettings settings, std::uint32_t stages, ActivationCodec codec,
              std::size_t device_parameters_max = SIZE_MAX)
        : settings_(settings), stages_(stages), codec_(codec) {
        const auto whole = model::initial_parameters(kConfig, 1);
        ranges_ = model::cut_into_stages(kConfig, stages).value();
        for (std::uint32_t replica = 0; replica < kReplicas; ++replica) {
            samplers_.push_back(
                Sampler::make({{as_bytes(first)}, {as_bytes(second)}}, kConfig.context, 1).value());
            auto& devices = replicas_.emplace_back();
            for (std::uint32_t s = 0; s < stages; ++s) {
                const auto slice = model::stage_slice(kConfig, ranges_[s]);
                EXPECT_LE(slice.size, device_parameters_max);
                const std::vector<float> own(
                    whole.begin() + static_cast<long>(slice.offset),
                    whole.begin() + static_cast<long>(slice.offset + slice.size));
                auto run = TrainingRun::make(settings_, identity(replica, s), own, matrices(s));
                devices.push_back(device(s, own, std::move(run).value()));
            }
        }
    }

    // Kills `lost` devices in the middle of rounds, chosen by `seed`.
    void train(std::uint32_t lost = 0, std::uint64_t seed = 0) {
        SeededRandom random(seed);
        while (!replicas_[0][0].run->finished()) {
            if (replicas_[0][0].run->wants_steps()) {
                const bool loses = lost > 0 && replicas_[0][0].run->round() > 0;
                for (std::uint32_t r = 0; r < replicas_.size(); ++r)
                    steps(r, loses && r == 0 ? 20 + random.below(180) : 0,
                          static_cast<std::uint32_t>(random.below(stages_)));
                if (loses) --lost;
                finish_round();
            }
            if (const auto due = replicas_[0][0].run->due()) apply(*due);
        }
    }

    double held_out_loss() {
        double sum = 0;
        const auto text = samplers_[0].held_out(32);
        const auto rows = static_cast<std::uint32_t>(text.size() / (kConfig.context + 1));
        std::vector<float> in, out;
        for (std::uint32_t s = 0; s < stages_; ++s) {
            auto& device = replicas_[0][s];
            EXPECT_TRUE(device.stage->set_parameters(device.run->shared_parameters()).ok());
            EXPECT_TRUE(device.stage->begin_step(rows).ok());
            out.resize(s + 1 == stages_ ? 0 : std::size_t{rows} * kConfig.context * kConfig.width);
            sum += device.stage->forward(0, {rows, text}, in, out).value();
            in = out;
        }
        return sum / (rows * kConfig.context);
    }

    std::vector<float> shared() const {
        std::vector<float> all;
        for (const auto& device : replicas_[0])
            all.insert(all.end(), device.run->shared_parameters().begin(),
                       device.run->shared_parameters().end());
        return all;
    }
    std::size_t taken_over = 0;

  private:
    TrainingRun::Identity identity(std::uint32_t replica, std::uint32_t stage) const {
        return {stage_run({}, stage), replica, kReplicas};
    }

    std::vector<Matrix> matrices(std::uint32_t stage) const {
        std::vector<Matrix> out;
        for (const auto& parameter : model::stage_layout(kConfig, ranges_[stage]))
            if (parameter.shape.size() == 2)
                out.push_back({parameter.offset, parameter.shape[0], parameter.shape[1]});
        return out;
    }

    Device device(std::uint32_t stage, std::span<const float> parameters, TrainingRun run) {
        Device out;
        out.stage =
            model::make_nano_stage(kConfig, ranges_[stage], settings_.optimizer(), parameters)
                .value();
        out.run = std::make_unique<TrainingRun>(std::move(run));
        return out;
    }

    std::unique_ptr<StageWorker> worker(std::uint32_t replica, std::uint32_t stage,
                                        const PipelineStatus& from, std::uint64_t to) {
        const StagePlace place{{}, replica, stage, stages_, kMicroBatches};
        StageJob job{.rows = kMicroRows,
                     .values_a_row = kConfig.context * kConfig.width,
                     .example_bytes = kConfig.context + 1,
                     .answers = kConfig.context,
                     .codec = codec_,
                     .learning_rate =
                         [this](std::uint64_t step) { return settings_.learning_rate_at(step); },
                     .examples =
                         [this, replica](std::uint64_t step, std::uint32_t micro_batch) {
                             const auto batch =
                                 samplers_[replica].training_batch(replica, step, settings_.batch);
                             const std::size_t size = kMicroRows * (kConfig.context + 1);
                             return to_bytes(ByteSpan(batch).subspan(micro_batch * size, size));
                         }};
        return std::make_unique<StageWorker>(place, StagePipeline::make(place, to, from).value(),
                                             std::move(job), *replicas_[replica][stage].stage);
    }

    // A round's local steps of one replica. After `dies_after` works, unless 0, stage `dies` dies.
    void steps(std::uint32_t replica, std::uint64_t dies_after, std::uint32_t dies) {
        auto& devices = replicas_[replica];
        const std::uint64_t first = std::uint64_t{devices[0].run->round()} * settings_.local_steps;
        for (std::uint32_t s = 0; s < stages_; ++s) {
            EXPECT_TRUE(devices[s].stage->set_parameters(devices[s].run->start_parameters()).ok());
            devices[s].worker = worker(replica, s, {0, first, 0}, first + settings_.local_steps);
        }
        std::deque<StageWorker::Sent> queue;
        std::uint64_t works = 0;
        for (int idle = 0; idle < 2;) {
            ++idle;
            for (std::uint32_t s = 0; s < stages_; ++s) {
                auto advance = devices[s].worker->advance();
                ASSERT_TRUE(advance.ok()) << advance.error().message;
                if (advance->worked) idle = 0;
                for (auto& sent : advance->sent) queue.push_back(std::move(sent));
                if (advance->worked && ++works == dies_after) {
                    queue.clear();
                    take_over(replica, dies, first + settings_.local_steps);
                }
            }
            while (!queue.empty()) {
                const auto sent = std::move(queue.front());
                queue.pop_front();
                auto more = devices[sent.to_stage].worker->receive(sent.message);
                ASSERT_TRUE(more.ok()) << more.error().message;
                for (auto& next : *more) queue.push_back(std::move(next));
            }
        }
        for (auto& device : devices) ASSERT_TRUE(device.worker->finished());
    }

    // A fresh device with what the stage's group last shared; the step is computed again by all.
    void take_over(std::uint32_t replica, std::uint32_t lost, std::uint64_t to) {
        ++taken_over;
        auto& devices = replicas_[replica];
        auto state = replicas_[1 - replica][lost].run->state();
        auto run = TrainingRun::resume(settings_, identity(replica, lost), state, matrices(lost));
        devices[lost] = device(lost, state.shared, std::move(run).value());
        std::vector<PipelineStatus> left;
        for (std::uint32_t s = 0; s < stages_; ++s)
            if (s != lost) left.push_back(devices[s].worker->status());
        const auto agreed = agree(left);
        for (std::uint32_t s = 0; s < stages_; ++s) {
            if (s == lost)
                devices[s].worker = worker(replica, s, agreed, to);
            else
                ASSERT_TRUE(devices[s].worker->take_up(agreed).ok());
        }
    }

    void finish_round() {
        for (std::uint32_t r = 0; r < replicas_.size(); ++r)
            for (std::uint32_t s = 0; s < stages_; ++s) {
                auto& device = replicas_[r][s];
                std::vector<float> local(device.stage->parameter_count());
                ASSERT_TRUE(device.stage->get_parameters(local).ok());
                const auto bytes = device.run->finish_round(local, 1, 0).value();
                const auto payload = device.run->check_payload(bytes).value();
                payloads_[{payload.round, s}].push_back(payload);
            }
    }

    void apply(std::uint32_t round) {
        for (auto& devices : replicas_)
            for (std::uint32_t s = 0; s < stages_; ++s) {
                ASSERT_TRUE(devices[s].run->apply(payloads_[{round, s}]).ok());
                EXPECT_EQ(devices[s].run->shared_hash(), replicas_[0][s].run->shared_hash());
            }
    }

    const std::string first = portuguese(30000, 1), second = portuguese(20000, 2);
    const RunSettings settings_;
    const std::uint32_t stages_;
    const ActivationCodec codec_;
    std::vector<model::StageRange> ranges_;
    std::vector<Sampler> samplers_;
    std::vector<std::vector<Device>> replicas_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<Payload>> payloads_;
};

TEST(StagedTraining, a_model_larger_than_any_device_learns_with_8_bit_activations_as_with_32) {
    const std::size_t limit = kConfig.parameter_count() * 6 / 10;
    const auto run = settings("mutirao", {.kind = CodecKind::int4});
    StagedRun exact(run, 3, ActivationCodec::float32, limit);
    StagedRun coded(run, 3, ActivationCodec::int8, limit);
    exact.train();
    coded.train();
    const double exact_loss = exact.held_out_loss(), coded_loss = coded.held_out_loss();
    RecordProperty("float32_loss", std::to_string(exact_loss));
    RecordProperty("int8_loss", std::to_string(coded_loss));
    EXPECT_LT(exact_loss, 3);
    EXPECT_LT(std::abs(coded_loss - exact_loss), 0.05);
}

TEST(StagedTraining, is_bit_for_bit_the_same_with_any_number_of_stages) {
    const auto run = settings("mutirao", {.kind = CodecKind::bf16});
    StagedRun one(run, 1, ActivationCodec::float32), three(run, 3, ActivationCodec::float32);
    one.train();
    three.train();
    EXPECT_EQ(one.shared(), three.shared());
}

TEST(StagedTraining, dilocox_has_both_optimizers_in_every_stage) {
    StagedRun run(settings("dilocox", {.kind = CodecKind::low_rank, .rank = 8}), 3,
                  ActivationCodec::int8);
    run.train();
    EXPECT_LT(run.held_out_loss(), 5);  // from 5.5
}

TEST(StagedTraining, goes_on_when_a_stage_is_lost_in_the_middle_of_a_round_and_taken_over) {
    const auto plan = settings("mutirao", {.kind = CodecKind::int4});
    StagedRun whole(plan, 3, ActivationCodec::int8);
    whole.train();
    const double undisturbed = whole.held_out_loss();
    double worst = 0;
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        StagedRun run(plan, 3, ActivationCodec::int8);
        run.train(2, seed);
        EXPECT_EQ(run.taken_over, 2u);
        worst = std::max(worst, run.held_out_loss() - undisturbed);
    }
    RecordProperty("worst_loss_added", std::to_string(worst));
    EXPECT_LT(worst, 0.3);
}

}  // namespace
}  // namespace mutirao::train
