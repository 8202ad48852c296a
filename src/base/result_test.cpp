#include "base/result.hpp"

#include <gtest/gtest.h>
#include <memory>

namespace mutirao {
namespace {

Result<int> half(int number) {
    if (number % 2 != 0)
        return Error{ErrorKind::invalid_argument, std::to_string(number) + " is odd"};
    return number / 2;
}

Result<int> quarter(int number) {
    TRY(const int once, half(number));
    TRY(const int twice, half(once));
    return twice;
}

Status check_even(int number) {
    TRY_VOID(half(number).ok() ? Status{} : Status(half(number).error()));
    return {};
}

TEST(Result, try_hands_on_the_value_or_returns_the_error) {
    EXPECT_EQ(quarter(8).value(), 2);
    EXPECT_EQ(quarter(6).error().message, "3 is odd");
    EXPECT_EQ(quarter(5).error(), (Error{ErrorKind::invalid_argument, "5 is odd"}));
    EXPECT_TRUE(check_even(4).ok());
    EXPECT_EQ(check_even(7).error().message, "7 is odd");
}

TEST(Result, carries_values_that_only_move) {
    Result<std::unique_ptr<int>> result = std::make_unique<int>(5);
    ASSERT_TRUE(result);
    const std::unique_ptr<int> owned = std::move(result).value();
    EXPECT_EQ(*owned, 5);
}

TEST(Result, a_temporary_gives_its_value_away_so_that_loops_do_not_dangle) {
    const auto make = [] { return Result<std::string>(std::string(100, 'a')); };
    std::size_t count = 0;
    for (const char c : make().value()) count += c == 'a';
    EXPECT_EQ(count, 100u);
}

TEST(ResultDeathTest, reading_the_value_of_a_failure_stops_the_process_and_says_why) {
    EXPECT_DEATH(static_cast<void>(half(3).value()), "broken assumption .*3 is odd");
    EXPECT_DEATH(ENSURE(1 + 1 == 3, "sums hold"), "1 \\+ 1 == 3.*sums hold");
}

}  // namespace
}  // namespace mutirao
