// One WebSocket on the server's I/O thread, after HTTP's upgrade. Private to net: includes Asio and
// Beast.
//
// Messages are read one at a time, and the next only once the one before is answered and the client
// has taken most of what was written: a client that sends and does not read holds one message and
// `unsent_bytes_max`. The session works on threads of the pools, one task at a time.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>

#include "net/http_connection.hpp"

namespace mutirao::net {

class WebSocketConnection final : public std::enable_shared_from_this<WebSocketConnection> {
  public:
    WebSocketConnection(HttpShared& shared, boost::asio::ip::tcp::socket socket,
                        std::unique_ptr<WebSocketSession> session);

    // All on the I/O thread.
    void open(const HttpRequest& request);
    void announce();
    // The server stops: says so to the client, and closes.
    void finish();
    void close();

  private:
    enum class Phase { opening, open, closing, closed };
    struct Outcome {
        std::vector<std::string> messages;
        bool failed = false;
        bool listens = false;
    };

    void read_more();
    void received();
    void work();
    void answer_message();
    void tell_news();
    void worked(Outcome outcome);
    void send(std::string message);
    void write_next();
    void end(boost::beast::websocket::close_code why);
    void charge(std::size_t bytes);
    void arm(Duration duration);

    HttpShared& shared_;
    boost::beast::websocket::stream<boost::asio::ip::tcp::socket> stream_;
    boost::asio::steady_timer timer_;  // of the handshake, a message, a write or the close
    std::uint64_t timer_generation_ = 0;
    boost::asio::steady_timer retry_;  // to tell news when the pool was full
    // Shared with the task that runs, so that closing need not wait for it.
    const std::shared_ptr<WebSocketSession> session_;
    Phase phase_ = Phase::opening;
    boost::beast::flat_buffer buffer_;
    std::string message_;  // read, and not answered yet
    bool has_message_ = false;
    bool reading_ = false;
    bool working_ = false;  // a task of the session runs
    bool listens_ = false;
    bool news_due_ = false;
    std::deque<std::string> out_;
    std::size_t out_bytes_ = 0;
    bool writing_ = false;
    std::size_t charged_ = 0;  // of shared_.body_bytes
};

}  // namespace mutirao::net
