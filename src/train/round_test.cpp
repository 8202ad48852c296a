#include "train/round.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <limits>

#include "base/random.hpp"

namespace mutirao::train {
namespace {

constexpr std::size_t kParameters = 5000;

RunSettings settings_for(Schedule schedule, CodecKind codec = CodecKind::int4) {
    auto settings = preset("mutirao").value();
    settings.rounds = 5;
    settings.schedule = schedule;
    settings.codec.kind = codec;
    return settings;
}

std::vector<float> initial() {
    std::vector<float> parameters(kParameters);
    for (std::size_t i = 0; i < kParameters; ++i)
        parameters[i] = static_cast<float>(i % 17) * 0.01f;
    return parameters;
}

RunId run_id() {
    RunId run;
    run.bytes.fill(5);
    return run;
}

TrainingRun worker_of(const RunSettings& settings, std::uint32_t worker, std::uint32_t workers) {
    return TrainingRun::make(settings, {run_id(), worker, workers}, initial()).value();
}

// Stands for local steps: a third of the way to a target that differs a little between workers.
std::vector<float> locally_trained(std::span<const float> start, std::uint32_t worker,
                                   std::uint32_t round) {
    SeededRandom random(1000 * worker + round);
    std::vector<float> local(start.begin(), start.end());
    for (std::size_t i = 0; i < local.size(); ++i) {
        const float jitter = static_cast<float>(random.below(1000)) * 1e-5f;
        local[i] += (1.0f + jitter - local[i]) / 3;
    }
    return local;
}

float distance_to_target(std::span<const float> parameters) {
    double sum = 0;
    for (const float value : parameters) sum += std::abs(value - 1.005);
    return static_cast<float>(sum / static_cast<double>(parameters.size()));
}

// Runs all workers to the end, each receiving payloads in an order of its own.
std::vector<TrainingRun> run_all(const RunSettings& settings, std::uint32_t workers) {
    std::vector<TrainingRun> runs;
    for (std::uint32_t w = 0; w < workers; ++w) runs.push_back(worker_of(settings, w, workers));
    std::map<std::uint32_t, std::vector<Bytes>> sent;
    while (!runs[0].finished()) {
        const auto round = runs[0].round();
        for (std::uint32_t w = 0; w < workers && runs[w].wants_steps(); ++w) {
            const auto start = runs[w].start_parameters();
            auto local = std::vector<float>(start.begin(), start.end());
            if (runs[w].local_steps() > 0) local = locally_trained(start, w, round);
            sent[round].push_back(runs[w].finish_round(local, 100, 1).value());
        }
        const auto due = runs[0].due();
        if (!due) continue;
        for (std::uint32_t w = 0; w < workers; ++w) {
            EXPECT_EQ(runs[w].due(), due);
            std::vector<Payload> payloads;
            for (const auto& bytes : sent[*due])
                payloads.push_back(runs[w].check_payload(bytes).value());
            std::rotate(payloads.begin(), payloads.begin() + w, payloads.end());
            const auto status = runs[w].apply(payloads);
            EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
        }
    }
    return runs;
}

TEST(TrainingRun, all_workers_hold_identical_bits_whatever_the_order_of_arrival) {
    for (const auto schedule : {Schedule::sync, Schedule::delay_keep, Schedule::delay_restart})
        for (const auto codec :
             {CodecKind::bf16, CodecKind::int4, CodecKind::topk2, CodecKind::int8,
              CodecKind::dense2, CodecKind::low_rank, CodecKind::fixed32}) {
            const auto runs = run_all(settings_for(schedule, codec), 3);
            for (const auto& run : runs) {
                EXPECT_TRUE(run.finished());
                EXPECT_EQ(run.shared_hash(), runs[0].shared_hash());
                EXPECT_EQ(state_hash(run.shared_parameters()), run.shared_hash());
            }
            if (codec == CodecKind::topk2) continue;  // 1.6 % of the values a round
            EXPECT_LT(distance_to_target(runs[0].shared_parameters()),
                      distance_to_target(initial()) / 2);
        }
}

TEST(TrainingRun, sync_with_one_worker_and_rate_one_is_local_training) {
    auto settings = settings_for(Schedule::sync, CodecKind::bf16);
    settings.outer = {.learning_rate = 1, .momentum = 0};
    auto run = worker_of(settings, 0, 1);
    const auto local = locally_trained(run.start_parameters(), 0, 0);
    const auto bytes = run.finish_round(local, 1, 1).value();
    ASSERT_TRUE(run.apply(std::vector{run.check_payload(bytes).value()}).ok());
    for (std::size_t i = 0; i < kParameters; ++i)
        EXPECT_NEAR(run.start_parameters()[i], local[i], 0.004 * std::abs(local[i]));
}

TEST(TrainingRun, workers_that_prepared_their_data_otherwise_do_not_train_together) {
    const auto settings = settings_for(Schedule::sync, CodecKind::bf16);
    Digest prepared;
    prepared.bytes.fill(4);
    const auto make = [&](std::uint32_t worker, const Digest& preparation) {
        return TrainingRun::make(settings, {{}, worker, 2, 0, preparation}, initial()).value();
    };
    auto one = make(0, prepared), same = make(1, prepared), other = make(1, {});
    EXPECT_EQ(one.shared_hash(), same.shared_hash());
    EXPECT_NE(one.shared_hash(), other.shared_hash());
    const auto payload = [](TrainingRun& run, std::uint32_t worker) {
        const auto local = locally_trained(run.start_parameters(), worker, 0);
        return decode_payload(run.finish_round(local, 1, 1).value()).value();
    };
    const auto own = payload(one, 0), fits = payload(same, 1), differs = payload(other, 1);
    const auto refused = one.apply(std::vector{own, differs});
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("prepared otherwise"), std::string::npos);
    EXPECT_TRUE(one.apply(std::vector{own, fits}).ok());
}

TEST(TrainingRun, delay_keeps_the_progress_that_no_outer_step_has_seen) {
    // Goal: the second round goes on from the local parameters, and after the first outer step the
    // third starts at shared - delta(1).
    auto run = worker_of(settings_for(Schedule::delay_keep), 0, 1);
    const auto local0 = locally_trained(run.start_parameters(), 0, 0);
    const auto payload0 = run.check_payload(run.finish_round(local0, 1, 1).value()).value();
    EXPECT_FALSE(run.due());
    ASSERT_TRUE(std::ranges::equal(run.start_parameters(), local0));

    const auto local1 = locally_trained(run.start_parameters(), 0, 1);
    (void)run.finish_round(local1, 1, 1).value();
    EXPECT_EQ(run.due(), 0u);
    EXPECT_FALSE(run.wants_steps());
    ASSERT_TRUE(run.apply(std::vector{payload0}).ok());
    EXPECT_FALSE(run.due());
    for (std::size_t i = 0; i < kParameters; ++i)
        EXPECT_EQ(run.start_parameters()[i], run.shared_parameters()[i] - (local0[i] - local1[i]));
}

TEST(TrainingRun, delay_drains_its_tail_after_the_last_round) {
    auto settings = settings_for(Schedule::delay_keep);
    settings.rounds = 1;
    auto run = worker_of(settings, 0, 1);
    const auto bytes =
        run.finish_round(locally_trained(run.start_parameters(), 0, 0), 1, 1).value();
    EXPECT_EQ(run.due(), 0u);
    ASSERT_TRUE(run.apply(std::vector{run.check_payload(bytes).value()}).ok());
    EXPECT_TRUE(run.finished());
    EXPECT_FALSE(run.wants_steps());
    EXPECT_FALSE(run.due());
}

TEST(TrainingRun, delay_with_restart_starts_each_round_from_the_shared_parameters) {
    auto run = worker_of(settings_for(Schedule::delay_restart), 0, 1);
    std::vector<Payload> payloads;
    for (std::uint32_t round = 0; round < 2; ++round) {
        EXPECT_TRUE(std::ranges::equal(run.start_parameters(), initial()));
        const auto local = locally_trained(run.start_parameters(), 0, round);
        payloads.push_back(run.check_payload(run.finish_round(local, 1, 1).value()).value());
    }
    ASSERT_TRUE(run.apply(std::span(payloads).first(1)).ok());
    EXPECT_TRUE(std::ranges::equal(run.start_parameters(), run.shared_parameters()));
    EXPECT_FALSE(std::ranges::equal(run.start_parameters(), initial()));
}

TEST(TrainingRun, fragments_take_turns_and_reach_what_whole_exchanges_reach) {
    // A round's payload is a third as large, and each value moves every third round.
    for (const auto schedule : {Schedule::sync, Schedule::delay_keep}) {
        auto settings = settings_for(schedule);
        settings.rounds = 15;
        settings.fragments = 3;
        const auto runs = run_all(settings, 3);
        EXPECT_EQ(runs[1].shared_hash(), runs[0].shared_hash());
        EXPECT_EQ(runs[2].shared_hash(), runs[0].shared_hash());
        EXPECT_LT(distance_to_target(runs[0].shared_parameters()),
                  distance_to_target(initial()) / 4);

        auto run = worker_of(settings, 0, 1);
        auto whole = worker_of(settings_for(schedule), 0, 1);
        const auto local = locally_trained(run.start_parameters(), 0, 0);
        const auto small = run.finish_round(local, 1, 1).value();
        const auto large = whole.finish_round(local, 1, 1).value();
        EXPECT_LT(small.size() * 2, large.size());
        // What was not exchanged goes on from the local parameters.
        if (schedule == Schedule::sync) {
            ASSERT_TRUE(run.apply(std::vector{run.check_payload(small).value()}).ok());
        }
        const std::size_t first = kParameters / 3;
        for (std::size_t i = first; i < kParameters; ++i) {
            ASSERT_EQ(run.start_parameters()[i], local[i]);
            ASSERT_EQ(run.shared_parameters()[i], initial()[i]);
        }
    }
}

TEST(TrainingRun, closing_rounds_bring_what_the_fragments_gained_since_their_last_turns) {
    // With one worker, rate 1 and int8, shared parameters end where the worker's own do.
    for (const auto schedule : {Schedule::sync, Schedule::delay_keep}) {
        auto settings = settings_for(schedule, CodecKind::int8);
        settings.outer = {.learning_rate = 1, .momentum = 0};
        settings.fragments = 4;
        settings.rounds = 6;
        auto run = worker_of(settings, 0, 1);
        EXPECT_EQ(run.rounds_total(), 9u);
        std::map<std::uint32_t, Payload> sent;
        auto local = initial();
        while (!run.finished()) {
            if (run.wants_steps()) {
                const auto start = run.start_parameters();
                local.assign(start.begin(), start.end());
                EXPECT_EQ(run.local_steps() > 0, run.round() < 6);
                if (run.local_steps() > 0) local = locally_trained(local, 0, run.round());
                const auto payload = run.check_payload(run.finish_round(local, 1, 1).value());
                sent[payload->round] = payload.value();
            }
            if (const auto due = run.due()) {
                ASSERT_TRUE(run.apply(std::vector{sent[*due]}).ok());
            }
        }
        for (std::size_t i = 0; i < kParameters; ++i)
            ASSERT_NEAR(run.shared_parameters()[i], local[i], 0.01) << i;
    }
}

TEST(TrainingRun, who_is_left_out_of_a_round_brings_its_work_with_the_next) {
    // Goal: with lossless sums (rate 1, int8 and feedback) two rounds of which the first goes on
    // without worker 2 move as far for worker 2's part as its two deltas say.
    for (const auto schedule : {Schedule::sync, Schedule::delay_keep}) {
        auto settings = settings_for(schedule, CodecKind::int8);
        settings.quorum = 2;
        settings.rounds = 8;
        settings.outer = {.learning_rate = 1, .momentum = 0};
        std::vector<TrainingRun> runs;
        for (std::uint32_t w = 0; w < 3; ++w) runs.push_back(worker_of(settings, w, 3));
        std::map<std::uint32_t, std::vector<Payload>> sent;
        while (!runs[0].finished()) {
            for (std::uint32_t w = 0; w < 3 && runs[w].wants_steps(); ++w) {
                const auto round = runs[w].round();
                const auto local = locally_trained(runs[w].start_parameters(), w, round);
                sent[round].push_back(
                    runs[w].check_payload(runs[w].finish_round(local, 1, 1).value()).value());
            }
            const auto due = runs[0].due();
            if (!due) continue;
            auto& payloads = sent[*due];
            if (*due % 2 == 0) std::erase_if(payloads, [](auto& p) { return p.worker == 2; });
            for (auto& run : runs) ASSERT_TRUE(run.apply(payloads).ok());
        }
        for (const auto& run : runs) EXPECT_EQ(run.shared_hash(), runs[0].shared_hash());
        EXPECT_LT(distance_to_target(runs[0].shared_parameters()),
                  distance_to_target(initial()) / 6);
    }
}

TEST(TrainingRun, feedback_of_who_was_left_out_holds_all_that_it_sent) {
    auto settings = settings_for(Schedule::sync, CodecKind::int8);
    settings.quorum = 1;
    settings.outer = {.learning_rate = 1, .momentum = 0};
    auto busy = worker_of(settings, 0, 2), late = worker_of(settings, 1, 2);
    auto unmoved = initial();
    const auto first = busy.check_payload(busy.finish_round(unmoved, 1, 1).value()).value();
    auto moved = initial();
    for (auto& value : moved) value += 1;
    (void)late.finish_round(moved, 1, 1).value();
    ASSERT_TRUE(late.apply(std::vector{first}).ok());
    // It starts where all do, and its next payload carries the step of 1 though it does not move.
    EXPECT_TRUE(std::ranges::equal(late.start_parameters(), initial()));
    ASSERT_TRUE(late.apply({}).error().kind == ErrorKind::invalid_argument);
    const auto owed = late.check_payload(late.finish_round(unmoved, 1, 1).value()).value();
    ASSERT_TRUE(late.apply(std::vector{owed}).ok());
    for (std::size_t i = 0; i < kParameters; ++i)
        EXPECT_NEAR(late.shared_parameters()[i], moved[i], 0.01);
}

TEST(TrainingRun, a_worker_that_lost_everything_goes_on_from_a_peers_state) {
    // Worker 2 dies after its third round and comes back two rounds later; nobody else stops, and
    // from then on all hold the same bits again, through to the end.
    for (const auto schedule : {Schedule::sync, Schedule::delay_keep, Schedule::delay_restart})
        for (const std::uint32_t fragments : {1u, 3u}) {
            if (fragments > 1 && schedule == Schedule::delay_restart) continue;
            auto settings = settings_for(schedule);
            settings.rounds = 8;
            settings.quorum = 2;
            settings.fragments = fragments;
            std::vector<TrainingRun> runs;
            for (std::uint32_t w = 0; w < 3; ++w) runs.push_back(worker_of(settings, w, 3));
            std::map<std::uint32_t, std::vector<Payload>> sent;
            while (!runs[0].finished()) {
                const auto round = runs[0].round();
                if (round == 5 && runs[2].round() < 5) {
                    const auto bytes = encode_run_state(runs[0].state());
                    runs[2] = TrainingRun::resume(settings, {run_id(), 2, 3},
                                                  decode_run_state(bytes).value())
                                  .value();
                    EXPECT_EQ(runs[2].round(), 5u);
                }
                const bool gone = round == 3 || round == 4;
                for (std::uint32_t w = 0; w < (gone ? 2u : 3u) && runs[w].wants_steps(); ++w) {
                    const auto local = locally_trained(runs[w].start_parameters(), w, round);
                    const auto bytes = runs[w].finish_round(local, 1, 1).value();
                    sent[round].push_back(runs[0].check_payload(bytes).value());
                }
                const auto due = runs[0].due();
                if (!due) continue;
                for (std::uint32_t w = 0; w < (gone ? 2u : 3u); ++w) {
                    const auto status = runs[w].apply(sent[*due]);
                    ASSERT_TRUE(status.ok()) << status.error().message;
                    EXPECT_EQ(runs[w].shared_hash(), runs[0].shared_hash());
                }
            }
            EXPECT_TRUE(runs[2].finished());
            EXPECT_EQ(runs[2].state(), runs[0].state());
        }
}

TEST(TrainingRun, resumes_only_from_a_state_of_its_own_run) {
    const auto settings = settings_for(Schedule::delay_keep);
    const auto good = worker_of(settings, 0, 2).state();
    const auto refused = [&](auto change) {
        auto state = good;
        change(state);
        return !TrainingRun::resume(settings, {run_id(), 1, 2}, state).ok();
    };
    EXPECT_FALSE(refused([](RunState&) {}));
    EXPECT_TRUE(refused([](RunState& s) { s.run.bytes[0] ^= 1; }));
    EXPECT_TRUE(refused([](RunState& s) { s.round = 1; }));  // without a base
    EXPECT_TRUE(refused([](RunState& s) { s.round = s.applied = 6; }));
    EXPECT_TRUE(refused([](RunState& s) { s.applied = 1; }));
    EXPECT_TRUE(refused([](RunState& s) { s.momentum.pop_back(); }));
    EXPECT_TRUE(refused([](RunState& s) { s.shared.clear(); }));
}

class TwoWorkers : public testing::Test {
  protected:
    TwoWorkers()
        : one(worker_of(settings, 0, 2)),
          two(worker_of(settings, 1, 2)),
          first(payload_of(one, 0)),
          second(payload_of(two, 1)) {}

    static Payload payload_of(TrainingRun& run, std::uint32_t worker) {
        const auto local = locally_trained(run.start_parameters(), worker, run.round());
        return run.check_payload(run.finish_round(local, 1, 1).value()).value();
    }
    ErrorKind check(const Payload& payload) const {
        const auto checked = one.check_payload(encode_payload(payload));
        EXPECT_FALSE(checked.ok());
        return checked.error().kind;
    }

    RunSettings settings = settings_for(Schedule::sync);
    TrainingRun one, two;
    Payload first, second;
};

TEST_F(TwoWorkers, a_missing_worker_is_named_and_nothing_changes) {
    const auto before = one.shared_hash();
    const auto status = one.apply(std::vector{first});
    EXPECT_EQ(status.error().kind, ErrorKind::unavailable);
    EXPECT_NE(status.error().message.find("no payload of worker 1"), std::string::npos);
    EXPECT_EQ(one.shared_hash(), before);
    EXPECT_EQ(one.due(), 0u);
    EXPECT_TRUE(one.apply(std::vector{second, first}).ok());
}

TEST_F(TwoWorkers, other_starting_parameters_are_found_by_their_hash) {
    second.base.bytes[0] ^= 1;
    const auto status = one.apply(std::vector{first, second});
    EXPECT_EQ(status.error().kind, ErrorKind::corrupt);
    EXPECT_NE(status.error().message.find(second.base.hex()), std::string::npos);
}

TEST_F(TwoWorkers, a_repeated_sender_and_broken_bytes_are_refused) {
    EXPECT_EQ(one.apply(std::vector{first, first}).error().kind, ErrorKind::corrupt);
    second.delta[0] ^= 1;
    EXPECT_EQ(one.apply(std::vector{first, second}).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(one.due(), 0u);
}

TEST_F(TwoWorkers, a_payload_is_checked_before_it_is_kept) {
    auto changed = [&](auto change) {
        auto payload = second;
        change(payload);
        return payload;
    };
    EXPECT_EQ(check(changed([](Payload& p) { p.run.bytes[0] ^= 1; })),
              ErrorKind::permission_denied);
    EXPECT_EQ(check(changed([](Payload& p) { p.worker = 2; })), ErrorKind::permission_denied);
    EXPECT_EQ(check(changed([](Payload& p) { p.round = 3; })), ErrorKind::corrupt);
    EXPECT_EQ(check(changed([](Payload& p) { p.delta.push_back(0); })), ErrorKind::corrupt);
    ASSERT_TRUE(one.apply(std::vector{first, second}).ok());
    EXPECT_EQ(check(second), ErrorKind::already_exists);
}

TEST_F(TwoWorkers, a_faster_peer_may_be_one_round_ahead) {
    ASSERT_TRUE(two.apply(std::vector{first, second}).ok());
    const auto next = payload_of(two, 1);
    EXPECT_EQ(next.round, 1u);
    EXPECT_TRUE(one.check_payload(encode_payload(next)).ok());
}

TEST_F(TwoWorkers, calls_out_of_turn_are_refused) {
    EXPECT_EQ(one.finish_round(initial(), 1, 1).error().kind, ErrorKind::invalid_argument);
    ASSERT_TRUE(one.apply(std::vector{first, second}).ok());
    EXPECT_EQ(one.apply(std::vector{first, second}).error().kind, ErrorKind::invalid_argument);
    auto wrong_size = initial();
    wrong_size.pop_back();
    EXPECT_EQ(one.finish_round(wrong_size, 1, 1).error().kind, ErrorKind::invalid_argument);
    auto diverged = initial();
    diverged[0] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(one.finish_round(diverged, 1, 1).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(one.finish_round(initial(), 1, std::numeric_limits<double>::infinity()).error().kind,
              ErrorKind::corrupt);
    EXPECT_TRUE(one.finish_round(initial(), 1, 1).ok());
}

TEST(TrainingRun, refuses_a_wrong_identity_settings_or_parameters) {
    const auto settings = settings_for(Schedule::sync);
    auto refused = [&](std::uint32_t worker, std::uint32_t workers, std::vector<float> parameters,
                       RunSettings with) {
        return !TrainingRun::make(with, {run_id(), worker, workers}, std::move(parameters)).ok();
    };
    EXPECT_FALSE(refused(0, 1, initial(), settings));
    EXPECT_TRUE(refused(1, 1, initial(), settings));
    EXPECT_TRUE(refused(0, 0, initial(), settings));
    EXPECT_TRUE(refused(0, kWorkersMax + 1, initial(), settings));
    EXPECT_TRUE(refused(0, 1, {}, settings));
    EXPECT_TRUE(refused(0, 1, {std::numeric_limits<float>::infinity()}, settings));
    auto bad = settings;
    bad.rounds = 0;
    EXPECT_TRUE(refused(0, 1, initial(), bad));
    bad = settings;
    bad.quorum = 2;
    EXPECT_TRUE(refused(0, 1, initial(), bad));
}

}  // namespace
}  // namespace mutirao::train
