#include "base/error.hpp"

#include <gtest/gtest.h>
#include <set>

namespace mutirao {
namespace {

TEST(Error, every_kind_has_a_name_of_its_own) {
    std::set<std::string_view> names;
    int kinds = 0;
    for (int kind = 0; kind <= static_cast<int>(ErrorKind::io); ++kind, ++kinds)
        names.insert(to_string(static_cast<ErrorKind>(kind)));
    EXPECT_EQ(names.size(), static_cast<std::size_t>(kinds));
    EXPECT_FALSE(names.contains("unknown"));
    EXPECT_EQ(to_string(ErrorKind::resource_exhausted), "resource_exhausted");
}

TEST(Error, within_says_where_and_keeps_the_kind) {
    EXPECT_EQ((Error{ErrorKind::corrupt, "checksum differs"}.within("row 17").within("block a1")),
              (Error{ErrorKind::corrupt, "block a1: row 17: checksum differs"}));
}

}  // namespace
}  // namespace mutirao
