// Workers that are killed and go on from their disks: bit for bit as if nothing had happened.
#include <gtest/gtest.h>

#include "node/test_crew.hpp"

namespace mutirao::node {
namespace {

// With all that a worker has of its own: owed errors, moments, what it measured.
train::RunSettings settings_of(train::Schedule schedule, std::uint32_t fragments) {
    auto settings = small_settings();
    settings.quorum = 0;
    settings.schedule = schedule;
    settings.fragments = fragments;
    settings.contributions_every = 4;
    return settings;
}

Digest undisturbed(std::uint32_t workers, const train::RunSettings& settings) {
    Crew crew(workers, settings);
    crew.all_start();
    std::vector<std::uint32_t> all(workers);
    for (std::uint32_t i = 0; i < workers; ++i) all[i] = i;
    EXPECT_TRUE(crew.finish(all));
    return crew.job(0).progress().state_hash;
}

// Whatever it was about to write when the power went.
TEST(Restart, a_worker_alone_ends_with_the_same_bits_wherever_it_is_cut_off) {
    const auto settings = settings_of(train::Schedule::delay_keep, 2);
    const auto wanted = undisturbed(1, settings);
    int cut = 0;
    for (std::uint64_t operations = 2; operations < 60; operations += 5) {
        Crew crew(1, settings);
        crew.disk(0).cut_power_after_operations(operations);
        crew.all_start();
        while (!crew.job(0).progress().ended()) std::this_thread::sleep_for(1ms);
        if (crew.disk(0).power_is_cut()) ++cut;
        crew.kill(0);
        crew.start(0);
        ASSERT_TRUE(crew.finish({0})) << operations;
        EXPECT_EQ(crew.job(0).progress().state_hash, wanted) << operations;
    }
    EXPECT_GT(cut, 8);
}

// Begins each task late, as on a machine that is busy.
class LateExecutor final : public Executor {
  public:
    void post(std::function<void()> task) override {
        threads_.post([task = std::move(task)] {
            std::this_thread::sleep_for(20ms);
            task();
        });
    }

  private:
    ThreadExecutor threads_;
};

// So that whoever opens the run's folder next is alone with it.
TEST(Restart, nothing_is_written_any_more_behind_a_run_that_was_stopped) {
    Crew crew(1, settings_of(train::Schedule::sync, 1));
    crew.set_executor(0, std::make_unique<LateExecutor>());
    crew.all_start();
    while (crew.job(0).progress().round < 3) std::this_thread::sleep_for(1ms);
    crew.stop(0);
    EXPECT_EQ(crew.work_on_disk(0).round, crew.job(0).progress().round);
}

TEST(Restart, four_workers_that_are_all_killed_end_with_the_same_bits) {
    for (const auto schedule : {train::Schedule::sync, train::Schedule::delay_keep}) {
        const auto settings = settings_of(schedule, schedule == train::Schedule::sync ? 1 : 2);
        const auto wanted = undisturbed(4, settings);
        Crew crew(4, settings);
        crew.all_start();
        while (crew.job(0).progress().round < 3) std::this_thread::sleep_for(1ms);
        for (std::uint32_t i = 0; i < 4; ++i) crew.disk(i).cut_power_after_operations(2 * i);
        for (std::uint32_t i = 0; i < 4; ++i) crew.kill(i);
        for (std::uint32_t i = 0; i < 4; ++i) crew.start(i);
        ASSERT_TRUE(crew.finish({0, 1, 2, 3}));
        EXPECT_EQ(crew.job(0).progress().state_hash, wanted);
        for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(crew.job(i).progress().healed, 0u);
    }
}

// A worker that is healed need not say so to those who audit: they compute what it begins with.
TEST(Restart, workers_that_are_killed_or_begin_anew_are_no_cheaters) {
    auto settings = settings_of(train::Schedule::sync, 1);
    settings.rounds = 12;
    settings.audit_every = 1;
    settings.quorum = 3;
    Crew crew(4, settings);
    crew.all_start();
    while (crew.job(0).progress().round < 3) std::this_thread::sleep_for(1ms);
    crew.kill(1);
    while (crew.job(0).progress().round < 6) std::this_thread::sleep_for(1ms);
    crew.start(1);
    while (crew.job(0).progress().round < 8) std::this_thread::sleep_for(1ms);
    crew.kill(2);
    crew.start(2);
    ASSERT_TRUE(crew.finish({0, 1, 2, 3}));
    for (std::uint32_t i = 0; i < 4; ++i) {
        EXPECT_EQ(crew.job(i).progress().cheaters, std::set<std::uint32_t>()) << i;
        EXPECT_GT(crew.job(i).progress().audited, 0u) << i;
    }
}

}  // namespace
}  // namespace mutirao::node
