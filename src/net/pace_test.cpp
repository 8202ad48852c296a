#include "net/pace.hpp"

#include <gtest/gtest.h>

namespace mutirao::net {
namespace {

using std::chrono::seconds;

TEST(Pace, each_window_wants_its_bytes) {
    const PaceRule rule{seconds(10), 100};
    const Pace::Time start{};
    Pace pace;
    pace.began(start);
    EXPECT_FALSE(pace.is_too_slow(start + seconds(10), rule)) << "the window is not over";
    pace.moved(60);
    pace.moved(40);
    EXPECT_FALSE(pace.is_too_slow(start + seconds(11), rule));
    pace.moved(99);
    EXPECT_FALSE(pace.is_too_slow(start + seconds(21), rule));
    EXPECT_TRUE(pace.is_too_slow(start + seconds(22), rule)) << "a byte is missing";
}

TEST(Pace, what_begins_anew_has_a_whole_window) {
    const PaceRule rule{seconds(10), 100};
    const Pace::Time start{};
    Pace pace;
    pace.began(start);
    pace.began(start + seconds(9));
    EXPECT_FALSE(pace.is_too_slow(start + seconds(19), rule));
    EXPECT_TRUE(pace.is_too_slow(start + seconds(20), rule));
}

}  // namespace
}  // namespace mutirao::net
