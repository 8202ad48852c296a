// Trainers of stages that are killed and go on from their disks: bit for bit as if nothing had
// happened.
#include <gtest/gtest.h>

#include "node/test_pipelines.hpp"

namespace mutirao::node {
namespace {

// With errors that are owed and moments; delayed, with progress that no outer step has seen.
std::vector<train::RunSettings> settings_of_each_schedule() {
    auto late = staged_settings(0);
    late.schedule = train::Schedule::delay_keep;
    late.fragments = 2;
    late.codec = {.kind = train::CodecKind::dense2, .block = 256};
    return {staged_settings(0), late};
}

std::vector<Digest> states(Pipelines& all) {
    EXPECT_TRUE(all.finish({0, 1, 2, 3}));
    for (std::uint32_t i = 0; i < 4; ++i) {
        EXPECT_EQ(all.job(i).progress().healed, 0u) << i;
        EXPECT_EQ(all.job(i).progress().left_out, 0u) << i;
    }
    return {all.job(0).progress().state_hash, all.job(1).progress().state_hash};
}

std::vector<Digest> undisturbed(const train::RunSettings& settings) {
    Pipelines all(4, settings);
    all.start_all();
    return states(all);
}

// Lets so many messages between the stages of each pipeline pass: where they stand then does not
// hang on how fast this machine is.
class Gate {
  public:
    Gate(int first, int second) : left_{first, second} {}
    bool stops(const std::string& peer, std::string_view method) {
        if (!method.ends_with("/Push")) return false;
        return left_[std::stoul(peer.substr(peer.rfind('-') + 1)) / 2].fetch_sub(1) <= 0;
    }
    bool is_shut(std::size_t pipeline) const { return left_[pipeline] <= 0; }
    void open() { left_[0] = left_[1] = 1 << 30; }

  private:
    std::array<std::atomic<int>, 2> left_;
};

// A round has 30 messages of its steps and 25 of its look at the loss: in the third one's steps.
constexpr int kInTheThirdRound = 2 * 55 + 40;

TEST(StageRestart, stages_that_are_all_killed_amid_their_steps_end_with_the_same_bits) {
    for (const auto& settings : settings_of_each_schedule()) {
        const auto wanted = undisturbed(settings);
        Gate gate(kInTheThirdRound, kInTheThirdRound);
        Pipelines all(4, settings);
        all.network().fault = [&](auto& peer, auto method) { return gate.stops(peer, method); };
        all.start_all();
        while (!gate.is_shut(0) || !gate.is_shut(1)) std::this_thread::sleep_for(1ms);
        for (std::uint32_t i = 0; i < 4; ++i) all.kill(i);
        for (std::uint32_t i = 0; i < 4; ++i) EXPECT_GE(all.job(i).progress().round, 1u) << i;
        gate.open();
        all.start_all();
        EXPECT_EQ(states(all), wanted);
    }
}

// Its steps are not taken again: the others of its pipeline may have gone on.
TEST(StageRestart, whoever_is_killed_behind_its_steps_does_not_need_them_again) {
    for (const auto& settings : settings_of_each_schedule()) {
        const auto wanted = undisturbed(settings);
        Gate gate(1 << 30, kInTheThirdRound);
        Pipelines all(4, settings);
        all.network().fault = [&](auto& peer, auto method) { return gate.stops(peer, method); };
        all.start_all();
        for (std::uint32_t i = 0; i < 2; ++i)
            while (!all.member(i).said(0, 2)) std::this_thread::sleep_for(1ms);
        for (std::uint32_t i = 0; i < 2; ++i) all.kill(i);
        for (std::uint32_t i = 0; i < 2; ++i) all.start(i);
        gate.open();
        EXPECT_EQ(states(all), wanted);
    }
}

}  // namespace
}  // namespace mutirao::node
