#include "gateway/figures.hpp"

#include <gtest/gtest.h>
#include <limits>

namespace mutirao::gateway {
namespace {

TEST(Figures, follow_the_language) {
    EXPECT_EQ(decimal_text(3.14159, 2, Language::english), "3.14");
    EXPECT_EQ(decimal_text(3.14159, 2, Language::portuguese), "3,14");
    EXPECT_EQ(decimal_text(std::numeric_limits<double>::infinity(), 2, Language::english), "-");
    EXPECT_EQ(decimal_text(1e308, 0, Language::english).size(), 309u);
    EXPECT_EQ(count_text(0, Language::english), "0");
    EXPECT_EQ(count_text(999, Language::english), "999");
    EXPECT_EQ(count_text(1000, Language::english), "1,000");
    EXPECT_EQ(count_text(1234567, Language::portuguese), "1.234.567");
    EXPECT_EQ(count_text(~0ull, Language::english), "18,446,744,073,709,551,615");
}

TEST(Figures, write_sizes_in_powers_of_1024) {
    EXPECT_EQ(size_text(0, Language::english), "0 B");
    EXPECT_EQ(size_text(1023, Language::english), "1023 B");
    EXPECT_EQ(size_text(1024, Language::english), "1.0 KiB");
    EXPECT_EQ(size_text(32u << 20, Language::portuguese), "32,0 MiB");
    EXPECT_EQ(size_text(~0ull, Language::english), "16.0 EiB");
}

TEST(Figures, write_time_in_utc) {
    EXPECT_EQ(time_text(0), "1970-01-01 00:00:00 UTC");
    EXPECT_EQ(time_text(1'709'251'199'999), "2024-02-29 23:59:59 UTC");
    EXPECT_EQ(time_text(253'402'300'799'000), "9999-12-31 23:59:59 UTC");
    EXPECT_EQ(time_text(~0ull), "-");
}

}  // namespace
}  // namespace mutirao::gateway
