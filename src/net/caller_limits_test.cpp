#include "net/caller_limits.hpp"

#include <gtest/gtest.h>
#include <optional>

namespace mutirao::net {
namespace {

class StillClock final : public Clock {
  public:
    Duration monotonic() override { return now; }
    std::uint64_t unix_ms() override { return 0; }
    void sleep(Duration duration) override { now += duration; }
    Duration now{0};
};

Caller from(const char* origin) { return {std::nullopt, origin}; }

TEST(CallerLimits, each_caller_has_its_own_calls_and_bytes) {
    StillClock clock;
    CallerLimits limits(clock, {.calls_max = 2, .bytes_max = 100});
    std::optional<CallerLimits::Lease> first(limits.enter(from("a"), 60).value());
    EXPECT_EQ(limits.enter(from("a"), 60).error().kind, ErrorKind::resource_exhausted);
    std::optional<CallerLimits::Lease> second(limits.enter(from("a"), 40).value());
    EXPECT_EQ(limits.enter(from("a"), 0).error().kind, ErrorKind::resource_exhausted);
    EXPECT_TRUE(limits.enter(from("b"), 100).ok());
    first.reset();
    EXPECT_TRUE(limits.enter(from("a"), 60).ok());
    second.reset();
    EXPECT_TRUE(limits.enter(from("a"), 500).ok()) << "a single call is let in";
}

TEST(CallerLimits, who_asks_too_often_waits_until_time_has_passed) {
    StillClock clock;
    CallerLimits limits(clock, {.calls_a_second = 10, .burst = 3});
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(limits.enter(from("a"), 1).ok());
    EXPECT_EQ(limits.enter(from("a"), 1).error().message,
              "this caller asks too often; try again in 100 ms");
    clock.sleep(std::chrono::milliseconds(100));
    EXPECT_TRUE(limits.enter(from("a"), 1).ok());
    EXPECT_FALSE(limits.enter(from("a"), 1).ok());
}

TEST(CallerLimits, all_callers_together_have_limits_too) {
    StillClock clock;
    CallerLimits limits(clock, {.total_calls_max = 3, .total_bytes_max = 100});
    std::optional<CallerLimits::Lease> first(limits.enter(from("a"), 60).value());
    EXPECT_EQ(limits.enter(from("b"), 60).error().kind, ErrorKind::resource_exhausted);
    const auto second = limits.enter(from("b"), 1), third = limits.enter(from("c"), 1);
    EXPECT_EQ(limits.enter(from("d"), 1).error().kind, ErrorKind::resource_exhausted);
    first.reset();
    EXPECT_TRUE(limits.enter(from("d"), 60).ok());
}

TEST(CallerLimits, an_account_is_counted_wherever_it_calls_from) {
    StillClock clock;
    CallerLimits limits(clock, {.calls_max = 1});
    Address account;
    account.bytes[0] = 7;
    const auto lease = limits.enter({account, "10.0.0.1"}, 1);
    EXPECT_FALSE(limits.enter({account, "10.0.0.2"}, 1).ok());
}

TEST(CallerLimits, forgets_callers_but_not_those_with_calls_under_way) {
    StillClock clock;
    CallerLimits limits(clock, {.calls_max = 1, .callers_max = 2});
    const auto lease = limits.enter(from("a"), 1);
    for (int i = 0; i < 100; ++i)
        EXPECT_TRUE(limits.enter(from(std::to_string(i).c_str()), 1).ok());
    EXPECT_FALSE(limits.enter(from("a"), 1).ok());
}

}  // namespace
}  // namespace mutirao::net
