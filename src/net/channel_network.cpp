#include "net/channel_network.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <limits>
#include <map>
#include <thread>

#include "net/address.hpp"
#include "net/channel_stream.hpp"
#include "net/worker_pool.hpp"

namespace mutirao::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Time = std::chrono::steady_clock::time_point;

constexpr auto kTick = std::chrono::milliseconds(50);  // how exact deadlines are
constexpr std::size_t kIntroducers = 8;

struct Call {
    std::string method;
    Message request;
    Time deadline;
    Network::Done done;
};

// The connection to one peer. On the I/O thread.
class Link final : public FrameSink, public std::enable_shared_from_this<Link> {
  public:
    struct Shared {
        Shared(ChannelNetwork::Introduce introduce_with, Random& random_with,
               const ChannelClientLimits& with)
            : introduce(std::move(introduce_with)),
              random(random_with),
              limits(with),
              introducers(kIntroducers, 1 << 16) {}

        const ChannelNetwork::Introduce introduce;
        Random& random;
        const ChannelClientLimits limits;
        asio::io_context io{1};
        tcp::resolver resolver{io};
        WorkerPool introducers;
    };

    Link(Shared& shared, std::string peer) : shared_(shared), peer_(std::move(peer)) {}

    void ask(Call call);
    void look(Time now);
    // Nothing more is sent or awaited.
    void close() { failed({ErrorKind::unavailable, "the channel was closed"}); }
    bool is_idle() const { return waiting_.empty() && asked_.empty(); }
    Time used() const { return used_; }

    Result<std::optional<MutableByteSpan>> place(const FrameHeader& header) override;
    void arrived(const FrameHeader& header) override;
    void closed(const Error& why) override;

  private:
    enum class State { closed, opening, open };

    void open(bool again);
    void find(const ChannelDoor& door, bool again);
    void connect(const ChannelDoor& door, bool again, const tcp::resolver::results_type& places);
    void greet(const std::shared_ptr<ChannelStream>& stream, const ChannelDoor& door, bool again);
    void opened(std::shared_ptr<ChannelStream> stream, bool keeps_alive);
    void failed(const Error& why);
    void fail_all(const Error& why);
    void send(Call call);

    Shared& shared_;
    const std::string peer_;
    State state_ = State::closed;
    std::uint64_t attempt_ = 0;  // steps of attempts that were given up do nothing
    Time attempt_ends_{};
    std::shared_ptr<tcp::socket> connecting_;  // closed when the attempt is given up
    std::shared_ptr<ChannelStream> stream_;
    std::deque<Call> waiting_;             // for the connection
    std::map<std::uint64_t, Call> asked_;  // by number
    std::uint64_t next_call_ = 1;
    Bytes coming_;
    std::optional<Error> last_failure_;
    Time retry_at_{};
    Time used_{};
};

void Link::ask(Call call) {
    used_ = std::chrono::steady_clock::now();
    if (state_ == State::open) return send(std::move(call));
    if (last_failure_ && used_ < retry_at_) return call.done(*last_failure_);
    waiting_.push_back(std::move(call));
    if (state_ == State::closed) open(false);
}

// `again`: the ticket of the first try had expired on its way.
void Link::open(bool again) {
    state_ = State::opening;
    attempt_ends_ = std::chrono::steady_clock::now() + 2 * shared_.limits.connect_timeout;
    const auto attempt = ++attempt_;
    const bool posted = shared_.introducers.try_post([self = shared_from_this(), attempt, again] {
        auto door = self->shared_.introduce(self->peer_);
        asio::post(self->shared_.io, [self, attempt, again, door = std::move(door)] {
            if (attempt != self->attempt_) return;
            if (!door.ok()) return self->failed(door.error());
            self->find(*door, again);
        });
    });
    if (!posted) failed({ErrorKind::unavailable, "this node is stopping"});
}

// Looks the host up, on a thread of Asio's own; numeric addresses need no look-up.
void Link::find(const ChannelDoor& door, bool again) {
    auto address = parse_host_port(door.address);
    if (!address.ok())
        return failed(std::move(address).error().within("peer " + peer_ + "'s data channel"));
    attempt_ends_ = std::chrono::steady_clock::now() + shared_.limits.connect_timeout;
    error_code is_name;
    const auto numeric = asio::ip::make_address(address->host, is_name);
    if (!is_name) {
        const tcp::endpoint endpoint(numeric, address->port);
        return connect(door, again, tcp::resolver::results_type::create(endpoint, {}, {}));
    }
    shared_.resolver.async_resolve(
        address->host, std::to_string(address->port), tcp::resolver::numeric_service,
        [self = shared_from_this(), door, again, attempt = attempt_](
            error_code problem, const tcp::resolver::results_type& places) {
            if (attempt != self->attempt_) return;
            if (problem)
                return self->failed(
                    {ErrorKind::unavailable, "peer " + self->peer_ + "'s host is not found (" +
                                                 door.address + "): " + problem.message()});
            self->connect(door, again, places);
        });
}

void Link::connect(const ChannelDoor& door, bool again, const tcp::resolver::results_type& places) {
    auto socket = std::make_shared<tcp::socket>(shared_.io);
    connecting_ = socket;
    asio::async_connect(
        *socket, places,
        [self = shared_from_this(), socket, door, again, attempt = attempt_](error_code problem,
                                                                             const tcp::endpoint&) {
            if (attempt != self->attempt_) return;
            if (problem)
                return self->failed(
                    {ErrorKind::unavailable,
                     "peer " + self->peer_ + " cannot be reached: " + problem.message()});
            self->connecting_ = nullptr;
            self->stream_ = std::make_shared<ChannelStream>(std::move(*socket));
            self->greet(self->stream_, door, again);
        });
}

void Link::greet(const std::shared_ptr<ChannelStream>& stream, const ChannelDoor& door,
                 bool again) {
    const auto attempt = attempt_;
    const auto mine = shared_.random.fixed<ChannelNonce>();
    const auto judged = [self = shared_from_this(), stream, door, again, mine, attempt](
                            const ChannelNonce& theirs, const Result<Bytes>& bytes) {
        if (attempt != self->attempt_) return;
        if (!bytes.ok()) return self->failed(bytes.error());
        const auto welcome = decode_verdict(
            std::span<const std::uint8_t, kVerdictSize>(bytes->data(), kVerdictSize));
        if (!welcome.ok() && welcome.error().kind == ErrorKind::permission_denied && !again)
            return self->open(true);
        if (!welcome.ok()) return self->failed(welcome.error());
        if (welcome->mac != greeting_mac(door.ticket, ChannelEnd::server, mine, theirs))
            return self->failed({ErrorKind::permission_denied, "what answers at " + door.address +
                                                                   " is not peer " + self->peer_});
        self->opened(stream, welcome->keeps_alive);
    };
    stream->read_exactly(kOfferSize, [self = shared_from_this(), stream, door, mine, attempt,
                                      judged](Result<Bytes> bytes) {
        if (attempt != self->attempt_) return;
        if (!bytes.ok()) return self->failed(bytes.error());
        const auto theirs = decode_offer(*bytes);
        if (!theirs.ok()) return self->failed(theirs.error());
        const ChannelGreeting greeting{
            door.ticket.id, mine, greeting_mac(door.ticket, ChannelEnd::client, mine, *theirs)};
        stream->write_all(greeting.encode(), [](Status) {});  // a failure shows when reading
        stream->read_exactly(
            kVerdictSize,
            [judged, theirs = *theirs](const Result<Bytes>& verdict) { judged(theirs, verdict); });
    });
}

void Link::opened(std::shared_ptr<ChannelStream> stream, bool keeps_alive) {
    state_ = State::open;
    last_failure_.reset();
    stream_ = std::move(stream);
    stream_->frames(shared_from_this());
    // Asks for the server's; one that does not know them would close the connection.
    if (keeps_alive) stream_->send({FrameKind::keep_alive, 0, 0, 0}, {}, {});
    auto all = std::move(waiting_);
    waiting_.clear();
    for (auto& call : all) {
        if (state_ == State::open)
            send(std::move(call));
        else
            waiting_.push_back(std::move(call));
    }
}

void Link::failed(const Error& why) {
    ++attempt_;
    state_ = State::closed;
    if (const auto socket = std::exchange(connecting_, nullptr)) {
        error_code ignored;
        socket->close(ignored);  // else the system goes on trying for minutes
    }
    if (stream_) stream_->close(why);
    stream_ = nullptr;
    last_failure_ = why;
    retry_at_ = std::chrono::steady_clock::now() + shared_.limits.retry_after;
    fail_all(why);
}

void Link::fail_all(const Error& why) {
    auto waiting = std::move(waiting_);
    auto asked = std::move(asked_);
    waiting_.clear();
    asked_.clear();
    for (auto& call : waiting) call.done(why);
    for (auto& [number, call] : asked) call.done(why);
}

void Link::send(Call call) {
    const auto number = next_call_++;
    const FrameHeader header{FrameKind::request, static_cast<std::uint8_t>(call.method.size()),
                             static_cast<std::uint32_t>(call.request.size()), number};
    stream_->send(header, call.method, std::move(call.request));
    asked_.emplace(number, std::move(call));
}

Result<std::optional<MutableByteSpan>> Link::place(const FrameHeader& header) {
    if (header.kind == FrameKind::request)
        return Error{ErrorKind::corrupt, "peer " + peer_ + " asks instead of answering"};
    if (header.payload_size > shared_.limits.answer_bytes_max)
        return Error{ErrorKind::resource_exhausted, "an answer of peer " + peer_ + " is too large"};
    coming_ = Bytes(header.payload_size);
    return std::optional<MutableByteSpan>(coming_);
}

void Link::arrived(const FrameHeader& header) {
    if (header.kind == FrameKind::keep_alive) return;
    auto payload = std::exchange(coming_, {});
    const auto at = asked_.find(header.call);
    if (at == asked_.end()) return;  // its deadline has passed
    const auto call = std::move(at->second);
    asked_.erase(at);
    used_ = std::chrono::steady_clock::now();
    if (header.kind == FrameKind::error) return call.done(decode_error(payload));
    call.done(std::move(payload));
}

void Link::closed(const Error& why) {
    ++attempt_;
    state_ = State::closed;
    stream_ = nullptr;
    fail_all({ErrorKind::unavailable, "peer " + peer_ + ": " + why.message});
}

void Link::look(Time now) {
    std::vector<Call> late;
    for (auto at = waiting_.begin(); at != waiting_.end();) {
        const bool is_late = at->deadline <= now;
        if (is_late) late.push_back(std::move(*at));
        at = is_late ? waiting_.erase(at) : std::next(at);
    }
    for (auto at = asked_.begin(); at != asked_.end();) {
        const bool is_late = at->second.deadline <= now;
        if (is_late) late.push_back(std::move(at->second));
        at = is_late ? asked_.erase(at) : std::next(at);
    }
    for (auto& call : late)
        call.done(Error{ErrorKind::timeout,
                        "peer " + peer_ + " did not answer in time (" + call.method + ")"});
    const auto& limits = shared_.limits;
    if (state_ == State::opening && now > attempt_ends_)
        return failed({ErrorKind::unavailable, "peer " + peer_ + " does not open a data channel"});
    if (state_ != State::open) return;
    const PaceRule rule{limits.progress_timeout, limits.progress_bytes_min};
    const auto quiet = now - stream_->last_progress();
    const bool awaited = !asked_.empty() || stream_->bytes_to_send() > 0;
    // A server that takes nothing but says that it lives is busy: deadlines end the wait.
    const bool stuck = stream_->goes_too_slowly(now, rule) &&
                       now - stream_->last_frame() > limits.progress_timeout;
    if ((awaited && quiet > limits.progress_timeout) || stuck)
        stream_->close({ErrorKind::timeout, "the channel did not move for too long"});
    else if (stream_->comes_too_slowly(now, rule))
        stream_->close({ErrorKind::timeout, "an answer came too slowly"});
    else if (is_idle() && now - used_ > limits.idle_timeout)
        stream_->close({ErrorKind::timeout, "the channel was not used"});
}

}  // namespace

struct ChannelNetwork::Impl {
    Impl(Introduce introduce, Random& random, const ChannelClientLimits& limits)
        : shared(std::move(introduce), random, limits) {}

    void ask(const std::string& peer, Call call);
    void make_room();
    void tick();

    Link::Shared shared;
    std::map<std::string, std::shared_ptr<Link>> links;  // on the I/O thread
    bool stopping = false;                               // on the I/O thread
    asio::steady_timer ticker{shared.io};
    asio::executor_work_guard<asio::io_context::executor_type> work{shared.io.get_executor()};
    std::thread io_thread;
};

void ChannelNetwork::Impl::ask(const std::string& peer, Call call) {
    if (stopping) return call.done(Error{ErrorKind::unavailable, "this node is stopping"});
    auto& link = links[peer];
    if (!link) {
        link = std::make_shared<Link>(shared, peer);
        make_room();
    }
    links.at(peer)->ask(std::move(call));
}

// The idle link that was used longest ago goes; without one there are more than wanted.
void ChannelNetwork::Impl::make_room() {
    if (links.size() <= shared.limits.peers_max) return;
    auto oldest = links.end();
    for (auto at = links.begin(); at != links.end(); ++at)
        if (at->second->is_idle() && at->second->used() != Time{} &&
            (oldest == links.end() || at->second->used() < oldest->second->used()))
            oldest = at;
    if (oldest == links.end()) return;
    oldest->second->close();
    links.erase(oldest);
}

void ChannelNetwork::Impl::tick() {
    ticker.expires_after(kTick);
    ticker.async_wait([this](error_code ended) {
        if (ended || stopping) return;
        const auto now = std::chrono::steady_clock::now();
        const auto all = links;
        for (const auto& [peer, link] : all) link->look(now);
        tick();
    });
}

ChannelNetwork::ChannelNetwork(Introduce introduce, Random& random, ChannelClientLimits limits)
    : impl_(std::make_unique<Impl>(std::move(introduce), random, limits)) {
    impl_->tick();
    impl_->io_thread = std::thread([raw = impl_.get()] { raw->shared.io.run(); });
}

ChannelNetwork::~ChannelNetwork() {
    asio::post(impl_->shared.io, [raw = impl_.get()] {
        raw->stopping = true;
        raw->ticker.cancel();
        raw->shared.resolver.cancel();  // those that have not begun
        const auto all = std::move(raw->links);
        raw->links.clear();
        for (const auto& [peer, link] : all) link->close();
    });
    impl_->shared.introducers.stop();
    impl_->work.reset();
    impl_->io_thread.join();
}

void ChannelNetwork::start(const std::string& peer, std::string_view method, Message request,
                           Duration deadline, Done done) {
    if (method.empty() || method.size() > 255 ||
        request.size() > std::numeric_limits<std::uint32_t>::max())
        return done(Error{ErrorKind::invalid_argument,
                          "a data channel carries methods of 1 to 255 bytes and requests under 4 "
                          "GiB"});
    Call call{
        std::string(method), std::move(request),
        std::chrono::steady_clock::now() + std::chrono::duration_cast<Time::duration>(deadline),
        std::move(done)};
    asio::post(impl_->shared.io, [raw = impl_.get(), peer, call = std::move(call)]() mutable {
        raw->ask(peer, std::move(call));
    });
}

Result<Bytes> ChannelNetwork::call(const std::string& peer, std::string_view method,
                                   ByteSpan request, Duration deadline) {
    std::promise<Result<Bytes>> promise;
    auto answer = promise.get_future();
    start(peer, method, Message::of(to_bytes(request)), deadline,
          [&](Result<Bytes> result) { promise.set_value(std::move(result)); });
    return answer.get();
}

}  // namespace mutirao::net
