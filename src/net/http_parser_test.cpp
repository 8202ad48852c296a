#include "net/http_parser.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace mutirao::net {
namespace {

constexpr std::size_t kBodyMax = 1000;

int status_for(std::string_view bytes) {
    HttpParser parser(kBodyMax);
    parser.feed(bytes);
    return parser.state() == HttpParser::State::failed ? parser.error_status() : 0;
}

TEST(HttpParser, a_request_is_taken_apart) {
    const auto request = parse_http_request(
                             "PUT /s3/caf%C3%A9%20x?part=1&y HTTP/1.1\r\nHost: a\r\n"
                             "X-Two:  spaced out \r\ncontent-length: 3\r\n\r\nabcREST",
                             kBodyMax)
                             .value();
    EXPECT_EQ(request.method, "PUT");
    EXPECT_EQ(request.path(), "/s3/caf%C3%A9%20x");
    EXPECT_EQ(request.query(), "part=1&y");
    EXPECT_EQ(request.body, "abc");
    EXPECT_EQ(request.header("x-tWO"), "spaced out");
    EXPECT_EQ(request.header("absent"), "");
    ASSERT_EQ(request.headers.size(), 3u);
    EXPECT_EQ(request.headers[0].name, "Host");
}

TEST(HttpParser, chunks_are_joined) {
    const auto request =
        parse_http_request(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            "5;note=x\r\nhello\r\n1\r\n \r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
            kBodyMax)
            .value();
    EXPECT_EQ(request.body, "hello 0123456789");
}

TEST(HttpParser, an_absolute_target_becomes_its_path) {
    const auto target = [](std::string_view line) {
        return parse_http_request(std::string(line) + " HTTP/1.1\r\nHost: a\r\n\r\n", 0)
            .value()
            .target;
    };
    EXPECT_EQ(target("GET http://a:80/b?c"), "/b?c");
    EXPECT_EQ(target("GET HTTP://a"), "/");
    EXPECT_EQ(target("OPTIONS *"), "*");
}

TEST(HttpParser, how_the_bytes_are_cut_changes_nothing) {
    const std::string wire =
        "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5;note=x\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET /next";
    rc::check([&](const std::vector<std::uint8_t>& cuts) {
        HttpParser parser(kBodyMax);
        std::string_view left = wire;
        for (std::size_t i = 0; !left.empty(); ++i) {
            const std::size_t size = cuts.empty() ? 1 : cuts[i % cuts.size()] % 16 + 1;
            parser.feed(left.substr(0, size));
            left.remove_prefix(std::min(size, left.size()));
        }
        RC_ASSERT(parser.state() == HttpParser::State::complete);
        RC_ASSERT(parser.take().body == "hello world");
        RC_ASSERT(parser.take_rest() == "GET /next");
    });
}

TEST(HttpParser, every_prefix_of_a_request_waits_for_more) {
    const std::string wire = "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    for (std::size_t size = 0; size < wire.size(); ++size)
        EXPECT_FALSE(parse_http_request(wire.substr(0, size), kBodyMax).ok()) << size;
    EXPECT_TRUE(parse_http_request(wire, kBodyMax).ok());
}

TEST(HttpParser, what_is_no_request_is_400) {
    const char* cases[] = {
        "garbage\r\n\r\n",
        "\x16\x03\x01\x02\x01\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    };
    for (const auto* wire : cases) EXPECT_EQ(status_for(wire), 400) << wire;
}

TEST(HttpParser, limits_hold) {
    const std::string head = "PUT / HTTP/1.1\r\nHost: a\r\n";
    EXPECT_EQ(status_for(head + "Content-Length: 1001\r\n\r\n"), 413);
    EXPECT_EQ(status_for(head + "Content-Length: 1000\r\n\r\n"), 0);
    const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
    EXPECT_EQ(status_for(chunked + "3e9\r\n"), 413);
    EXPECT_EQ(status_for(chunked + "3e8\r\n" + std::string(1000, 'x') + "\r\n1\r\n"), 413);
    EXPECT_EQ(status_for("GET /" + std::string(17000, 'x')), 431);
    EXPECT_EQ(status_for(head + "X: " + std::string(17000, 'x')), 431);
    EXPECT_EQ(status_for(head + "X: " + std::string(15000, 'x') + "\r\n\r\n"), 0);
    EXPECT_NE(status_for(chunked + "1;" + std::string(300000, 'x')), 0);
    EXPECT_NE(status_for(chunked + "0\r\nT: " + std::string(300000, 'x')), 0);
}

TEST(HttpParser, what_is_not_served_is_named) {
    EXPECT_EQ(status_for("BREW / HTTP/1.1\r\nHost: a\r\n\r\n"), 501);
    EXPECT_EQ(status_for("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"), 501);
    EXPECT_EQ(status_for("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"), 501);
    EXPECT_EQ(status_for("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, x\r\n\r\n"),
              501);
    EXPECT_EQ(status_for("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
}

TEST(HttpParser, connections_are_kept_as_the_version_and_client_say) {
    const auto kept = [](std::string_view text) {
        HttpParser parser(kBodyMax);
        parser.feed(text);
        return parser.keep_alive();
    };
    EXPECT_TRUE(kept("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    EXPECT_FALSE(kept("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    EXPECT_FALSE(kept("GET / HTTP/1.0\r\n\r\n"));
    EXPECT_TRUE(kept("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(HttpHead, says_what_the_answer_is) {
    HttpResponse response;
    response.body = "hello";
    response.headers = {{"X-One", "1"}};
    EXPECT_EQ(http_head(response, BodyForm::sized, true),
              "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n"
              "Connection: keep-alive\r\nX-One: 1\r\n\r\n");
    response.status = 204;
    EXPECT_EQ(http_head(response, BodyForm::sized, false),
              "HTTP/1.1 204 No Content\r\nConnection: close\r\nX-One: 1\r\n\r\n");
    response.status = 999;
    EXPECT_TRUE(http_head(response, BodyForm::sized, false).starts_with("HTTP/1.1 500 "));
    response.status = 200;
    EXPECT_NE(http_head(response, BodyForm::chunked, true).find("Transfer-Encoding: chunked\r\n"),
              std::string::npos);
}

TEST(HttpHead, no_value_can_add_a_line) {
    HttpResponse response;
    response.content_type = "text/html\r\nSet-Cookie: a=b";
    response.headers = {{"Location", "/x\r\n\r\n<html>"}, {"A\r\nB", "c"}};
    const auto head = http_head(response, BodyForm::sized, true);
    EXPECT_NE(head.find("Location: /x    <html>\r\n"), std::string::npos);
    EXPECT_EQ(head.find("\r\nSet-Cookie"), std::string::npos);
    EXPECT_EQ(head.find("\r\nB"), std::string::npos);
    EXPECT_EQ(head.find("\r\n\r\n"), head.size() - 4);
}

TEST(HttpChunk, carries_its_size_in_hexadecimal) {
    EXPECT_EQ(http_chunk("hello, world 1234"), "11\r\nhello, world 1234\r\n");
}

}  // namespace
}  // namespace mutirao::net
