#include "net/websocket_connection.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/log.hpp"

namespace mutirao::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

// Waiting costs little memory; a long message comes in steps as long as what is there already.
constexpr std::size_t kReadBytesMin = 4 << 10, kReadBytesMax = 64 << 10;
constexpr auto kCloseTime = std::chrono::seconds(2);
constexpr auto kRetry = std::chrono::milliseconds(50);  // after the pool was full

}  // namespace

WebSocketConnection::WebSocketConnection(HttpShared& shared, asio::ip::tcp::socket socket,
                                         std::unique_ptr<WebSocketSession> session)
    : shared_(shared),
      stream_(std::move(socket)),
      timer_(shared.io),
      retry_(shared.io),
      session_(std::move(session)),
      buffer_(shared.limits.message_bytes_max) {}

void WebSocketConnection::open(const HttpRequest& request) {
    http::request<http::string_body> upgrade(http::verb::get, request.target, 11);
    for (const auto& header : request.headers) upgrade.insert(header.name, header.value);
    // A client that vanished without a word is found by pings that nobody answers.
    stream_.set_option(websocket::stream_base::timeout{shared_.limits.transfer_timeout,
                                                       shared_.limits.idle_timeout, true});
    stream_.read_message_max(shared_.limits.message_bytes_max);
    stream_.text(true);
    stream_.auto_fragment(false);  // a message is one frame, and one write
    arm(shared_.limits.transfer_timeout);
    stream_.async_accept(upgrade, [self = shared_from_this()](error_code problem) {
        if (self->phase_ != Phase::opening) return;
        ++self->timer_generation_;
        if (problem) return self->close();
        self->phase_ = Phase::open;
        self->read_more();
    });
}

void WebSocketConnection::read_more() {
    if (phase_ != Phase::open || reading_ || has_message_ ||
        out_bytes_ > shared_.limits.unsent_bytes_max)
        return;
    reading_ = true;
    stream_.async_read_some(buffer_, std::clamp(buffer_.size(), kReadBytesMin, kReadBytesMax),
                            [self = shared_from_this()](error_code problem, std::size_t) {
                                self->reading_ = false;
                                if (self->phase_ == Phase::closed) return;
                                if (problem) return self->close();
                                self->received();
                            });
}

void WebSocketConnection::received() {
    charge(buffer_.size());
    if (shared_.body_bytes > shared_.limits.bodies_bytes_max)
        return end(websocket::close_code::try_again_later);
    if (!stream_.is_message_done()) return read_more();
    if (!stream_.got_text()) return end(websocket::close_code::unknown_data);
    const auto data = buffer_.data();
    message_.assign(static_cast<const char*>(data.data()), data.size());
    buffer_ = boost::beast::flat_buffer(shared_.limits.message_bytes_max);  // gives its memory back
    has_message_ = true;
    work();
}

void WebSocketConnection::announce() {
    if (!listens_) return;
    news_due_ = true;
    work();
}

void WebSocketConnection::work() {
    if (phase_ != Phase::open || working_ || out_bytes_ > shared_.limits.unsent_bytes_max) return;
    if (has_message_) return answer_message();
    if (news_due_) return tell_news();
    read_more();
}

void WebSocketConnection::answer_message() {
    auto text = std::make_shared<std::string>(std::move(message_));
    working_ = shared_.handlers.try_post([self = shared_from_this(), text] {
        Outcome outcome;
        try {
            auto answer = self->session_->message(*text);
            if (!answer.empty()) outcome.messages.push_back(std::move(answer));
            outcome.listens = self->session_->listens();
        } catch (const std::exception& thrown) {
            LOG_ERROR(std::string("websocket: ") + thrown.what());
            outcome.failed = true;
        }
        asio::post(self->shared_.io, [self, outcome = std::move(outcome)]() mutable {
            self->has_message_ = false;
            self->charge(0);
            self->worked(std::move(outcome));
        });
    });
    if (!working_) end(websocket::close_code::try_again_later);
}

void WebSocketConnection::tell_news() {
    news_due_ = false;
    working_ = shared_.news.try_post([self = shared_from_this()] {
        Outcome outcome;
        try {
            auto found = self->session_->news();
            outcome.failed = !found.ok();
            if (found.ok()) outcome.messages = std::move(*found);
            outcome.listens = self->session_->listens();
        } catch (const std::exception& thrown) {
            LOG_ERROR(std::string("websocket: ") + thrown.what());
            outcome.failed = true;
        }
        asio::post(self->shared_.io, [self, outcome = std::move(outcome)]() mutable {
            if (!outcome.messages.empty()) self->news_due_ = true;  // there may be more
            self->worked(std::move(outcome));
        });
    });
    if (working_) return;
    news_due_ = true;  // the pool is full of others' news
    retry_.expires_after(kRetry);
    retry_.async_wait([self = shared_from_this()](error_code cancelled) {
        if (!cancelled) self->work();
    });
}

void WebSocketConnection::worked(Outcome outcome) {
    working_ = false;
    if (phase_ != Phase::open) return;
    if (outcome.failed) return end(websocket::close_code::internal_error);
    // A new listener may have missed an announcement while it began to listen.
    if (outcome.listens && !listens_) news_due_ = true;
    listens_ = outcome.listens;
    for (auto& message : outcome.messages) send(std::move(message));
    work();
}

void WebSocketConnection::send(std::string message) {
    out_bytes_ += message.size();
    out_.push_back(std::move(message));
    if (!writing_) write_next();
}

void WebSocketConnection::write_next() {
    if (out_.empty() || phase_ != Phase::open) return;
    writing_ = true;
    arm(shared_.limits.transfer_timeout + std::chrono::seconds(out_.front().size() >> 16));
    stream_.async_write(asio::buffer(std::as_const(out_.front())),
                        [self = shared_from_this()](error_code problem, std::size_t) {
                            self->writing_ = false;
                            ++self->timer_generation_;
                            if (self->phase_ == Phase::closed) return;
                            self->out_bytes_ -= self->out_.front().size();
                            self->out_.pop_front();
                            if (problem) return self->close();
                            if (self->phase_ == Phase::closing) return;
                            self->write_next();
                            self->work();
                        });
}

void WebSocketConnection::finish() { end(websocket::close_code::going_away); }

void WebSocketConnection::end(websocket::close_code why) {
    if (phase_ == Phase::closing || phase_ == Phase::closed) return;
    // A close frame would wait for what is being written, and a slow client may not hold us up.
    if (phase_ == Phase::opening || writing_) return close();
    phase_ = Phase::closing;
    arm(kCloseTime);
    stream_.async_close(websocket::close_reason(why),
                        [self = shared_from_this()](error_code) { self->close(); });
}

void WebSocketConnection::close() {
    if (phase_ == Phase::closed) return;
    phase_ = Phase::closed;
    charge(0);
    ++timer_generation_;
    timer_.cancel();
    retry_.cancel();
    error_code ignored;
    stream_.next_layer().close(ignored);
    shared_.websockets.erase(shared_from_this());
    shared_.closed_one();
}

void WebSocketConnection::charge(std::size_t bytes) {
    shared_.body_bytes += bytes - charged_;  // modulo 2^64: may go down
    charged_ = bytes;
}

void WebSocketConnection::arm(Duration duration) {
    timer_.expires_after(duration);
    timer_.async_wait([self = shared_from_this(), generation = ++timer_generation_](error_code) {
        if (generation == self->timer_generation_) self->close();
    });
}

}  // namespace mutirao::net
