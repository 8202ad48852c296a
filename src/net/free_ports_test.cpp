#include "net/free_ports.hpp"

#include <gtest/gtest.h>
#include <set>

namespace mutirao::net {
namespace {

TEST(FreePorts, differ_from_one_another) {
    const auto ports = free_loopback_ports(20).value();
    EXPECT_EQ(std::set<std::uint16_t>(ports.begin(), ports.end()).size(), 20u);
    EXPECT_GE(*std::min_element(ports.begin(), ports.end()), 1024);
}

}  // namespace
}  // namespace mutirao::net
