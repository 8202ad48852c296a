#include "net/channel_server.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/log.hpp"
#include "net/address.hpp"
#include "net/buffer_pool.hpp"
#include "net/channel_stream.hpp"
#include "net/listen.hpp"
#include "net/worker_pool.hpp"

namespace mutirao::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kTick = std::chrono::milliseconds(250);  // how often connections are looked at
constexpr auto kDrainTick = std::chrono::milliseconds(5);
constexpr Duration kAcceptPause = std::chrono::milliseconds(50);

class Connection;

// What the connections of one server share; on the I/O thread but for tickets and the pool.
struct Shared {
    Shared(Serve serve_with, Random& random_with, const ChannelLimits& with, Admit admit_with)
        : serve(std::move(serve_with)),
          random(random_with),
          limits(with),
          admit(std::move(admit_with)),
          handlers(with.handlers_max, with.calls_max * with.connections_max),
          buffers(with.bytes_max / 2) {}

    struct Granted {
        ChannelTicket ticket;
        Caller caller;
        std::chrono::steady_clock::time_point ends;
    };

    // Whether so many bytes more may come from this caller.
    bool has_room(const std::string& caller, std::size_t bytes) const {
        const auto of_caller = caller_bytes.find(caller);
        const auto used = of_caller == caller_bytes.end() ? 0 : of_caller->second;
        return bytes_in + bytes <= limits.bytes_max && used + bytes <= limits.caller_bytes_max;
    }
    void charge(const std::string& caller, std::size_t bytes) {
        bytes_in += bytes;
        caller_bytes[caller] += bytes;
    }
    void discharge(const std::string& caller, std::size_t bytes);
    std::optional<Granted> find_ticket(const ChannelTicket::Id& id);

    const Serve serve;
    Random& random;
    const ChannelLimits limits;
    const Admit admit;
    asio::io_context io{1};
    WorkerPool handlers;
    BufferPool buffers;

    std::set<std::shared_ptr<Connection>> connections;  // shared with their pending operations
    std::map<std::string, std::size_t> caller_bytes;
    std::map<std::string, std::size_t> caller_connections;
    std::size_t bytes_in = 0;
    std::size_t calls = 0;                         // being handled
    std::list<std::weak_ptr<Connection>> waiting;  // for room, first come first served
    bool stopping = false;
    std::atomic<bool> cut_off = false;  // the grace is over: what waits for a thread is not run

    std::mutex tickets_mutex;  // guards tickets
    std::list<Granted> tickets;
};

class Connection final : public FrameSink, public std::enable_shared_from_this<Connection> {
  public:
    Connection(Shared& shared, tcp::socket socket, std::string origin)
        : shared_(shared), origin_(std::move(origin)) {
        stream_ = std::make_shared<ChannelStream>(std::move(socket));
    }

    void greet();
    void look(std::chrono::steady_clock::time_point now);
    // There may be room now.
    void leave_line() {
        in_line_ = false;
        stream_->resume();
    }
    void close(const Error& why) { stream_->close(why); }
    bool is_busy() const { return calls_ > 0 || stream_->bytes_to_send() > 0; }

    Result<std::optional<MutableByteSpan>> place(const FrameHeader& header) override;
    void arrived(const FrameHeader& header) override;
    void closed(const Error& why) override;

  private:
    void greeted(const ChannelNonce& nonce, const ChannelGreeting& greeting);
    void refuse(const Error& why);
    void handle(const FrameHeader& header, BufferPool::Buffer buffer);
    void answer(std::uint64_t call, std::size_t bytes, Result<Bytes> answer);
    void leave();

    Shared& shared_;
    const std::string origin_;
    std::shared_ptr<ChannelStream> stream_;
    Caller caller_;
    std::string name_;      // of the caller, once it has greeted
    bool carries_ = false;  // frames
    bool left_ = false;
    bool in_line_ = false;   // of those that wait for room
    std::size_t calls_ = 0;  // received or being handled
    BufferPool::Buffer coming_;
};

void Shared::discharge(const std::string& caller, std::size_t bytes) {
    bytes_in -= bytes;
    const auto at = caller_bytes.find(caller);
    at->second -= bytes;
    if (at->second == 0) caller_bytes.erase(at);
    // Each looks for itself whether there is room now, and else waits again.
    auto ready = std::move(waiting);
    waiting.clear();
    for (const auto& weak : ready)
        if (const auto connection = weak.lock()) connection->leave_line();
}

std::optional<Shared::Granted> Shared::find_ticket(const ChannelTicket::Id& id) {
    const std::lock_guard lock(tickets_mutex);
    for (const auto& granted : tickets)
        if (granted.ticket.id == id && std::chrono::steady_clock::now() < granted.ends)
            return granted;
    return std::nullopt;
}

void Connection::greet() {
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

void Connection::refuse(const Error& why) {
    stream_->write_all(encode_verdict(why), [self = shared_from_this()](Status) { self->leave(); });
}

void Connection::greeted(const ChannelNonce& nonce, const ChannelGreeting& greeting) {
    const auto granted = shared_.find_ticket(greeting.ticket);
    if (!granted ||
        greeting.mac != greeting_mac(granted->ticket, ChannelEnd::client, greeting.nonce, nonce))
        return refuse({ErrorKind::permission_denied, "the ticket is not valid, or not any more"});
    caller_ = granted->caller;
    caller_.origin = origin_;
    if (shared_.caller_connections[caller_.name()] >= shared_.limits.caller_connections_max)
        return refuse({ErrorKind::resource_exhausted,
                       "this caller has " + std::to_string(shared_.limits.caller_connections_max) +
                           " channels open; close one first"});
    name_ = caller_.name();
    ++shared_.caller_connections[name_];
    const auto mac = greeting_mac(granted->ticket, ChannelEnd::server, greeting.nonce, nonce);
    stream_->write_all(encode_verdict(mac), [self = shared_from_this()](Status status) {
        if (!status.ok()) return self->leave();
        self->carries_ = true;
        self->stream_->frames(self);
    });
}

Result<std::optional<MutableByteSpan>> Connection::place(const FrameHeader& header) {
    if (header.kind != FrameKind::request)
        return Error{ErrorKind::corrupt, "a caller sends requests only"};
    const std::size_t size = std::size_t{header.method_size} + header.payload_size;
    if (header.payload_size > shared_.limits.message_bytes_max)
        return Error{ErrorKind::resource_exhausted, "a request is too large"};
    if (shared_.stopping) return std::optional<MutableByteSpan>{};  // until all is closed
    const bool busy = calls_ >= shared_.limits.calls_max ||
                      stream_->bytes_to_send() > shared_.limits.answer_bytes_max;
    if (busy || !shared_.has_room(name_, size)) {
        if (!std::exchange(in_line_, true)) shared_.waiting.push_back(weak_from_this());
        return std::optional<MutableByteSpan>{};
    }
    ++calls_;
    shared_.charge(name_, size);
    coming_ = shared_.buffers.take(size);
    return std::optional(coming_.span());
}

void Connection::arrived(const FrameHeader& header) { handle(header, std::move(coming_)); }

void Connection::handle(const FrameHeader& header, BufferPool::Buffer buffer) {
    ++shared_.calls;
    const auto size = buffer.size;
    auto request = std::make_shared<BufferPool::Buffer>(std::move(buffer));
    auto run = [self = shared_from_this(), header, request, size] {
        const ByteSpan all = std::as_const(*request).span();
        const auto method = as_text(all.first(header.method_size));
        auto answer = [&]() -> Result<Bytes> {
            if (self->shared_.cut_off)
                return Error{ErrorKind::unavailable, "this node is stopping"};
            if (self->shared_.admit) TRY_VOID(self->shared_.admit(self->caller_, method));
            try {
                return self->shared_.serve(method, all.subspan(header.method_size));
            } catch (const std::exception& failure) {
                return Error{ErrorKind::io, std::string("the handler failed: ") + failure.what()};
            }
        }();
        self->shared_.buffers.give(std::move(*request));
        asio::post(self->shared_.io,
                   [self, call = header.call, size, answer = std::move(answer)]() mutable {
                       self->answer(call, size, std::move(answer));
                   });
    };
    if (!shared_.handlers.try_post(std::move(run)))
        answer(header.call, size, Error{ErrorKind::unavailable, "this node is stopping"});
}

void Connection::answer(std::uint64_t call, std::size_t bytes, Result<Bytes> answer) {
    --shared_.calls;
    --calls_;
    const bool good = answer.ok();
    auto payload = good ? std::move(*answer) : encode_error(answer.error());
    const FrameHeader header{good ? FrameKind::answer : FrameKind::error, 0,
                             static_cast<std::uint32_t>(payload.size()), call};
    stream_->send(header, {}, Message::of(std::move(payload)));
    shared_.discharge(name_, bytes);
}

void Connection::closed(const Error& why) {
    LOG_DEBUG("channel of " + name_ + ": " + why.message);
    if (coming_.memory) {  // a frame that never got whole
        --calls_;
        const auto size = coming_.size;
        coming_ = {};
        shared_.discharge(name_, size);
    }
    leave();
}

void Connection::leave() {
    if (std::exchange(left_, true)) return;
    stream_->close({ErrorKind::unavailable, "the channel was closed"});
    if (!name_.empty() && --shared_.caller_connections[name_] == 0)
        shared_.caller_connections.erase(name_);
    shared_.connections.erase(shared_from_this());
}

void Connection::look(std::chrono::steady_clock::time_point now) {
    const auto& limits = shared_.limits;
    const auto quiet = now - stream_->last_progress();
    if (!carries_ && quiet > limits.greeting_timeout) return leave();
    if (!carries_) return;
    const bool moving = stream_->in_frame() || stream_->bytes_to_send() > 0;
    if (moving ? quiet > limits.progress_timeout : calls_ == 0 && quiet > limits.idle_timeout)
        close({ErrorKind::timeout, "the other end was silent for too long"});
    // What waits for answers to be sent is not woken by bytes that become free.
    stream_->resume();
}

}  // namespace

struct ChannelServer::Impl {
    Impl(Serve serve, Random& random, const ChannelLimits& limits, Admit admit)
        : shared(std::move(serve), random, limits, std::move(admit)) {}

    Status listen(const ListenAddress& wanted);
    void accept();
    void accepted(tcp::socket socket);
    void tick();

    Shared shared;
    tcp::acceptor acceptor{shared.io};
    asio::steady_timer pause{shared.io};
    asio::steady_timer ticker{shared.io};
    asio::executor_work_guard<asio::io_context::executor_type> work{shared.io.get_executor()};
    std::uint16_t port = 0;
    std::thread io_thread;
    std::once_flag stopped;
};

Status ChannelServer::Impl::listen(const ListenAddress& wanted) {
    TRY(port, listen_at(acceptor, wanted));
    return {};
}

void ChannelServer::Impl::accept() {
    acceptor.async_accept([this](error_code problem, tcp::socket socket) {
        if (!acceptor.is_open()) return;
        if (!problem) {
            accepted(std::move(socket));
            return accept();
        }
        pause.expires_after(kAcceptPause);  // as when file descriptors run out
        pause.async_wait([this](error_code ended) {
            if (!ended) accept();
        });
    });
}

void ChannelServer::Impl::accepted(tcp::socket socket) {
    if (shared.connections.size() >= shared.limits.connections_max) return;  // closes it
    error_code problem;
    const auto origin = socket.remote_endpoint(problem).address().to_string();
    if (problem) return;
    auto connection = std::make_shared<Connection>(shared, std::move(socket), origin);
    shared.connections.insert(connection);
    connection->greet();
}

void ChannelServer::Impl::tick() {
    ticker.expires_after(kTick);
    ticker.async_wait([this](error_code ended) {
        // A tick that was due already is not cancelled any more.
        if (ended || shared.stopping) return;
        const auto now = std::chrono::steady_clock::now();
        const auto all = shared.connections;
        for (const auto& connection : all) connection->look(now);
        tick();
    });
}

Result<std::unique_ptr<ChannelServer>> ChannelServer::start(const std::string& listen_address,
                                                            Serve serve, Random& random,
                                                            ChannelLimits limits, Admit admit) {
    ENSURE(limits.message_bytes_max + 256 <= limits.caller_bytes_max, "a request must fit");
    ENSURE(limits.caller_bytes_max <= limits.bytes_max, "a caller's requests must fit");
    TRY(auto wanted, parse_listen_address(listen_address));
    auto impl = std::make_unique<Impl>(std::move(serve), random, limits, std::move(admit));
    TRY_VOID(impl->listen(wanted));
    impl->accept();
    impl->tick();
    impl->io_thread = std::thread([raw = impl.get()] { raw->shared.io.run(); });
    return std::unique_ptr<ChannelServer>(new ChannelServer(std::move(impl)));
}

ChannelServer::ChannelServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ChannelServer::~ChannelServer() { stop(); }

std::uint16_t ChannelServer::port() const { return impl_->port; }

ChannelTicket ChannelServer::grant(const Caller& caller) {
    auto& shared = impl_->shared;
    const ChannelTicket ticket{shared.random.fixed<ChannelTicket::Id>(),
                               shared.random.fixed<Digest>()};
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(shared.tickets_mutex);
    const auto of_caller = [&](const auto& granted) {
        return granted.caller.name() == caller.name();
    };
    if (static_cast<std::size_t>(std::count_if(shared.tickets.begin(), shared.tickets.end(),
                                               of_caller)) >= shared.limits.caller_tickets_max) {
        const auto oldest = std::find_if(shared.tickets.rbegin(), shared.tickets.rend(), of_caller);
        shared.tickets.erase(std::next(oldest).base());
    }
    while (!shared.tickets.empty() && (shared.tickets.back().ends <= now ||
                                       shared.tickets.size() >= shared.limits.tickets_max))
        shared.tickets.pop_back();
    shared.tickets.push_front({ticket, caller, now + shared.limits.ticket_life});
    return ticket;
}

void ChannelServer::stop() {
    std::call_once(impl_->stopped, [this] {
        auto& shared = impl_->shared;
        const auto on_io = [&](auto task) {
            std::promise<void> done;
            asio::post(shared.io, [&] {
                task();
                done.set_value();
            });
            done.get_future().wait();
        };
        on_io([&] {
            shared.stopping = true;
            error_code ignored;
            impl_->acceptor.close(ignored);
            impl_->pause.cancel();
        });
        const auto ends = std::chrono::steady_clock::now() + shared.limits.stop_grace;
        std::promise<void> drained;
        const std::function<void()> look = [&] {
            const bool busy =
                std::any_of(shared.connections.begin(), shared.connections.end(),
                            [](const auto& connection) { return connection->is_busy(); });
            if (!busy || std::chrono::steady_clock::now() >= ends) return drained.set_value();
            impl_->pause.expires_after(kDrainTick);
            impl_->pause.async_wait([&](error_code) { look(); });
        };
        asio::post(shared.io, look);
        drained.get_future().wait();
        shared.cut_off = true;
        on_io([&] {
            impl_->ticker.cancel();
            const auto all = shared.connections;
            for (const auto& connection : all)
                connection->close({ErrorKind::unavailable, "this node is stopping"});
        });
        shared.handlers.stop();
        impl_->work.reset();
        impl_->io_thread.join();
    });
}

}  // namespace mutirao::net
