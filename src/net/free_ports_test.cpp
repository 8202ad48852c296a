#include "net/free_ports.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

#include "base/random.hpp"

namespace mutirao::net {
namespace {

TEST(FreePorts, differ_from_one_another) {
    SeededRandom random(1);
    const auto ports = free_loopback_ports(200, random).value();
    EXPECT_EQ(std::set<std::uint16_t>(ports.begin(), ports.end()).size(), 200u);
    EXPECT_GE(*std::min_element(ports.begin(), ports.end()), 10'000);
    EXPECT_LT(*std::max_element(ports.begin(), ports.end()), 32'768);
}

TEST(FreePorts, are_not_found_where_there_are_too_few) {
    SeededRandom random(1);
    EXPECT_EQ(free_loopback_ports(9, random, {20'000, 20'008}).error().kind,
              ErrorKind::unavailable);
}

}  // namespace
}  // namespace mutirao::net
