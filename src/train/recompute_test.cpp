#include "train/recompute.hpp"

#include <cmath>
#include <gtest/gtest.h>

#include "model/nano_backend.hpp"
#include "train/audit.hpp"
#include "train/blob.hpp"
#include "train/test_texts.hpp"

namespace mutirao::train {
namespace {

constexpr model::GptConfig kConfig{1, 16, 2, 16};
constexpr std::uint32_t kWorkers = 2;

std::unique_ptr<model::Model> new_model() {
    return model::make_nano_backend()
        ->create(kConfig, {}, model::initial_parameters(kConfig, 1))
        .value();
}

// Two workers, of whom the second can be made to cheat.
struct Pair {
    explicit Pair(Schedule schedule, std::uint32_t fragments = 1) {
        settings = preset("mutirao").value();
        settings.model = kConfig;
        settings.batch = 4;
        settings.local_steps = 5;
        settings.rounds = 4;
        settings.warmup_steps = 5;
        settings.schedule = schedule;
        settings.fragments = fragments;
        for (std::uint32_t i = 0; i < kWorkers; ++i) {
            runs.push_back(TrainingRun::make(settings, {{}, i, kWorkers},
                                             model::initial_parameters(kConfig, 1))
                               .value());
            samplers.push_back(sampler());
            models.push_back(new_model());
        }
    }

    Sampler sampler() const {
        return Sampler::make({{as_bytes(text)}}, kConfig.context, settings.seed).value();
    }

    // Local steps and payload of one worker; the state before goes to `before`.
    Payload work(std::uint32_t worker, WorkerState& before) {
        auto& run = runs[worker];
        auto& model = *models[worker];
        before = run.own_state(model.optimizer_state().value());
        EXPECT_TRUE(model.set_parameters(run.start_parameters()).ok());
        const auto used = samplers[worker].tokens_used()[0];
        for (std::uint32_t i = 0; i < run.local_steps(); ++i) {
            const std::uint64_t step = std::uint64_t{run.round()} * settings.local_steps + i;
            const auto batch = samplers[worker].training_batch(worker, step, settings.batch);
            const float rate = settings.learning_rate_at(step);
            EXPECT_TRUE(model.train_step({settings.batch, batch}, rate).ok());
        }
        std::vector<float> local(kConfig.parameter_count());
        EXPECT_TRUE(model.get_parameters(local).ok());
        const auto tokens = samplers[worker].tokens_used()[0] - used;
        const auto bytes =
            run.finish_round(local, tokens, 0, {.before = worker_state_digest(before)}).value();
        return decode_payload(bytes).value();
    }
    RecomputedWorker second() const { return {settings, {{}, 1, kWorkers}, {}}; }

    const std::string text = portuguese(20000, 1);
    RunSettings settings;
    std::vector<TrainingRun> runs;
    std::vector<Sampler> samplers;
    std::vector<std::unique_ptr<model::Model>> models;
};

TEST(Recompute, an_honest_workers_rounds_come_out_bit_for_bit_and_bind_one_another) {
    for (const auto schedule : {Schedule::sync, Schedule::delay_keep, Schedule::delay_restart})
        for (const std::uint32_t fragments : {1u, 3u}) {
            if (schedule == Schedule::delay_restart && fragments > 1) continue;
            Pair run(schedule, fragments);
            const auto auditor = new_model();
            std::map<std::uint32_t, std::vector<Payload>> payloads;
            // Before the first round anybody knows the state.
            Digest next =
                worker_state_digest(run.runs[0].own_state(fresh_inner(kConfig.parameter_count())));
            while (!run.runs[0].finished()) {
                std::optional<Recomputed> again;
                if (run.runs[0].wants_steps()) {
                    WorkerState before;
                    const auto round = run.runs[1].round();
                    payloads[round].push_back(run.work(0, before));
                    const auto sent = run.work(1, before);
                    payloads[round].push_back(sent);
                    EXPECT_EQ(sent.before, next);
                    const auto steps = round < run.settings.rounds ? run.settings.local_steps : 0;
                    auto sampler = run.sampler();
                    again.emplace(
                        recompute_round(run.second(), before, steps, sampler, *auditor).value());
                    const auto found = compare_round(run.second(), sent, *again, 0).value();
                    EXPECT_EQ(found.finding, Finding::same) << round;
                }
                if (const auto due = run.runs[0].due()) {
                    for (auto& each : run.runs) ASSERT_TRUE(each.apply(payloads[*due]).ok());
                    if (again) {
                        ASSERT_TRUE(again->run.apply(payloads[*due]).ok());
                    }
                }
                if (again)
                    next = worker_state_digest(
                        again->run.own_state(auditor->optimizer_state().value()));
            }
        }
}

TEST(Recompute, finds_made_up_values_and_states) {
    Pair run(Schedule::sync);
    WorkerState before;
    const auto honest = run.work(1, before);
    const auto auditor = new_model();
    auto sampler = run.sampler();
    auto again =
        recompute_round(run.second(), before, run.settings.local_steps, sampler, *auditor).value();
    const auto finding = [&](const Payload& sent, double tolerance) {
        return compare_round(run.second(), sent, again, tolerance).value();
    };
    EXPECT_EQ(finding(honest, 0).finding, Finding::same);
    // A pseudo-gradient of one's own making.
    auto cheat = honest;
    const std::vector<float> made_up(kConfig.parameter_count(), 0.01f);
    const auto codec = make_codec(run.settings.codec, made_up.size()).value();
    cheat.delta = codec->encode(made_up).value();
    EXPECT_EQ(finding(cheat, 0.1).finding, Finding::other_values);
    EXPECT_GT(finding(cheat, 0.1).distance, 0.5);
    // A little off, as on another kind of processor.
    std::vector<float> values(made_up.size());
    ASSERT_TRUE(codec->decode(honest.delta, values).ok());
    for (auto& value : values) value *= 1.05f;
    auto off = honest;
    off.delta = codec->encode(values).value();
    const auto close = finding(off, 0.2);
    EXPECT_EQ(close.finding, Finding::close);
    EXPECT_GT(close.distance, 0);
    EXPECT_EQ(finding(off, 0).finding, Finding::other_values);
    // A state that explains the cheat, but was not committed to.
    auto other = honest;
    other.before.bytes[0] ^= 1;
    EXPECT_EQ(finding(other, 0).finding, Finding::other_state);
    auto elsewhere = honest;
    elsewhere.base.bytes[0] ^= 1;
    EXPECT_EQ(finding(elsewhere, 0).finding, Finding::other_values);
    auto broken = honest;
    broken.delta.pop_back();
    EXPECT_EQ(finding(broken, 1).finding, Finding::other_values);
    // What its owners' examples did, in numbers of its own.
    again.payload.credits = {1000, -50};
    auto credited = honest;
    EXPECT_EQ(finding(credited, 0.1).finding, Finding::other_credits);
    credited.credits = {1000, -50};
    EXPECT_EQ(finding(credited, 0).finding, Finding::same);
    credited.credits = {1020, -50};
    EXPECT_EQ(finding(credited, 0.1).finding, Finding::close);
    credited.credits = {1500, -50};
    EXPECT_EQ(finding(credited, 0.1).finding, Finding::other_credits);

    EXPECT_FALSE(recompute_round(run.second(), before, 6, sampler, *auditor).ok());
    before.error.pop_back();
    EXPECT_FALSE(recompute_round(run.second(), before, 5, sampler, *auditor).ok());
}

TEST(Recompute, a_state_that_is_a_little_off_is_told_from_one_that_is_made_up) {
    Pair run(Schedule::delay_keep);
    WorkerState before;
    (void)run.work(1, before);
    const auto state = run.runs[1].own_state(run.models[1]->optimizer_state().value());
    const auto sent = run.runs[1].sent(0);
    double length = 0;
    for (const float value : sent)
        length += static_cast<double>(value) * static_cast<double>(value);
    length = std::sqrt(length);
    EXPECT_EQ(state_distance(state, state, length), 0);
    auto close = state;
    for (auto& value : close.error) value *= 1.1f;
    EXPECT_GT(state_distance(close, state, length), 0);
    EXPECT_LT(state_distance(close, state, length), kHonestDistance);
    auto made_up = state;
    for (std::size_t i = 0; i < made_up.error.size(); ++i) made_up.error[i] = 3 * sent[i];
    EXPECT_GT(state_distance(made_up, state, length), 2 * kHonestDistance);
    made_up = state;
    for (auto& value : made_up.inner.moments) value = -value;
    EXPECT_GT(state_distance(made_up, state, length), 1);
    made_up = state;
    made_up.shared.momentum[0] += 1;
    EXPECT_TRUE(std::isinf(state_distance(made_up, state, length)));
    made_up = state;
    made_up.pending[0].delta.clear();
    EXPECT_TRUE(std::isinf(state_distance(made_up, state, length)));
}

TEST(WorkerState, has_one_encoding_and_a_worker_goes_on_from_it) {
    Pair run(Schedule::delay_keep, 2);
    WorkerState before;
    (void)run.work(0, before);  // a round is pending now
    const auto state = run.runs[0].own_state(run.models[0]->optimizer_state().value());
    ASSERT_EQ(state.pending.size(), 1u);
    const auto shared = encode_run_state(state.shared);
    const auto bytes = encode_worker_state(state);
    EXPECT_EQ(decode_worker_state(bytes, shared).value(), state);
    EXPECT_EQ(run_state_of(bytes).value(), chunk_list(shared).id());
    for (std::size_t size = 0; size < bytes.size(); size += 4001)
        EXPECT_FALSE(decode_worker_state(ByteSpan(bytes).first(size), shared).ok());
    auto longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(decode_worker_state(longer, shared).ok());
    auto elsewhere = state.shared;
    elsewhere.shared[0] += 1;
    EXPECT_FALSE(decode_worker_state(bytes, encode_run_state(elsewhere)).ok());
    auto formless = bytes;
    formless[2 + Digest::kSize] = 3;
    EXPECT_FALSE(decode_worker_state(formless, shared).ok());
    const auto gone_on = TrainingRun::go_on(run.settings, {{}, 0, kWorkers}, state).value();
    EXPECT_EQ(gone_on.own_state(state.inner), state);
    auto wrong = state;
    wrong.pending.clear();
    EXPECT_FALSE(TrainingRun::go_on(run.settings, {{}, 0, kWorkers}, wrong).ok());
    wrong = state;
    wrong.start.pop_back();
    EXPECT_FALSE(TrainingRun::go_on(run.settings, {{}, 0, kWorkers}, wrong).ok());
}

// A worker of a synchronous run that begins owes nothing and has no moments: a few bytes.
TEST(WorkerState, what_all_know_already_takes_no_room) {
    Pair run(Schedule::sync);
    const auto state = run.runs[0].own_state(fresh_inner(kConfig.parameter_count()));
    const auto bytes = encode_worker_state(state);
    EXPECT_EQ(bytes.size(), 2 + Digest::kSize + 3 + 8 + 8 + 1);
    EXPECT_EQ(decode_worker_state(bytes, encode_run_state(state.shared)).value(), state);
}

}  // namespace
}  // namespace mutirao::train
