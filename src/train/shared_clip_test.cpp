#include "train/shared_clip.hpp"

#include <gtest/gtest.h>

namespace mutirao::train {
namespace {

SharedClip clip_of(std::uint32_t stage) { return {{{}, 1, stage, 3, 1}, 7}; }

TEST(SharedClip, makes_the_stages_parts_together_as_short_as_the_clip) {
    std::vector<SharedClip> stages{clip_of(0), clip_of(1), clip_of(2)};
    const std::vector<double> squares{9, 16, 144};  // 13 long
    for (std::uint32_t from = 0; from < 3; ++from) {
        const auto told = stages[from].tell(0, squares[from]);
        const auto message = decode_pipeline_message(encode_pipeline_message(told));
        ASSERT_TRUE(message.ok()) << message.error().message;
        EXPECT_EQ(*message, told);
        for (std::uint32_t to = 0; to < 3; ++to) {
            if (to != from) {
                ASSERT_TRUE(stages[to].receive(*message).ok());
            }
        }
    }
    for (const auto& stage : stages) {
        EXPECT_TRUE(stage.done());
        EXPECT_DOUBLE_EQ(stage.share(1), 1.0 / 13);
        EXPECT_EQ(stage.share(14), 1);
    }
}

TEST(SharedClip, a_stage_that_cannot_know_the_whole_length_sends_nothing) {
    auto stage = clip_of(0), next = clip_of(1), last = clip_of(2);
    (void)stage.tell(0, 1);
    ASSERT_TRUE(stage.receive(next.tell(0, 1)).ok());
    EXPECT_FALSE(stage.done());
    EXPECT_EQ(stage.share(10), 0);
    // Said under one seating: under another it has nothing, and says so.
    stage.seat_anew();
    EXPECT_FALSE(stage.has_told());
    EXPECT_EQ(stage.tell(1, 1).square_sum, 0);
    ASSERT_TRUE(stage.receive(next.tell(1, 1)).ok());
    ASSERT_TRUE(stage.receive(last.tell(1, 1)).ok());
    EXPECT_TRUE(stage.done());
    EXPECT_EQ(stage.share(10), 0);
    // Whoever had not said its own yet goes on.
    auto fresh = clip_of(1);
    ASSERT_TRUE(fresh.receive(last.tell(0, 100)).ok());
    fresh.seat_anew();
    EXPECT_EQ(fresh.tell(1, 4).square_sum, 4);
    ASSERT_TRUE(fresh.receive(last.tell(1, 0)).ok());
    ASSERT_TRUE(fresh.receive(stage.tell(1, 1)).ok());
    EXPECT_EQ(fresh.share(1), 0.5);
}

TEST(SharedClip, refuses_what_no_other_stage_says) {
    auto stage = clip_of(0), next = clip_of(1);
    auto message = next.tell(0, 1);
    message.step = 8;
    EXPECT_EQ(stage.receive(message).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(stage.receive(clip_of(0).tell(0, 1)).error().kind, ErrorKind::corrupt);
    message = next.tell(0, 1);
    message.micro_batch = 3;
    EXPECT_EQ(stage.receive(message).error().kind, ErrorKind::corrupt);
    // The longer of two counts.
    (void)stage.tell(0, 0);
    ASSERT_TRUE(stage.receive(next.tell(0, 4)).ok());
    ASSERT_TRUE(stage.receive(next.tell(0, 1)).ok());
    ASSERT_TRUE(stage.receive(clip_of(2).tell(0, 0)).ok());
    EXPECT_EQ(stage.share(1), 0.5);
}

}  // namespace
}  // namespace mutirao::train
