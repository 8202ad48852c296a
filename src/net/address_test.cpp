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

TEST(HostPort, names_and_addresses_are_told_from_what_is_neither) {
    for (const auto& [text, host, port] : {std::tuple{"localhost:80", "localhost", 80},
                                           {"node-1.example.org:1", "node-1.example.org", 1},
                                           {"192.0.2.1:65535", "192.0.2.1", 65535},
                                           {"[2001:db8::1]:9", "2001:db8::1", 9}}) {
        const auto parsed = parse_host_port(text);
        ASSERT_TRUE(parsed.ok()) << text;
        EXPECT_EQ(parsed->host, host);
        EXPECT_EQ(parsed->port, port);
    }
    for (const std::string& text :
         {std::string(""), std::string("host"), std::string(":80"), std::string("host:"),
          std::string("host:0"), std::string("host:65536"), std::string("host:8x"),
          std::string("a b:80"), std::string("a\0b:80", 6), std::string("2001:db8::1:80"),
          std::string("[host]:80"), std::string("[::1\0]:80", 9), std::string("[]:80"),
          std::string(254, 'a') + ":80"}) {
        const auto parsed = parse_host_port(text);
        ASSERT_FALSE(parsed.ok()) << text;
        EXPECT_EQ(parsed.error().kind, ErrorKind::invalid_argument);
    }
}

}  // namespace
}  // namespace mutirao::net
