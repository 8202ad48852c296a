#include "net/address.hpp"

#include <gtest/gtest.h>

namespace mutirao::net {
namespace {

TEST(ListenAddress, loopback_is_recognized_in_every_form) {
    for (const auto* text :
         {"127.0.0.1:80", "127.8.9.1:0", "[::1]:65535", "localhost:80", "[::ffff:127.0.0.1]:80"})
        EXPECT_TRUE(parse_listen_address(text).value().loopback) << text;
    for (const auto* text : {"0.0.0.0:80", "128.0.0.1:80", "10.0.0.1:80", "[::]:80", "[::2]:80",
                             "[::ffff:10.0.0.1]:80"})
        EXPECT_FALSE(parse_listen_address(text).value().loopback) << text;
}

TEST(ListenAddress, writes_itself_as_it_was_read) {
    EXPECT_EQ(parse_listen_address("127.0.0.1:80").value().text(), "127.0.0.1:80");
    EXPECT_EQ(parse_listen_address("[::1]:0").value().text(), "[::1]:0");
    EXPECT_EQ(parse_listen_address("localhost:9").value().text(), "127.0.0.1:9");
}

TEST(ListenAddress, anything_else_is_refused) {
    using namespace std::string_view_literals;
    for (const auto text :
         {""sv, ":"sv, ":80"sv, "127.0.0.1"sv, "127.0.0.1:"sv, "127.0.0.1:65536"sv,
          "127.0.0.1:-1"sv, "127.0.0.1:+1"sv, "127.0.0.1: 80"sv, "127.0.0.1:80x"sv, "::1:80"sv,
          "[127.0.0.1]:80"sv, "[::1:80"sv, "[localhost]:80"sv, "example.org:80"sv, "1:80"sv,
          "127.0.0.1\0x:80"sv, "[]:80"sv})
        EXPECT_EQ(parse_listen_address(text).error().kind, ErrorKind::invalid_argument) << text;
}

}  // namespace
}  // namespace mutirao::net
