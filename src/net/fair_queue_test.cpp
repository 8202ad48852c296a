#include "net/fair_queue.hpp"

#include <gtest/gtest.h>
#include <memory>

namespace mutirao::net {
namespace {

constexpr auto kAnyone = [](const std::string&) { return true; };

TEST(FairQueue, one_item_of_a_caller_waits_for_one_of_each_other_only) {
    FairQueue<int> queue;
    for (int i = 0; i < 300; ++i) queue.push("greedy", i);
    queue.push("second", 1000);
    queue.push("third", 2000);
    EXPECT_EQ(queue.take(kAnyone), 0);
    EXPECT_EQ(queue.take(kAnyone), 1000);
    EXPECT_EQ(queue.take(kAnyone), 2000);
    queue.push("second", 1001);
    EXPECT_EQ(queue.take(kAnyone), 1);
    EXPECT_EQ(queue.take(kAnyone), 1001);
    for (int i = 2; i < 300; ++i) EXPECT_EQ(queue.take(kAnyone), i);
    EXPECT_EQ(queue.take(kAnyone), std::nullopt);
    EXPECT_TRUE(queue.empty());
}

TEST(FairQueue, who_may_not_run_is_passed_over_and_keeps_the_turn) {
    FairQueue<int> queue;
    queue.push("full", 1);
    queue.push("free", 2);
    queue.push("free", 3);
    const auto not_full = [](const std::string& caller) { return caller != "full"; };
    EXPECT_EQ(queue.take(not_full), 2);
    EXPECT_EQ(queue.take(kAnyone), 1);
    EXPECT_EQ(queue.take([](const std::string&) { return false; }), std::nullopt);
    EXPECT_FALSE(queue.empty());
    EXPECT_EQ(queue.take(kAnyone), 3);
}

TEST(FairQueue, what_is_removed_comes_back_once_and_the_rest_stays_in_order) {
    FairQueue<std::unique_ptr<int>> queue;
    for (int i = 0; i < 6; ++i) queue.push("a", std::make_unique<int>(i));
    queue.push("b", std::make_unique<int>(1));
    const auto odd = queue.remove_if("a", [](const auto& item) { return *item % 2 == 1; });
    ASSERT_EQ(odd.size(), 3u);
    EXPECT_EQ(*odd[2], 5);
    EXPECT_TRUE(queue.remove_if("nobody", [](const auto&) { return true; }).empty());
    EXPECT_EQ(**queue.take(kAnyone), 0);
    EXPECT_EQ(queue.remove_if("a", [](const auto&) { return true; }).size(), 2u);
    EXPECT_EQ(**queue.take(kAnyone), 1);
    EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace mutirao::net
