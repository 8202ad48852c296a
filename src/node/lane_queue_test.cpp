#include "node/lane_queue.hpp"

#include <gtest/gtest.h>

#include "lane/test_batches.hpp"

namespace mutirao::node {
namespace {

const Address kOne{{1}}, kOther{{2}};

lane::BatchStatement statement(std::uint32_t number, std::uint32_t count = 1) {
    lane::BatchStatement out;
    out.digest = crypto::keccak256(Writer().u(number).bytes());
    out.count = count;
    return out;
}

TEST(LaneQueue, who_brings_too_many_takes_no_room_of_others) {
    LaneQueue queue;
    for (std::uint32_t i = 0; i <= kLaneBatchesMax; ++i) {
        ASSERT_TRUE(queue.room_for(kOne).ok());
        queue.enter(kOne, statement(i), 10, {});
        queue.enter(kOne, statement(i), 10, {7});  // the same again
    }
    EXPECT_EQ(queue.room_for(kOne).error().kind, ErrorKind::resource_exhausted);
    EXPECT_TRUE(queue.room_for(kOther).ok());
    queue.enter(kOther, statement(5000, kLaneWaitingMax + 1), 10, {});
    EXPECT_FALSE(queue.room_for(kOther).ok());
}

TEST(LaneQueue, a_block_frees_the_room_of_its_batches_and_of_those_that_come_too_late) {
    LaneQueue queue;
    const auto first = statement(1, 10'000), second = statement(2, 10'000);
    queue.enter(kOne, first, 10, {1});
    queue.enter(kOne, second, 20, {2});
    EXPECT_FALSE(queue.room_for(kOne).ok());
    EXPECT_EQ(queue.certificate(kOne, first), Bytes{1});
    EXPECT_TRUE(queue.certificate(kOther, first).empty());
    queue.leave({}, 9);
    EXPECT_FALSE(queue.room_for(kOne).ok());
    queue.leave({}, 10);  // no later block may have the first
    EXPECT_TRUE(queue.room_for(kOne).ok());
    EXPECT_TRUE(queue.certificate(kOne, first).empty());
    queue.leave(std::vector{second}, 11);
    EXPECT_TRUE(queue.certificate(kOne, second).empty());
    queue.enter(kOne, first, 30, {3});
    EXPECT_TRUE(queue.room_for(kOne).ok());
}

}  // namespace
}  // namespace mutirao::node
