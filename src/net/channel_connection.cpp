#include "net/channel_connection.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/ensure.hpp"
#include "base/log.hpp"

namespace mutirao::net {

namespace asio = boost::asio;
using asio::ip::tcp;

void ChannelConnection::greet() {
    make_room_to_greet();
    shared_.connections.insert(shared_from_this());
    shared_.greeting.push_back(this);
    const auto nonce = shared_.random.fixed<ChannelNonce>();
    stream_->write_all(encode_offer(nonce), [self = shared_from_this(), nonce](Status status) {
        if (!status.ok()) return self->leave();
        self->stream_->read_exactly(kGreetingSize, [self, nonce](Result<Bytes> bytes) {
            if (!bytes.ok()) return self->leave();
            self->greeted(nonce,
                          ChannelGreeting::decode(std::span<const std::uint8_t, kGreetingSize>(
                              bytes->data(), kGreetingSize)));
        });
    });
}

// Strangers displace strangers: who greets needs a moment only, so the oldest is the least likely
// to be one who will.
void ChannelConnection::make_room_to_greet() {
    auto& all = shared_.greeting;
    const auto of_origin = [&](const auto* one) { return one->origin_ == origin_; };
    if (static_cast<std::size_t>(std::count_if(all.begin(), all.end(), of_origin)) >=
        shared_.limits.origin_greeting_max)
        (*std::find_if(all.begin(), all.end(), of_origin))->leave();
    if (all.size() >= shared_.limits.greeting_max) all.front()->leave();
}

void ChannelConnection::refuse(const Error& why) {
    stream_->write_all(encode_verdict(why), [self = shared_from_this()](Status) { self->leave(); });
}

// Counts it among those of its caller.
Status ChannelConnection::enter() {
    const auto& limits = shared_.limits;
    const auto at = shared_.loads.find(caller_.name());
    if (at != shared_.loads.end() && at->second.connections >= limits.caller_connections_max)
        return Error{ErrorKind::resource_exhausted,
                     "this caller has " + std::to_string(limits.caller_connections_max) +
                         " channels open; close one first"};
    if (shared_.connections.size() - shared_.greeting.size() >= limits.connections_max)
        return Error{ErrorKind::resource_exhausted, "the server has " +
                                                        std::to_string(limits.connections_max) +
                                                        " channels open; try again later"};
    name_ = caller_.name();
    ++shared_.load(name_).connections;
    std::erase(shared_.greeting, this);
    return {};
}

void ChannelConnection::greeted(const ChannelNonce& nonce, const ChannelGreeting& greeting) {
    const auto granted = shared_.find_ticket(greeting.ticket);
    if (!granted ||
        greeting.mac != greeting_mac(granted->ticket, ChannelEnd::client, greeting.nonce, nonce))
        return refuse({ErrorKind::permission_denied, "the ticket is not valid, or not any more"});
    caller_ = granted->caller;
    caller_.origin = origin_;
    if (const auto entered = enter(); !entered.ok()) return refuse(entered.error());
    const auto mac = greeting_mac(granted->ticket, ChannelEnd::server, greeting.nonce, nonce);
    stream_->write_all(encode_verdict(ChannelWelcome{mac, true}),
                       [self = shared_from_this()](Status status) {
                           if (!status.ok()) return self->leave();
                           self->carries_ = true;
                           self->stream_->frames(self);
                       });
}

Result<std::optional<MutableByteSpan>> ChannelConnection::place(const FrameHeader& header) {
    if (header.kind == FrameKind::keep_alive) return std::optional(MutableByteSpan{});
    if (header.kind != FrameKind::request)
        return Error{ErrorKind::corrupt, "a caller sends requests only"};
    const std::size_t size = std::size_t{header.method_size} + header.payload_size;
    if (header.payload_size > shared_.limits.message_bytes_max)
        return Error{ErrorKind::resource_exhausted, "a request is too large"};
    if (shared_.stopping) return std::optional<MutableByteSpan>{};  // until all is closed
    if (calls_ >= shared_.limits.calls_max || !shared_.has_room(name_, size) ||
        !shared_.has_room_for_answers(name_)) {
        if (!std::exchange(in_line_, true)) shared_.waiting.push_back(weak_from_this());
        return std::optional<MutableByteSpan>{};
    }
    ++calls_;
    shared_.charge_request(name_, size);
    coming_ = shared_.buffers.take(size);
    return std::optional(coming_.span());
}

void ChannelConnection::arrived(const FrameHeader& header) {
    if (header.kind == FrameKind::keep_alive) {
        wants_keep_alives_ = true;
        return;
    }
    shared_.queue.push(name_, {shared_from_this(), header, std::exchange(coming_, {})});
    shared_.run_handlers();
}

void ChannelConnection::run(ChannelCall call) {
    const auto size = call.request.size;
    const auto number = call.header.call;
    auto kept = std::make_shared<ChannelCall>(std::move(call));
    auto run = [self = shared_from_this(), kept, number, size] {
        auto answer = self->handle(kept->header, std::as_const(kept->request).span());
        self->shared_.buffers.give(std::move(kept->request));
        asio::post(self->shared_.io, [self, number, size, answer = std::move(answer)]() mutable {
            self->answer(number, size, std::move(answer));
        });
    };
    if (shared_.handlers.try_post(std::move(run))) return;
    // Not from here: who starts handlers is in the middle of it.
    asio::post(shared_.io, [self = shared_from_this(), number, size] {
        self->answer(number, size,
                     Error{ErrorKind::unavailable, "this node has no thread for the call"});
    });
}

Result<Bytes> ChannelConnection::handle(const FrameHeader& header, ByteSpan request) {
    const auto method = as_text(request.first(header.method_size));
    if (shared_.cut_off) return Error{ErrorKind::unavailable, "this node is stopping"};
    if (shared_.admit) TRY_VOID(shared_.admit(caller_, method));
    try {
        return shared_.serve(method, request.subspan(header.method_size));
    } catch (const std::exception& failure) {
        return Error{ErrorKind::io, std::string("the handler failed: ") + failure.what()};
    }
}

void ChannelConnection::answer(std::uint64_t call, std::size_t bytes, Result<Bytes> answer) {
    --calls_;
    --shared_.running;
    --shared_.load(name_).handlers;
    if (!left_) {
        const bool good = answer.ok();
        auto payload = good ? std::move(*answer) : encode_error(answer.error());
        const FrameHeader header{good ? FrameKind::answer : FrameKind::error, 0,
                                 static_cast<std::uint32_t>(payload.size()), call};
        send(header, std::move(payload));
    }
    shared_.discharge_request(name_, bytes);
    shared_.go_on();
}

void ChannelConnection::send(const FrameHeader& header, Bytes payload) {
    const auto size = FrameHeader::kSize + payload.size();
    answer_bytes_ += size;
    shared_.charge_answer(name_, size);
    stream_->send(header, {}, Message::of(std::move(payload)));
}

void ChannelConnection::sent(std::size_t bytes) {
    answer_bytes_ -= bytes;
    shared_.discharge_answer(name_, bytes);
    shared_.go_on();
}

void ChannelConnection::closed(const Error& why) {
    LOG_DEBUG("channel of " + name_ + ": " + why.message);
    if (coming_.memory) {  // a frame that never got whole
        --calls_;
        shared_.discharge_request(name_, std::exchange(coming_, {}).size);
    }
    leave();
}

void ChannelConnection::leave() {
    if (std::exchange(left_, true)) return;
    const auto self = shared_from_this();
    stream_->close({ErrorKind::unavailable, "the channel was closed"});
    std::erase(shared_.greeting, this);
    shared_.connections.erase(self);
    if (name_.empty()) return;
    --shared_.load(name_).connections;
    shared_.discharge_answer(name_, std::exchange(answer_bytes_, 0));
    // Nobody is left to hear the answers.
    auto orphans = shared_.queue.remove_if(
        name_, [this](const auto& call) { return call.connection.get() == this; });
    for (auto& call : orphans) {
        --calls_;
        shared_.discharge_request(name_, call.request.size);
        shared_.buffers.give(std::move(call.request));
    }
    shared_.settle(name_);
    shared_.go_on();
}

void ChannelConnection::look(std::chrono::steady_clock::time_point now) {
    const auto& limits = shared_.limits;
    if (!carries_) {
        if (now - accepted_ > limits.greeting_timeout) leave();
        return;
    }
    const PaceRule rule{limits.progress_timeout, limits.progress_bytes_min};
    if (stream_->comes_too_slowly(now, rule) || stream_->goes_too_slowly(now, rule))
        return close({ErrorKind::timeout, "the other end was silent or slow for too long"});
    if (calls_ == 0 && now - stream_->last_progress() > limits.idle_timeout)
        return close({ErrorKind::timeout, "the channel was not used"});
    const bool awaited = calls_ > 0 || in_line_;
    if (wants_keep_alives_ && awaited && stream_->bytes_to_send() == 0 &&
        now - stream_->last_sent() > limits.keep_alive_every)
        send({FrameKind::keep_alive, 0, 0, 0}, {});
}

}  // namespace mutirao::net
