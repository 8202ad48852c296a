// WebSockets against raw sockets: frames written and read here, by RFC 6455.
#include <array>
#include <atomic>
#include <gtest/gtest.h>
#include <mutex>
#include <thread>

#include "net/http.hpp"
#include "net/test_socket.hpp"

namespace mutirao::net {
namespace {

// Echoes; "listen" makes it tell every number that the test gives out; "fail" throws.
struct Board {
    std::mutex mutex;
    std::vector<std::string> lines;
    std::atomic<int> sessions = 0;

    void write(std::string line) {
        const std::lock_guard lock(mutex);
        lines.push_back(std::move(line));
    }
};

class Reader final : public WebSocketSession {
  public:
    explicit Reader(Board& board) : board_(board) { ++board_.sessions; }
    ~Reader() override { --board_.sessions; }
    std::string message(std::string_view text) override {
        if (text == "fail") throw std::runtime_error("a bug");
        if (text == "quiet") return {};
        if (text == "listen") listens_ = true;
        return "you said " + std::string(text);
    }
    bool listens() const override { return listens_; }
    Result<std::vector<std::string>> news() override {
        const std::lock_guard lock(board_.mutex);
        std::vector<std::string> out;
        for (; next_ < board_.lines.size() && out.size() < 4; ++next_) {
            if (board_.lines[next_] == "end") return Error{ErrorKind::not_found, "too far behind"};
            out.push_back(board_.lines[next_]);
        }
        return out;
    }

  private:
    Board& board_;
    bool listens_ = false;
    std::size_t next_ = 0;
};

constexpr std::string_view kUpgrade =
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

// A client's frame: always masked; opcode 1 is text, 8 close, 9 ping.
std::string frame(std::string_view text, int opcode = 1, bool last = true) {
    std::string out;
    out.push_back(static_cast<char>((last ? 0x80 : 0) | opcode));
    if (text.size() < 126) {
        out.push_back(static_cast<char>(0x80 | text.size()));
    } else {
        out.push_back(static_cast<char>(0x80 | 127));
        for (int shift = 56; shift >= 0; shift -= 8)
            out.push_back(static_cast<char>(text.size() >> shift & 255));
    }
    constexpr std::array<char, 4> kMask{1, 2, 3, 4};
    out.append(kMask.data(), 4);
    for (std::size_t i = 0; i < text.size(); ++i)
        out.push_back(static_cast<char>(text[i] ^ kMask[i % 4]));
    return out;
}
// What a server writes: not masked.
std::string plain(std::string_view text) {
    return std::string("\x81") + static_cast<char>(text.size()) + std::string(text);
}

class WebSocketTest : public ::testing::Test {
  protected:
    void start(HttpLimits limits = {}) {
        server = HttpServer::start(
                     "127.0.0.1:0", [](const HttpRequest&) { return HttpResponse{.body = "page"}; },
                     limits, HttpExposure::loopback_only,
                     [this](const HttpRequest& request) -> std::unique_ptr<WebSocketSession> {
                         if (request.path() != "/") return nullptr;
                         return std::make_unique<Reader>(board);
                     })
                     .value();
    }
    std::unique_ptr<TestSocket> open() {
        auto socket = std::make_unique<TestSocket>(server->port());
        socket->send(kUpgrade);
        const auto head = socket->read_until("\r\n\r\n");
        EXPECT_TRUE(head.starts_with("HTTP/1.1 101 ")) << head;
        // The key and its answer are the RFC's own example.
        EXPECT_NE(head.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), head.npos) << head;
        return socket;
    }
    void wait_for_sessions(int count) {
        for (int i = 0; i < 2000 && board.sessions != count; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        EXPECT_EQ(board.sessions, count);
    }
    void tell(const std::string& line) {
        board.write(line);
        server->announce();
    }
    Board board;
    std::unique_ptr<HttpServer> server;
};

TEST_F(WebSocketTest, answers_messages_in_order_and_in_pieces) {
    start();
    auto socket = open();
    socket->send(frame("one") + frame("quiet") + frame("tw", 1, false) + frame("o", 0));
    EXPECT_EQ(socket->read_until("two"), plain("you said one") + plain("you said two"));
    socket->send(frame("", 8));
    EXPECT_TRUE(socket->read_until("").starts_with("\x88"));  // its own close, and the end
    socket->close();
    wait_for_sessions(0);
}

TEST_F(WebSocketTest, other_requests_and_other_paths_go_to_the_handler) {
    start();
    TestSocket plain_request(server->port());
    plain_request.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(plain_request.read_all().ends_with("page"));
    TestSocket other(server->port());
    std::string upgrade(kUpgrade);
    upgrade.replace(upgrade.find("GET / "), 6, "GET /x ");
    other.send(upgrade);
    EXPECT_NE(other.read_until("page").find("HTTP/1.1 200"), std::string::npos);
}

TEST_F(WebSocketTest, refuses_a_bad_handshake_and_bytes_before_its_answer) {
    start();
    TestSocket no_key(server->port());
    no_key.send("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    EXPECT_TRUE(no_key.read_all().starts_with("HTTP/1.1 400"));
    TestSocket early(server->port());
    early.send(std::string(kUpgrade) + frame("one"));
    EXPECT_TRUE(early.read_all().starts_with("HTTP/1.1 400"));
    wait_for_sessions(0);
}

TEST_F(WebSocketTest, tells_news_to_those_who_listen) {
    start();
    auto listener = open(), other = open();
    listener->send(frame("listen"));
    EXPECT_EQ(listener->read_until("listen"), plain("you said listen"));
    std::string expected;
    for (int i = 0; i < 20; ++i) {
        tell("line " + std::to_string(i));
        expected += plain("line " + std::to_string(i));
    }
    EXPECT_EQ(listener->read_until("line 19"), expected);
    other->send(frame("hello"));
    EXPECT_EQ(other->read_until("hello"), plain("you said hello"));
}

TEST_F(WebSocketTest, ends_who_falls_behind_fails_or_sends_too_much) {
    HttpLimits limits;
    limits.message_bytes_max = 1000;
    // For clients that do not hang up.
    limits.transfer_timeout = limits.idle_timeout = std::chrono::milliseconds(500);
    start(limits);
    auto behind = open();
    behind->send(frame("listen"));
    behind->read_until("listen");
    tell("end");
    EXPECT_TRUE(behind->read_until("").starts_with("\x88"));
    auto failing = open();
    failing->send(frame("fail"));
    EXPECT_TRUE(failing->read_until("").starts_with("\x88"));
    auto large = open();
    large->send(frame(std::string(1001, 'x')));
    EXPECT_EQ(large->read_until("").find("you said"), std::string::npos);
    auto binary = open();
    binary->send(frame("x", 2));
    EXPECT_TRUE(binary->read_until("").starts_with("\x88"));
    auto unmasked = open();
    unmasked->send(plain("one"));
    EXPECT_EQ(unmasked->read_until("").find("you said"), std::string::npos);
    wait_for_sessions(0);
}

TEST_F(WebSocketTest, who_reads_nothing_holds_bounded_memory_and_is_dropped) {
    HttpLimits limits;
    limits.unsent_bytes_max = 64 << 10;
    limits.transfer_timeout = std::chrono::milliseconds(300);
    start(limits);
    auto deaf = open();
    deaf->send(frame("listen"));
    deaf->read_until("listen");
    const std::string line(60 << 10, 'x');
    for (int i = 0; i < 400; ++i) tell(line);  // 24 MB, more than sockets hold
    wait_for_sessions(0);
}

TEST_F(WebSocketTest, who_vanishes_is_forgotten) {
    HttpLimits limits;
    limits.idle_timeout = std::chrono::milliseconds(200);
    start(limits);
    auto silent = open();  // answers no ping
    for (int i = 0; i < 50; ++i) {
        auto gone = open();
        gone->send(frame("listen"));
    }
    wait_for_sessions(0);
}

TEST_F(WebSocketTest, stopping_says_so_and_does_not_wait) {
    start();
    auto idle = open();
    auto listener = open();
    listener->send(frame("listen"));
    listener->read_until("listen");
    wait_for_sessions(2);
    const auto before = std::chrono::steady_clock::now();
    std::thread reading([&] { EXPECT_TRUE(idle->read_until("").starts_with("\x88")); });
    server->stop();
    reading.join();
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(8));
    server->announce();
    EXPECT_EQ(board.sessions, 0);
}

}  // namespace
}  // namespace mutirao::net
