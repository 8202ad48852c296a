#include "net/channel_server.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <mutex>
#include <thread>

#include "base/ensure.hpp"
#include "net/address.hpp"
#include "net/channel_connection.hpp"
#include "net/listen.hpp"

namespace mutirao::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kTick = std::chrono::milliseconds(250);  // how often connections are looked at
constexpr auto kDrainTick = std::chrono::milliseconds(5);
constexpr Duration kAcceptPause = std::chrono::milliseconds(50);

}  // namespace

struct ChannelServer::Impl {
    Impl(Serve serve, Random& random, const ChannelLimits& limits, Admit admit)
        : shared(std::move(serve), random, limits, std::move(admit)) {}

    Status listen(const ListenAddress& wanted);
    void accept();
    void accepted(tcp::socket socket);
    void tick();

    ChannelShared shared;
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
    error_code problem;
    const auto origin = socket.remote_endpoint(problem).address().to_string();
    if (problem) return;
    std::make_shared<ChannelConnection>(shared, std::move(socket), origin)->greet();
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

ChannelTicket ChannelServer::grant(const Caller& caller) { return impl_->shared.grant(caller); }

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
