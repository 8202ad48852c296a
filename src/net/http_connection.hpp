// One HTTP connection as a state machine on the server's single I/O thread. Private to net:
// includes Asio.
//
//   idle -> receiving -> handling -> answering -> idle      (keep-alive)
//                                              -> lingering -> closed
//
// Every phase but handling has a deadline. Lingering reads and drops what the client still sends
// for a moment, because closing with unread bytes resets the connection and can destroy the answer
// on its way.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "net/http.hpp"
#include "net/http_parser.hpp"
#include "net/worker_pool.hpp"

namespace mutirao::net {

class HttpConnection;
class WebSocketConnection;

// What the connections of one server share.
struct HttpShared {
    HttpShared(HttpHandler handler_with, const HttpLimits& with, WebSocketOpener open)
        : handler(std::move(handler_with)),
          open_websocket(std::move(open)),
          limits(with),
          handlers(with.handlers_max, with.queue_max),
          streams(with.streams_max, 0),
          news(1, with.connections_max) {}

    const HttpHandler handler;
    const WebSocketOpener open_websocket;  // may be empty
    const HttpLimits limits;
    boost::asio::io_context io{1};
    WorkerPool handlers;
    WorkerPool streams;
    WorkerPool news;  // of WebSocket sessions
    std::atomic<bool> announced = false;

    // On the I/O thread only:
    std::set<std::shared_ptr<HttpConnection>> connections;  // shared with their pending operations
    std::set<std::shared_ptr<WebSocketConnection>> websockets;
    std::size_t body_bytes = 0;  // of all requests being received or handled
    bool stopping = false;
    std::function<void()> on_all_closed;  // called once, then forgotten

    std::size_t open() const { return connections.size() + websockets.size(); }
    void closed_one() {
        if (open() == 0 && on_all_closed) std::exchange(on_all_closed, nullptr)();
    }
};

class HttpConnection final : public std::enable_shared_from_this<HttpConnection> {
  public:
    HttpConnection(HttpShared& shared, boost::asio::ip::tcp::socket socket);

    // All on the I/O thread.
    void serve();
    // Answers 503 without reading a request.
    void turn_away();
    // Since when it has waited for a request; nothing while there is one.
    std::optional<std::chrono::steady_clock::time_point> idle_since() const {
        return phase_ == Phase::idle ? std::optional(begun_) : std::nullopt;
    }
    // The server stops: closes unless a request is being handled or answered.
    void finish();
    void close();

    // Any thread but the I/O thread: writes and waits until the kernel has taken all of it.
    Status write_and_wait(std::string bytes);

  private:
    enum class Phase { idle, receiving, handling, answering, lingering, closed };
    using Done = std::function<void(bool ok)>;

    void next_request();
    void read_more();
    void take_bytes(std::string_view bytes);
    void received();
    void send_continue();
    void handle();
    // True when the connection goes on as a WebSocket.
    bool upgrade(const HttpRequest& request);
    void respond(HttpResponse response);
    void stream(HttpResponse response, BodyForm form);
    void run_stream(const HttpResponse& response, BodyForm form);
    void fail(int status, const std::string& sentence);
    void answer(std::string head, std::string body);
    void write(std::string head, std::string body, Done done);
    void answered();
    void linger();
    void drop_more(std::size_t bytes_left);
    void charge(std::size_t bytes);
    void arm(Duration duration);
    void timed_out();

    HttpShared& shared_;
    boost::asio::ip::tcp::socket socket_;
    boost::asio::steady_timer timer_;
    std::uint64_t timer_generation_ = 0;  // timers armed before the latest do nothing
    Phase phase_ = Phase::idle;
    std::optional<HttpParser> parser_;
    std::string buffer_;    // bytes read
    std::string head_out_;  // being written
    std::string body_out_;
    bool writing_ = false;
    bool continue_sent_ = false;
    bool keep_alive_ = false;
    bool chunks_understood_ = false;
    bool is_head_ = false;     // the request's method is HEAD: the answer has no body
    std::size_t charged_ = 0;  // of shared_.body_bytes
    std::chrono::steady_clock::time_point begun_;  // the phase idle or receiving
};

}  // namespace mutirao::net
