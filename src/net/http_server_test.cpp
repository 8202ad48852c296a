// HttpServer against raw sockets, and against curl as somebody else's client.
#include <array>
#include <atomic>
#include <cstdio>
#include <future>
#include <gtest/gtest.h>
#include <stdexcept>
#include <thread>

#include "net/http.hpp"
#include "net/test_socket.hpp"

namespace mutirao::net {
namespace {

constexpr Duration kShort = std::chrono::milliseconds(60);

HttpResponse handler(const HttpRequest& request) {
    HttpResponse response;
    const auto path = request.path();
    if (path == "/echo") response.body = request.method + " " + request.body;
    if (path == "/hello") response.body = "hello";
    if (path == "/large") response.body = std::string(8 << 20, 'x');
    if (path == "/size") response.body = std::to_string(request.body.size());
    if (path == "/throw") throw std::runtime_error("a bug");
    if (path == "/absent") response.status = 404;
    if (path == "/events") {
        response.content_type = "text/event-stream";
        response.stream = [](HttpWriter& writer) {
            for (int i = 0; i < 3; ++i)
                if (!writer.write("data: " + std::to_string(i) + "\n\n").ok()) return;
        };
    }
    if (path == "/broken-stream")
        response.stream = [](HttpWriter& writer) {
            static_cast<void>(writer.write("half").ok());
            throw std::runtime_error("a bug");
        };
    return response;
}

std::unique_ptr<HttpServer> start(HttpLimits limits = {}, HttpHandler with = handler) {
    return HttpServer::start("127.0.0.1:0", std::move(with), limits).value();
}

std::string converse(HttpServer& server, std::string_view bytes) {
    TestSocket socket(server.port());
    EXPECT_TRUE(socket.connected());
    socket.send(bytes);
    return socket.read_all();
}

std::string get(std::string_view path, std::string_view more = "") {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(more) + "\r\n";
}

bool serves(HttpServer& server) {
    return converse(server, get("/hello", "Connection: close\r\n")).ends_with("\r\n\r\nhello");
}

TEST(HttpServer, answers_requests_one_after_another_on_one_connection) {
    const auto server = start();
    TestSocket socket(server->port());
    for (int i = 0; i < 3; ++i) {
        socket.send("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab" +
                    std::to_string(i));
        const auto answer = socket.read_until("PUT ab" + std::to_string(i));
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
        EXPECT_NE(answer.find("Content-Length: 7\r\n"), std::string::npos);
    }
}

TEST(HttpServer, requests_sent_in_one_go_are_answered_in_order) {
    const auto server = start();
    std::string all;
    for (int i = 0; i < 50; ++i)
        all +=
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n" + std::to_string(10 + i);
    const auto answers = converse(*server, all + get("/hello", "Connection: close\r\n"));
    std::size_t at = 0;
    for (int i = 0; i < 50; ++i) {
        at = answers.find("POST " + std::to_string(10 + i), at);
        ASSERT_NE(at, std::string::npos) << i;
    }
    EXPECT_TRUE(answers.ends_with("hello"));
}

TEST(HttpServer, head_has_the_size_and_no_body) {
    const auto server = start();
    const auto answer =
        converse(*server, "HEAD /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_NE(answer.find("Content-Length: 5\r\n"), std::string::npos);
    EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST(HttpServer, a_handler_that_throws_is_a_500) {
    const auto server = start();
    const auto answer = converse(*server, get("/throw", "Connection: close\r\n"));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
    EXPECT_NE(answer.find("a bug"), std::string::npos);
    EXPECT_TRUE(serves(*server));
}

TEST(HttpServer, streams_arrive_in_chunks_and_the_connection_lives_on) {
    const auto server = start();
    TestSocket socket(server->port());
    for (int i = 0; i < 2; ++i) {
        socket.send(get("/events"));
        const auto answer = socket.read_until("0\r\n\r\n");
        EXPECT_NE(answer.find("Content-Type: text/event-stream\r\n"), std::string::npos) << answer;
        EXPECT_NE(answer.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
        EXPECT_NE(
            answer.find("\r\n\r\n9\r\ndata: 0\n\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0"),
            std::string::npos);
    }
    socket.send("HEAD /events HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(socket.read_all().ends_with("\r\n\r\n"));
    const auto old = converse(*server, "GET /events HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(old.ends_with("\r\n\r\ndata: 0\n\ndata: 1\n\ndata: 2\n\n")) << old;
}

TEST(HttpServer, a_stream_that_fails_has_no_end) {
    const auto server = start();
    const auto answer = converse(*server, get("/broken-stream"));
    EXPECT_TRUE(answer.ends_with("4\r\nhalf\r\n")) << answer;
    EXPECT_TRUE(serves(*server));
}

TEST(HttpServer, a_streaming_function_learns_that_its_client_left) {
    std::promise<void> ended;
    const auto server = start({}, [&](const HttpRequest&) {
        HttpResponse response;
        response.stream = [&](HttpWriter& writer) {
            while (writer.write("data: tick\n\n").ok()) continue;
            ended.set_value();
        };
        return response;
    });
    {
        TestSocket socket(server->port());
        socket.send(get("/"));
        EXPECT_NE(socket.read_until("tick").find("tick"), std::string::npos);
    }
    EXPECT_EQ(ended.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST(HttpServer, what_is_no_request_is_told_so_and_closed) {
    const auto server = start({.body_bytes_max = 1000});
    const std::pair<std::string, const char*> cases[] = {
        {"\x16\x03\x01 hello, TLS\r\n\r\n", "400"},
        {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", "413"},
        {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", "400"},
        {get("/", "X: " + std::string(20000, 'x') + "\r\n"), "431"},
        {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "501"},
        {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505"},
        {"GET / HTTP/1.1\r\n\r\n", "400"},
    };
    for (const auto& [bytes, status] : cases) {
        const auto answer = converse(*server, bytes);
        EXPECT_TRUE(answer.starts_with(std::string("HTTP/1.1 ") + status)) << answer;
        EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
    }
    EXPECT_TRUE(serves(*server));
}

// The client is still sending when the answer comes; it must arrive all the same.
TEST(HttpServer, an_early_refusal_reaches_a_client_that_is_still_sending) {
    const auto server = start({.body_bytes_max = 1000});
    for (int i = 0; i < 10; ++i) {
        const auto answer =
            converse(*server, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n" +
                                  std::string(500000, 'x'));
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
    }
}

TEST(HttpServer, expect_continue_is_answered_before_the_body) {
    const auto server = start();
    TestSocket socket(server->port());
    socket.send(
        "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
        "Connection: close\r\n\r\n");
    EXPECT_EQ(socket.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    socket.send("abc");
    EXPECT_TRUE(socket.read_all().ends_with("PUT abc"));
}

TEST(HttpServer, slow_requests_are_408_and_silent_connections_are_closed) {
    const auto server = start({.transfer_timeout = kShort, .idle_timeout = kShort});
    EXPECT_EQ(converse(*server, ""), "");
    EXPECT_TRUE(converse(*server, "GET / HT").starts_with("HTTP/1.1 408 "));
    EXPECT_TRUE(converse(*server, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
                    .starts_with("HTTP/1.1 408 "));
    // A byte now and then does not extend the time.
    TestSocket drip(server->port());
    int drops = 0;
    while (!drip.readable_within(std::chrono::milliseconds(2)) && drops < 5000) {
        drip.send("x");
        ++drops;
    }
    EXPECT_LT(drops, 5000);
    EXPECT_TRUE(drip.read_all().starts_with("HTTP/1.1 408 "));
}

// The client never reads: once the socket buffers are full, one write runs out of time.
TEST(HttpServer, slow_readers_are_cut_off) {
    std::promise<ErrorKind> ended;
    const auto server = start({.transfer_timeout = kShort}, [&](const HttpRequest&) {
        HttpResponse response;
        response.stream = [&](HttpWriter& writer) {
            for (;;)
                if (const auto written = writer.write(std::string(1000, 'x')); !written.ok())
                    return ended.set_value(written.error().kind);
        };
        return response;
    });
    TestSocket socket(server->port());
    socket.send(get("/"));
    auto outcome = ended.get_future();
    ASSERT_EQ(outcome.wait_for(std::chrono::seconds(20)), std::future_status::ready);
    EXPECT_EQ(outcome.get(), ErrorKind::unavailable);
}

TEST(HttpServer, slow_clients_do_not_hold_up_others) {
    const auto server = start({.handlers_max = 1});
    std::vector<std::unique_ptr<TestSocket>> slow;
    for (int i = 0; i < 100; ++i) {
        slow.push_back(std::make_unique<TestSocket>(server->port()));
        slow.back()->send(i % 2 == 0 ? "GET /" : "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5");
    }
    EXPECT_TRUE(serves(*server));
}

TEST(HttpServer, connections_past_the_limit_are_503) {
    const auto server = start({.connections_max = 2});
    TestSocket first(server->port()), second(server->port());
    for (auto* socket : {&first, &second}) {
        socket->send(get("/hello"));
        EXPECT_TRUE(socket->read_until("hello").ends_with("hello"));
    }
    EXPECT_TRUE(converse(*server, get("/hello")).starts_with("HTTP/1.1 503 "));
    first.send(get("/hello"));
    EXPECT_TRUE(first.read_until("hello").ends_with("hello"));
    first.close();
    bool free = false;
    for (int i = 0; i < 1000 && !free; ++i) free = serves(*server);
    EXPECT_TRUE(free);
}

TEST(HttpServer, requests_past_the_queue_are_503) {
    std::promise<void> door;
    const auto opened = door.get_future().share();
    std::promise<void> entered;
    const auto server =
        start({.handlers_max = 1, .queue_max = 0}, [&, opened](const HttpRequest& request) {
            if (request.path() == "/wait") {
                entered.set_value();
                opened.wait();
            }
            return HttpResponse{};
        });
    TestSocket waiting(server->port());
    waiting.send(get("/wait", "Connection: close\r\n"));
    entered.get_future().wait();
    EXPECT_TRUE(converse(*server, get("/")).starts_with("HTTP/1.1 503 "));
    door.set_value();
    EXPECT_TRUE(waiting.read_all().starts_with("HTTP/1.1 200 "));
}

TEST(HttpServer, bodies_together_stay_within_their_limit) {
    const auto server = start({.bodies_bytes_max = 1000});
    const std::string head = "PUT /size HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    EXPECT_TRUE(converse(*server, head + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'x'))
                    .starts_with("HTTP/1.1 503 "));
    EXPECT_TRUE(converse(*server, head + "Content-Length: 1000\r\n\r\n" + std::string(1000, 'x'))
                    .ends_with("1000"));
    EXPECT_TRUE(serves(*server));
}

TEST(HttpServer, stopping_lets_an_answer_in_flight_finish) {
    std::promise<void> door, entered;
    const auto opened = door.get_future().share();
    const auto server = start({}, [&, opened](const HttpRequest&) {
        entered.set_value();
        opened.wait();
        return HttpResponse{.body = "done"};
    });
    TestSocket busy(server->port()), idle(server->port());
    busy.send(get("/"));
    entered.get_future().wait();
    std::thread stopper([&] { server->stop(); });
    EXPECT_EQ(idle.read_all(), "");
    while (TestSocket(server->port()).connected()) std::this_thread::yield();
    door.set_value();
    const auto answer = busy.read_all();
    EXPECT_TRUE(answer.ends_with("done")) << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
    busy.close();
    stopper.join();
    server->stop();
}

TEST(HttpServer, stopping_cuts_off_endless_streams) {
    const auto server =
        start({.stop_grace = std::chrono::milliseconds(10)}, [](const HttpRequest&) {
            HttpResponse response;
            response.stream = [](HttpWriter& writer) {
                while (writer.write("tick").ok()) continue;
            };
            return response;
        });
    TestSocket socket(server->port());
    socket.send(get("/"));
    socket.read_until("tick");
    server->stop();
    EXPECT_FALSE(TestSocket(server->port()).connected());
}

TEST(HttpServer, only_loopback_unless_told_otherwise) {
    const auto refused = HttpServer::start("0.0.0.0:0", handler);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::unimplemented);
    const auto open = HttpServer::start("0.0.0.0:0", handler, {}, HttpExposure::any_address);
    ASSERT_TRUE(open.ok());
    EXPECT_TRUE(serves(**open));
    EXPECT_EQ(HttpServer::start("x", handler).error().kind, ErrorKind::invalid_argument);
    const auto taken = HttpServer::start("127.0.0.1:" + std::to_string((*open)->port()), handler);
    EXPECT_EQ(taken.error().kind, ErrorKind::unavailable);
}

std::string output_of(const std::string& command) {
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    if (pipe == nullptr) return "the shell cannot be started";
    std::string output;
    std::array<char, 4096> chunk{};
    while (const auto size = std::fread(chunk.data(), 1, chunk.size(), pipe))
        output.append(chunk.data(), size);
    ::pclose(pipe);
    return output;
}

std::string curl(const std::string& arguments) {
    return output_of("curl --silent --show-error --noproxy '*' " + arguments);
}

TEST(HttpServer, curl_gets_puts_and_streams) {
    const auto server = start();
    const std::string base = "http://" + server->address();
    EXPECT_EQ(curl(base + "/hello " + base + "/hello"), "hellohello");
    EXPECT_EQ(curl("--data-binary olá " + base + "/echo"), "POST olá");
    EXPECT_EQ(curl("-X DELETE " + base + "/echo"), "DELETE ");
    EXPECT_EQ(curl("-0 " + base + "/hello"), "hello");
    EXPECT_EQ(curl(base + "/events"), "data: 0\n\ndata: 1\n\ndata: 2\n\n");
    EXPECT_EQ(curl("-I -o /dev/null -w '%{http_code}' " + base + "/absent"), "404");
    EXPECT_EQ(curl("-o /dev/null -w '%{size_download}' " + base + "/large"), "8388608");
}

TEST(HttpServer, curl_uploads_sized_and_chunked) {
    const auto server = start();
    const std::string url = "http://" + server->address() + "/size";
    const std::string zeros = "head -c 20000000 /dev/zero | ";
    // Sized, with Expect: 100-continue; then in chunks.
    EXPECT_EQ(output_of(zeros + "curl -sS --noproxy '*' -X PUT --data-binary @- " + url),
              "20000000");
    EXPECT_EQ(output_of(zeros + "curl -sS --noproxy '*' -T - " + url), "20000000");
}

TEST(HttpServer, connections_that_are_idle_give_way_to_new_ones) {
    const auto server = start({.connections_max = 3});
    std::vector<std::unique_ptr<TestSocket>> silent;
    for (int i = 0; i < 3; ++i) silent.push_back(std::make_unique<TestSocket>(server->port()));
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(serves(*server));
    EXPECT_EQ(silent[0]->read_all(), "");  // closed, the one that had waited longest
}

}  // namespace
}  // namespace mutirao::net
