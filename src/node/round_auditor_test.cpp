#include "node/round_auditor.hpp"

#include <gtest/gtest.h>

#include "node/test_crew.hpp"

namespace mutirao::node {
namespace {

train::RunSettings audited_settings() {
    auto settings = small_settings();
    settings.audit_every = 1;
    settings.rounds = 10;
    settings.quorum = 3;
    return settings;
}

// Worker 2 of four cheats. One that is healed past a round cannot look at it, so not everybody need
// have seen.
void expect_named(const train::RunSettings& settings, Cheat cheat,
                  std::vector<Bytes> texts = {text()}, std::size_t by_at_least = 2) {
    Crew crew(4, settings, std::move(texts));
    for (std::uint32_t i = 0; i < 4; ++i) crew.start(i, i == 2 ? cheat : Cheat::none);
    ASSERT_TRUE(crew.finish({0, 1, 3}));
    std::size_t saw = 0;
    std::string looks;
    for (const std::uint32_t i : {0u, 1u, 3u}) {
        const auto progress = crew.job(i).progress();
        const auto& named = progress.cheaters;
        EXPECT_TRUE(named.empty() || named == std::set<std::uint32_t>{2}) << i;
        saw += named.size();
        looks += " " + std::to_string(progress.audited) + " (healed " +
                 std::to_string(progress.healed) + " times)";
    }
    EXPECT_GE(saw, by_at_least) << "rounds looked at:" << looks;
}

TEST(RoundAuditor, honest_workers_are_never_named_whatever_the_schedule) {
    for (const auto schedule :
         {train::Schedule::sync, train::Schedule::delay_keep, train::Schedule::delay_restart})
        for (const std::uint32_t fragments : {1u, 3u}) {
            if (schedule == train::Schedule::delay_restart && fragments > 1) continue;
            auto settings = audited_settings();
            settings.schedule = schedule;
            settings.fragments = fragments;
            settings.contributions_every = 3;
            settings.rounds = 6;
            settings.quorum = 3;  // all
            Crew crew(3, settings);
            crew.all_start();
            ASSERT_TRUE(crew.finish({0, 1, 2}));
            for (std::uint32_t i = 0; i < 3; ++i) {
                const auto progress = crew.job(i).progress();
                EXPECT_EQ(progress.cheaters, std::set<std::uint32_t>()) << i;
                EXPECT_EQ(progress.audited, settings.rounds_total()) << i;
            }
        }
}

TEST(RoundAuditor, a_worker_that_does_not_train_is_named_and_left_out) {
    expect_named(audited_settings(), Cheat::lazy);
}

TEST(RoundAuditor, and_so_it_is_where_the_texts_pieces_were_learnt) {
    auto settings = audited_settings();
    settings.model =
        model::GptConfig{.layers = 1, .width = 16, .heads = 2, .context = 16, .vocabulary = 300};
    expect_named(settings, Cheat::lazy);
}

TEST(RoundAuditor, and_so_it_is_with_pieces_that_take_turns_beside_the_steps) {
    auto settings = audited_settings();
    settings.schedule = train::Schedule::delay_keep;
    settings.fragments = 2;
    expect_named(settings, Cheat::lazy);
}

TEST(RoundAuditor, a_worker_that_favours_an_owner_is_named) {
    auto settings = audited_settings();
    settings.contributions_every = 2;
    std::string other;
    for (int i = 0; i < 400; ++i) other += "folha " + std::to_string(i) + ": quem colhe planta.\n";
    expect_named(settings, Cheat::favours, {text(), to_bytes(as_bytes(other))});
}

TEST(RoundAuditor, a_state_that_does_not_follow_from_the_one_before_is_found) {
    expect_named(audited_settings(), Cheat::invents);
}

// Whoever was honest until nobody would look any more. All must count, or steps would be cut short.
TEST(RoundAuditor, a_worker_that_cheats_in_the_last_round_is_named_by_all) {
    auto settings = audited_settings();
    settings.quorum = 4;
    ASSERT_EQ((settings.rounds - 1) * settings.local_steps, kStepsBeforeTiring);
    expect_named(settings, Cheat::tires, {text()}, 3);
}

TEST(RoundAuditor, whom_it_caught_a_worker_knows_after_a_crash_many_rounds_later) {
    auto settings = audited_settings();
    settings.rounds = 24;
    settings.quorum = 2;
    Crew crew(4, settings);
    for (std::uint32_t i = 0; i < 4; ++i) crew.start(i, i == 2 ? Cheat::lazy : Cheat::none);
    while (!crew.job(0).member().caught().contains(2)) std::this_thread::sleep_for(1ms);
    const auto caught = crew.job(0).member().caught();
    while (crew.job(0).progress().round < caught.at(2) + kAuditedRoundsKept + 4)
        std::this_thread::sleep_for(1ms);
    crew.kill(0);
    crew.start(0);
    EXPECT_EQ(crew.job(0).member().caught(), caught);
    EXPECT_EQ(crew.job(0).progress().cheaters, std::set<std::uint32_t>{2});
    ASSERT_TRUE(crew.finish({0, 1, 3}));
}

// A cheater has reasons for not showing what it began with.
TEST(RoundAuditor, a_worker_that_does_not_hand_over_its_state_is_named) {
    // Who is told while it waits for the state does not wait any longer.
    expect_named(audited_settings(), Cheat::hides, {text()}, 1);
}

}  // namespace
}  // namespace mutirao::node
