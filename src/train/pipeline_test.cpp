#include "train/pipeline.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <set>

#include "base/random.hpp"
#include "train/activation_codec.hpp"
#include "train/pipeline_projection.hpp"

namespace mutirao::train {
namespace {

// Goal: over links that delay and reorder, with devices that die and are replaced, every stage
// counts each micro-batch of each step exactly once before it steps. Method: stages that only
// count, driven by a seeded scheduler.
class Churn {
  public:
    Churn(std::uint64_t seed, std::uint32_t stages, std::uint32_t micro_batches,
          std::uint64_t steps, std::uint32_t deaths)
        : random_(seed), micro_batches_(micro_batches), steps_(steps), deaths_(deaths) {
        for (std::uint32_t i = 0; i < stages; ++i)
            devices_.push_back({StagePipeline::make(place(i, stages), steps).value(), {}, {}, 0});
    }

    void run() {
        for (int turn = 0; turn < 200000; ++turn) {
            if (std::ranges::all_of(devices_, [](auto& d) { return d.pipeline.finished(); }))
                return;
            if (deaths_ > 0 && random_.below(60) == 0) {
                --deaths_;
                replace(random_.below(devices_.size()));
            }
            if (!on_their_way_.empty() && random_.below(2) == 0)
                deliver(random_.below(on_their_way_.size()));
            else
                work(random_.below(devices_.size()));
        }
        FAIL() << "the pipeline stands still";
    }

    std::uint32_t in_flight_max = 0;

  private:
    struct Device {
        StagePipeline pipeline;
        std::set<std::uint32_t> forwards, backwards;
        std::uint64_t stepped;  // the next step to take
    };

    StagePlace place(std::uint32_t stage, std::uint32_t stages) const {
        return {{}, 0, stage, stages, micro_batches_};
    }

    void work(std::size_t at) {
        const auto work = devices_[at].pipeline.next();
        if (work) compute(at, *work);
    }

    void compute(std::size_t at, const StageWork& work) {
        auto& device = devices_[at];
        StagePipeline::Output output{{}, Bytes(1), 0};
        // Tensors say of which micro-batch they are.
        output.tensor[0] = static_cast<std::uint8_t>(work.micro_batch);
        if (!work.tensor.empty() && work.kind != StageWork::Kind::step) {
            EXPECT_EQ(work.tensor[0], work.micro_batch);
        }
        EXPECT_EQ(work.step, device.stepped);
        if (work.kind == StageWork::Kind::forward) {
            if (work.micro_batch == 0) {
                device.forwards.clear();
                device.backwards.clear();
            }
            EXPECT_TRUE(device.forwards.insert(work.micro_batch).second);
        } else if (work.kind == StageWork::Kind::backward) {
            EXPECT_TRUE(device.forwards.contains(work.micro_batch));
            EXPECT_TRUE(device.backwards.insert(work.micro_batch).second);
            if (work.micro_batch + 1 == micro_batches_)
                output.square_sum = work.square_sum + static_cast<double>(1 + work.step);
        } else {
            EXPECT_EQ(device.backwards.size(), micro_batches_);
            EXPECT_EQ(work.square_sum, static_cast<double>((1 + work.step) * devices_.size()));
            ++device.stepped;
        }
        for (auto& message : device.pipeline.done(std::move(output)))
            on_their_way_.push_back(std::move(message));
        in_flight_max = std::max(in_flight_max, device.pipeline.in_flight());
        EXPECT_LE(device.pipeline.in_flight(), devices_.size() - at);
    }

    void deliver(std::size_t index) {
        auto [to, message] = std::move(on_their_way_[index]);
        on_their_way_.erase(on_their_way_.begin() + static_cast<std::ptrdiff_t>(index));
        if (random_.below(10) == 0) on_their_way_.push_back({to, message});  // twice
        auto sent = devices_[to].pipeline.receive(std::move(message));
        ASSERT_TRUE(sent.ok()) << sent.error().message;
        for (auto& next : *sent) on_their_way_.push_back(std::move(next));
    }

    // What was on its way to or from the dead device is lost, or comes late.
    void replace(std::size_t lost) {
        std::vector<PipelineStatus> left;
        for (std::size_t i = 0; i < devices_.size(); ++i)
            if (i != lost) left.push_back(devices_[i].pipeline.status());
        if (left.empty()) return;
        const auto agreed = agree(left);
        std::erase_if(on_their_way_, [&](const auto& sent) {
            return sent.to_stage == lost || random_.below(3) == 0;
        });
        for (std::size_t i = 0; i < devices_.size(); ++i) {
            if (i == lost) {
                devices_[i] = {
                    StagePipeline::make(place(static_cast<std::uint32_t>(i),
                                              static_cast<std::uint32_t>(devices_.size())),
                                        steps_, agreed)
                        .value(),
                    {},
                    {},
                    agreed.step};
                continue;
            }
            auto owed = devices_[i].pipeline.take_up(agreed);
            ASSERT_TRUE(owed.ok()) << owed.error().message;
            if (*owed) compute(i, **owed);
            // Others hear of it later: some work and some messages come between.
            if (i > lost && !on_their_way_.empty()) deliver(random_.below(on_their_way_.size()));
            work(random_.below(i + 1));
        }
    }

    SeededRandom random_;
    std::uint32_t micro_batches_;
    std::uint64_t steps_;
    std::uint32_t deaths_;
    std::vector<Device> devices_;
    std::vector<StagePipeline::Outgoing> on_their_way_;
};

TEST(Pipeline, counts_every_micro_batch_once_whatever_is_delayed_repeated_or_lost) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const auto stages = static_cast<std::uint32_t>(1 + seed % 5);
        const auto micro_batches = static_cast<std::uint32_t>(1 + seed % 7);
        Churn churn(seed, stages, micro_batches, 6, seed % 3 == 0 ? 0 : 4);
        churn.run();
        ASSERT_FALSE(testing::Test::HasFailure());
        EXPECT_EQ(churn.in_flight_max, std::min(stages, micro_batches));
    }
}

TEST(Pipeline, is_idle_for_the_published_share_of_a_step) {
    for (const std::uint32_t stages : {1u, 2u, 4u, 8u})
        for (const std::uint32_t micro_batches : {1u, 4u, 32u}) {
            const auto got = project_pipeline({stages, micro_batches, 1, 2, 0, 1, 0}).value();
            EXPECT_NEAR(got.idle_share, (stages - 1.0) / (micro_batches + stages - 1.0), 1e-9);
            EXPECT_EQ(got.in_flight_max, std::min(stages, micro_batches));
        }
}

TEST(Pipeline, a_slow_link_adds_to_the_bubble_and_its_share_is_bounded_below_by_the_link) {
    const PipelineShape shape{4, 16, 0.1, 0.2, 1e6, 1e7, 0.02};
    const auto slow = project_pipeline(shape).value();
    auto fast = shape;
    fast.bytes_per_s = 1e12;
    fast.latency_s = 0;
    EXPECT_GT(slow.idle_share, project_pipeline(fast).value().idle_share);
    auto choked = shape;
    choked.bytes_per_s = 1e6;  // a second a message, 16 of them each way
    EXPECT_GT(project_pipeline(choked).value().step_s, 16);
    EXPECT_FALSE(project_pipeline({0, 1, 1, 1, 0, 1, 0}).ok());
    EXPECT_FALSE(project_pipeline({1, 1, -1, 1, 0, 1, 0}).ok());
    EXPECT_FALSE(project_pipeline({1, 1, 1, 1, 0, 0, 0}).ok());
}

TEST(Pipeline, refuses_what_no_neighbour_sends) {
    auto pipeline = StagePipeline::make({{}, 0, 1, 3, 2}, 5).value();
    const auto refusal = [&](PipelineKind kind, auto change) {
        PipelineMessage message;
        message.kind = kind;
        change(message);
        return pipeline.receive(message).error().kind;
    };
    using Message = PipelineMessage;
    const auto activations = PipelineKind::activations;
    EXPECT_EQ(refusal(activations, [](Message& m) { m.replica = 1; }),
              ErrorKind::permission_denied);
    EXPECT_EQ(refusal(activations, [](Message& m) { m.run.bytes[0] = 1; }),
              ErrorKind::permission_denied);
    EXPECT_EQ(refusal(activations, [](Message& m) { m.micro_batch = 2; }), ErrorKind::corrupt);
    EXPECT_EQ(refusal(activations, [](Message& m) { m.step = 2; }), ErrorKind::corrupt);
    EXPECT_EQ(refusal(PipelineKind::gradient, [](Message&) {}), ErrorKind::corrupt);
    EXPECT_EQ(refusal(PipelineKind::norm, [](Message&) {}), ErrorKind::corrupt);
    // The ends have one neighbour.
    auto first = StagePipeline::make({{}, 0, 0, 2, 2}, 5).value();
    EXPECT_EQ(first.receive({}).error().kind, ErrorKind::corrupt);
    EXPECT_FALSE(StagePipeline::make({{}, 0, 2, 2, 2}, 5).ok());
    EXPECT_FALSE(StagePipeline::make({{}, 0, 0, 1, 0}, 5).ok());
    EXPECT_EQ(pipeline.take_up({0, 0, 0}).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(pipeline.take_up({1, 1, 0}).error().kind, ErrorKind::corrupt);
}

TEST(PipelineMessage, has_one_encoding_and_refuses_fields_that_its_kind_has_not) {
    PipelineMessage message;
    message.step = 7;
    message.micro_batch = 3;
    message.examples = {1, 2, 3};
    message.tensor = {4, 5};
    EXPECT_EQ(decode_pipeline_message(encode_pipeline_message(message)).value(), message);
    auto changed = message;
    changed.kind = PipelineKind::gradient;
    EXPECT_FALSE(decode_pipeline_message(encode_pipeline_message(changed)).ok());
    changed.examples.clear();
    changed.square_sum = 2.5;
    EXPECT_EQ(decode_pipeline_message(encode_pipeline_message(changed)).value(), changed);
    changed.square_sum = -1;
    EXPECT_FALSE(decode_pipeline_message(encode_pipeline_message(changed)).ok());
    changed.square_sum = 1;
    changed.tensor.clear();
    EXPECT_FALSE(decode_pipeline_message(encode_pipeline_message(changed)).ok());
    changed.kind = PipelineKind::norm;
    EXPECT_FALSE(decode_pipeline_message(encode_pipeline_message(changed)).ok());
    changed.micro_batch = 0;
    EXPECT_TRUE(decode_pipeline_message(encode_pipeline_message(changed)).ok());
    changed.kind = PipelineKind::end;
    EXPECT_FALSE(decode_pipeline_message(encode_pipeline_message(changed)).ok());
    changed.square_sum = 0;
    EXPECT_TRUE(decode_pipeline_message(encode_pipeline_message(changed)).ok());
    changed.kind = PipelineKind::found;
    EXPECT_FALSE(decode_pipeline_message(encode_pipeline_message(changed)).ok());
    changed.states.resize(2);
    changed.held_out_loss = 2.5;
    EXPECT_EQ(decode_pipeline_message(encode_pipeline_message(changed)).value(), changed);
    changed.states.resize(kStagesMax + 1);
    EXPECT_FALSE(decode_pipeline_message(encode_pipeline_message(changed)).ok());
}

TEST(Seating, has_one_encoding_and_only_workers_of_the_run_sign_it) {
    const Seating seating{{}, 1, 3, {2, 97, 1.5}, {0, 3, 2}};
    const auto bytes = encode_seating(seating);
    EXPECT_EQ(decode_seating(bytes).value(), seating);
    EXPECT_FALSE(decode_seating(ByteSpan(bytes).first(bytes.size() - 1)).ok());
    auto empty = seating;
    empty.workers.clear();
    EXPECT_FALSE(decode_seating(encode_seating(empty)).ok());
    SeededRandom random(1);
    const auto key = crypto::AccountKey::generate(random);
    const auto other = crypto::AccountKey::generate(random);
    const std::vector workers{other.address(), key.address()};
    auto signed_bytes = sign_for_stages(bytes, key);
    EXPECT_EQ(to_bytes(check_for_stages(signed_bytes, workers).value()), bytes);
    EXPECT_EQ(check_for_stages(signed_bytes, std::span(workers).first(1)).error().kind,
              ErrorKind::permission_denied);
    signed_bytes[0] ^= 1;
    EXPECT_FALSE(check_for_stages(signed_bytes, workers).ok());
    EXPECT_FALSE(check_for_stages(ByteSpan(bytes).first(10), workers).ok());
}

// Whatever order messages take: the end may come before the step's norm.
TEST(Pipeline, the_first_stage_ends_a_round_early_and_all_end_at_the_same_step) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        SeededRandom random(seed);
        constexpr std::uint32_t kStages = 3;
        std::vector<StagePipeline> stages;
        for (std::uint32_t s = 0; s < kStages; ++s)
            stages.push_back(StagePipeline::make({{}, 0, s, kStages, 2}, 100).value());
        std::vector<StagePipeline::Outgoing> under_way;
        const auto put = [&](std::vector<StagePipeline::Outgoing> more) {
            for (auto& each : more) under_way.push_back(std::move(each));
        };
        EXPECT_TRUE(stages[1].end_here().empty());
        for (int turn = 0; turn < 20000; ++turn) {
            bool worked = false;
            for (auto& stage : stages)
                if (const auto work = stage.next()) {
                    worked = true;
                    put(stage.done({{}, Bytes(1), work->square_sum + 1}));
                }
            if (stages[0].status().step == 4) put(stages[0].end_here());
            if (under_way.empty() && !worked) break;
            if (under_way.empty()) continue;
            const auto at = random.below(under_way.size());
            auto [to, message] = std::move(under_way[at]);
            under_way.erase(under_way.begin() + static_cast<std::ptrdiff_t>(at));
            auto more = stages[to].receive(std::move(message));
            ASSERT_TRUE(more.ok()) << more.error().message;
            put(std::move(*more));
        }
        for (const auto& stage : stages) {
            EXPECT_TRUE(stage.finished());
            EXPECT_EQ(stage.status().step, 4u);
        }
    }
}

TEST(ActivationCodec, int8_is_off_by_at_most_a_254th_of_the_blocks_largest) {
    SeededRandom random(1);
    std::vector<float> values(1000), out(1000);
    for (auto& value : values) value = (static_cast<float>(random.below(2000001)) - 1e6f) / 3e5f;
    const auto bytes = encode_activations(ActivationCodec::int8, values).value();
    EXPECT_LT(bytes.size(), 1100u);
    ASSERT_TRUE(decode_activations(ActivationCodec::int8, bytes, out).ok());
    for (std::size_t block = 0; block < values.size(); block += 64) {
        float largest = 0;
        const std::size_t end = std::min<std::size_t>(block + 64, values.size());
        for (std::size_t i = block; i < end; ++i) largest = std::max(largest, std::abs(values[i]));
        for (std::size_t i = block; i < end; ++i)
            EXPECT_LE(std::abs(out[i] - values[i]), largest / 253.9f);
    }
    const auto exact = encode_activations(ActivationCodec::float32, values).value();
    ASSERT_TRUE(decode_activations(ActivationCodec::float32, exact, out).ok());
    EXPECT_EQ(out, values);
    EXPECT_FALSE(decode_activations(ActivationCodec::float32, bytes, out).ok());
    EXPECT_FALSE(decode_activations(ActivationCodec::int8, exact, out).ok());
    values[3] = std::nanf("");
    EXPECT_FALSE(encode_activations(ActivationCodec::float32, values).ok());
}

}  // namespace
}  // namespace mutirao::train
