#include "net/http_connection.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cctype>

#include "base/log.hpp"
#include "net/websocket_connection.hpp"

namespace mutirao::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::size_t kIdleReadBytes = 4 << 10;  // thousands of waiting connections stay small
constexpr std::size_t kRateMinBytes = 64 << 10;  // a second: what a transfer must keep up
constexpr std::size_t kDroppedBytesMax = 1 << 20;
constexpr Duration kLinger = std::chrono::seconds(1);

Duration at_least_rate(Duration timeout, std::size_t bytes) {
    return timeout + std::chrono::seconds(bytes / kRateMinBytes);
}

HttpResponse error_response(int status, const std::string& sentence) {
    HttpResponse response;
    response.status = status;
    response.body = sentence + "\n";
    return response;
}

HttpResponse call(const HttpHandler& handler, const HttpRequest& request) {
    try {
        return handler(request);
    } catch (const std::exception& thrown) {
        return error_response(500, std::string("the server failed inside: ") + thrown.what());
    } catch (...) {
        return error_response(500, "the server failed inside");
    }
}

bool asks_for_websocket(const HttpRequest& request) {
    auto protocol = std::string(request.header("Upgrade"));
    std::transform(protocol.begin(), protocol.end(), protocol.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return request.method == "GET" && protocol == "websocket";
}

// Frames what a streaming function writes.
class StreamWriter final : public HttpWriter {
  public:
    StreamWriter(HttpConnection& connection, BodyForm form)
        : connection_(connection), form_(form) {}
    Status write(std::string_view bytes) override {
        if (bytes.empty()) return {};  // an empty chunk would end the body
        return connection_.write_and_wait(form_ == BodyForm::chunked ? http_chunk(bytes)
                                                                     : std::string(bytes));
    }

  private:
    HttpConnection& connection_;
    const BodyForm form_;
};

}  // namespace

HttpConnection::HttpConnection(HttpShared& shared, asio::ip::tcp::socket socket)
    : shared_(shared), socket_(std::move(socket)), timer_(shared.io) {}

void HttpConnection::serve() {
    error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    next_request();
}

void HttpConnection::turn_away() {
    fail(503, "this server has too many connections; try again later");
}

void HttpConnection::finish() {
    if (phase_ != Phase::handling && phase_ != Phase::answering) close();
}

void HttpConnection::close() {
    if (phase_ == Phase::closed) return;
    phase_ = Phase::closed;
    charge(0);
    timer_.cancel();
    error_code ignored;
    socket_.close(ignored);
    shared_.connections.erase(shared_from_this());
    shared_.closed_one();
}

void HttpConnection::next_request() {
    std::string rest = parser_ ? parser_->take_rest() : std::string();
    parser_.emplace(shared_.limits.body_bytes_max);
    phase_ = Phase::idle;
    begun_ = steady_clock::now();
    continue_sent_ = false;
    arm(shared_.limits.idle_timeout);
    if (rest.empty()) return read_more();
    // By way of the queue: a client that sends many requests in one go does not hold up others.
    asio::post(shared_.io, [self = shared_from_this(), rest = std::move(rest)] {
        if (self->phase_ == Phase::idle) self->take_bytes(rest);
    });
}

void HttpConnection::read_more() {
    buffer_.resize(phase_ == Phase::idle ? kIdleReadBytes : kReadBytes);
    socket_.async_read_some(asio::buffer(buffer_),
                            [self = shared_from_this()](error_code problem, std::size_t size) {
                                if (self->phase_ != Phase::idle && self->phase_ != Phase::receiving)
                                    return;
                                if (problem) return self->close();
                                self->take_bytes(std::string_view(self->buffer_).substr(0, size));
                            });
}

void HttpConnection::take_bytes(std::string_view bytes) {
    if (phase_ == Phase::idle) {
        phase_ = Phase::receiving;
        begun_ = steady_clock::now();
        arm(shared_.limits.transfer_timeout);
    }
    const auto state = parser_->feed(bytes);
    charge(parser_->body_bytes());
    if (state == HttpParser::State::failed)
        return fail(parser_->error_status(), parser_->error_sentence());
    if (shared_.body_bytes > shared_.limits.bodies_bytes_max)
        return fail(503, "this server is receiving too much at once; try again later");
    if (state == HttpParser::State::complete) return handle();
    if (state == HttpParser::State::body && !continue_sent_ && parser_->expects_continue())
        return send_continue();
    read_more();
}

void HttpConnection::send_continue() {
    continue_sent_ = true;
    write("HTTP/1.1 100 Continue\r\n\r\n", "", [this](bool ok) {
        if (phase_ != Phase::receiving) return;
        ok ? read_more() : close();
    });
}

void HttpConnection::handle() {
    phase_ = Phase::handling;
    ++timer_generation_;  // no deadline: the handler has its own
    keep_alive_ = parser_->keep_alive();
    chunks_understood_ = parser_->chunks_understood();
    // Shared only because std::function wants to be copyable.
    auto request = std::make_shared<HttpRequest>(parser_->take());
    is_head_ = request->method == "HEAD";
    if (asks_for_websocket(*request) && shared_.open_websocket && upgrade(*request)) return;
    const bool accepted =
        shared_.handlers.try_post([self = shared_from_this(), request = std::move(request)] {
            auto response = std::make_shared<HttpResponse>(call(self->shared_.handler, *request));
            asio::post(self->shared_.io, [self, response = std::move(response)] {
                if (self->phase_ == Phase::handling) self->respond(std::move(*response));
            });
        });
    if (!accepted) fail(503, "this server is busy; try again later");
}

bool HttpConnection::upgrade(const HttpRequest& request) {
    std::unique_ptr<WebSocketSession> session;
    try {
        session = shared_.open_websocket(request);
    } catch (const std::exception& thrown) {
        LOG_ERROR(std::string("websocket: ") + thrown.what());
    }
    if (session == nullptr) return false;
    if (shared_.websockets.size() >= shared_.limits.connections_max / 2) {
        fail(503, "this server has too many WebSockets; try again later");
        return true;
    }
    if (!parser_->take_rest().empty()) {  // RFC 6455: a client waits for the answer
        fail(400, "nothing may follow a WebSocket's request before it is answered");
        return true;
    }
    const auto websocket =
        std::make_shared<WebSocketConnection>(shared_, std::move(socket_), std::move(session));
    shared_.websockets.insert(websocket);
    phase_ = Phase::closed;
    charge(0);
    timer_.cancel();
    shared_.connections.erase(shared_from_this());
    websocket->open(request);
    return true;
}

void HttpConnection::respond(HttpResponse response) {
    charge(0);
    phase_ = Phase::answering;
    if (shared_.stopping) keep_alive_ = false;
    if (response.stream) {
        const BodyForm form = chunks_understood_ ? BodyForm::chunked : BodyForm::until_close;
        if (form == BodyForm::until_close) keep_alive_ = false;
        return stream(std::move(response), form);
    }
    std::string head = http_head(response, BodyForm::sized, keep_alive_);
    const bool bodiless = is_head_ || response.status == 204 || response.status == 304;
    answer(std::move(head), bodiless ? std::string() : std::move(response.body));
}

void HttpConnection::stream(HttpResponse response, BodyForm form) {
    if (is_head_) return answer(http_head(response, form, keep_alive_), "");
    ++timer_generation_;  // each write has a deadline of its own
    const auto shared_response = std::make_shared<HttpResponse>(std::move(response));
    const bool accepted =
        shared_.streams.try_post([self = shared_from_this(), shared_response, form] {
            self->run_stream(*shared_response, form);
        });
    if (!accepted) fail(503, "this server has too many streams open; try again later");
}

// On a thread of the stream pool.
void HttpConnection::run_stream(const HttpResponse& response, BodyForm form) {
    bool whole = write_and_wait(http_head(response, form, keep_alive_)).ok();
    if (whole) {
        StreamWriter writer(*this, form);
        try {
            response.stream(writer);
        } catch (...) {
            whole = false;  // the missing end tells the client that the answer is cut short
        }
    }
    if (whole && form == BodyForm::chunked)
        whole = write_and_wait(std::string(kLastHttpChunk)).ok();
    asio::post(shared_.io, [self = shared_from_this(), whole] {
        if (self->phase_ != Phase::answering) return;
        whole ? self->answered() : self->close();
    });
}

Status HttpConnection::write_and_wait(std::string bytes) {
    auto outcome = std::make_shared<std::promise<bool>>();
    auto waiting = outcome->get_future();
    asio::post(shared_.io,
               [self = shared_from_this(), outcome, bytes = std::move(bytes)]() mutable {
                   if (self->phase_ != Phase::answering) return outcome->set_value(false);
                   self->arm(at_least_rate(self->shared_.limits.transfer_timeout, bytes.size()));
                   self->write(std::move(bytes), "", [self, outcome](bool ok) {
                       ++self->timer_generation_;
                       outcome->set_value(ok);
                   });
               });
    if (waiting.get()) return {};
    return Error{ErrorKind::unavailable, "the HTTP client has gone or takes no more"};
}

void HttpConnection::fail(int status, const std::string& sentence) {
    charge(0);
    phase_ = Phase::answering;
    keep_alive_ = false;
    const auto response = error_response(status, sentence);
    answer(http_head(response, BodyForm::sized, false), is_head_ ? "" : response.body);
}

void HttpConnection::answer(std::string head, std::string body) {
    arm(at_least_rate(shared_.limits.transfer_timeout, body.size()));
    write(std::move(head), std::move(body), [this](bool ok) {
        if (phase_ != Phase::answering) return;
        ok ? answered() : close();
    });
}

// One at a time. `done` is called on the I/O thread while the connection lives.
void HttpConnection::write(std::string head, std::string body, Done done) {
    head_out_ = std::move(head);
    body_out_ = std::move(body);
    writing_ = true;
    const std::array buffers{asio::buffer(std::as_const(head_out_)),
                             asio::buffer(std::as_const(body_out_))};
    asio::async_write(
        socket_, buffers,
        [self = shared_from_this(), done = std::move(done)](error_code problem, std::size_t) {
            self->writing_ = false;
            self->body_out_ = {};
            done(!problem);
        });
}

void HttpConnection::answered() {
    if (keep_alive_ && !shared_.stopping) return next_request();
    linger();
}

void HttpConnection::linger() {
    phase_ = Phase::lingering;
    error_code problem;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, problem);
    if (problem) return close();
    arm(kLinger);
    buffer_.resize(kReadBytes);
    drop_more(kDroppedBytesMax);
}

void HttpConnection::drop_more(std::size_t bytes_left) {
    socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this(), bytes_left](
                                                       error_code problem, std::size_t size) {
        if (self->phase_ != Phase::lingering) return;
        if (problem || size >= bytes_left) return self->close();
        self->drop_more(bytes_left - size);
    });
}

void HttpConnection::charge(std::size_t bytes) {
    shared_.body_bytes += bytes - charged_;  // modulo 2^64: may go down
    charged_ = bytes;
}

void HttpConnection::arm(Duration duration) {
    timer_.expires_after(duration);
    timer_.async_wait([self = shared_from_this(), generation = ++timer_generation_](error_code) {
        if (generation == self->timer_generation_) self->timed_out();
    });
}

void HttpConnection::timed_out() {
    if (phase_ != Phase::receiving || writing_) {
        if (phase_ != Phase::handling) close();
        return;
    }
    const auto deadline = begun_ + at_least_rate(shared_.limits.transfer_timeout, charged_);
    const auto now = steady_clock::now();
    if (now < deadline) return arm(deadline - now);
    error_code ignored;
    socket_.cancel(ignored);  // the read in progress; answering may write again
    fail(408, "the request took too long to arrive");
}

}  // namespace mutirao::net
