#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <thread>

#include "base/log.hpp"
#include "net/address.hpp"
#include "net/http.hpp"
#include "net/http_connection.hpp"
#include "net/listen.hpp"
#include "net/websocket_connection.hpp"

namespace mutirao::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Over the limit, so many more connections are told so; the rest are closed without a word.
constexpr std::size_t kTurnedAwayMax = 64;
// How long a connection may be idle before it can lose its place to a new one.
constexpr Duration kSpared = std::chrono::seconds(1);
// After accept() fails, as when file descriptors run out.
constexpr Duration kAcceptPause = std::chrono::milliseconds(50);

}  // namespace

struct HttpServer::Impl {
    Impl(HttpHandler handler, const HttpLimits& limits, WebSocketOpener open)
        : shared(std::move(handler), limits, std::move(open)) {}

    HttpShared shared;
    tcp::acceptor acceptor{shared.io};
    asio::steady_timer pause{shared.io};
    asio::executor_work_guard<asio::io_context::executor_type> work{shared.io.get_executor()};
    ListenAddress address;
    std::thread io_thread;
    std::once_flag stopped;

    Status listen(const ListenAddress& wanted);
    void accept();
    void accepted(tcp::socket socket);
    void make_room();
    void run();
    void drain();
};

Status HttpServer::Impl::listen(const ListenAddress& wanted) {
    TRY(const auto port, listen_at(acceptor, wanted));
    address = wanted;
    address.port = port;
    return {};
}

void HttpServer::Impl::accept() {
    acceptor.async_accept([this](error_code problem, tcp::socket socket) {
        if (!acceptor.is_open()) return;
        if (!problem) {
            accepted(std::move(socket));
            return accept();
        }
        pause.expires_after(kAcceptPause);
        pause.async_wait([this](error_code cancelled) {
            if (!cancelled && acceptor.is_open()) accept();
        });
    });
}

// Whoever opens connections and sends nothing does not keep others out.
void HttpServer::Impl::make_room() {
    auto oldest = std::chrono::steady_clock::now() - kSpared;
    HttpConnection* idlest = nullptr;
    for (const auto& connection : shared.connections)
        if (const auto since = connection->idle_since(); since && *since < oldest) {
            oldest = *since;
            idlest = connection.get();
        }
    if (idlest != nullptr) idlest->close();
}

void HttpServer::Impl::accepted(tcp::socket socket) {
    if (shared.open() >= shared.limits.connections_max) make_room();
    const std::size_t open = shared.open();
    if (open >= shared.limits.connections_max + kTurnedAwayMax) return;
    const auto connection = std::make_shared<HttpConnection>(shared, std::move(socket));
    shared.connections.insert(connection);
    open < shared.limits.connections_max ? connection->serve() : connection->turn_away();
}

void HttpServer::Impl::run() {
    for (;;) {
        try {
            shared.io.run();
            return;
        } catch (const std::exception& thrown) {  // one connection's trouble, such as no memory
            LOG_ERROR(std::string("http: ") + thrown.what());
        }
    }
}

// Lets answers in flight finish for the grace, then closes every connection.
void HttpServer::Impl::drain() {
    std::promise<void> all_closed;
    auto waiting = all_closed.get_future();
    asio::post(shared.io, [&] {
        error_code ignored;
        acceptor.close(ignored);
        pause.cancel();
        shared.stopping = true;
        if (shared.open() == 0) return all_closed.set_value();
        shared.on_all_closed = [&] { all_closed.set_value(); };
        const auto open = shared.connections;
        for (const auto& connection : open) connection->finish();
        const auto websockets = shared.websockets;
        for (const auto& websocket : websockets) websocket->finish();
    });
    if (waiting.wait_for(shared.limits.stop_grace) == std::future_status::ready) return;
    asio::post(shared.io, [this] {
        const auto open = shared.connections;
        for (const auto& connection : open) connection->close();
        const auto websockets = shared.websockets;
        for (const auto& websocket : websockets) websocket->close();
    });
    waiting.get();
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& listen_address,
                                                      HttpHandler handler, HttpLimits limits,
                                                      HttpExposure exposure,
                                                      WebSocketOpener open_websocket) {
    TRY(const auto address, parse_listen_address(listen_address));
    if (!address.loopback && exposure == HttpExposure::loopback_only)
        return Error{ErrorKind::unimplemented,
                     "cannot listen on " + listen_address +
                         ": HTTPS is not built yet; listen on a loopback address, or say "
                         "explicitly that plain HTTP may leave this machine"};
    auto impl = std::make_unique<Impl>(std::move(handler), limits, std::move(open_websocket));
    TRY_VOID(impl->listen(address));
    impl->accept();
    impl->io_thread = std::thread([raw = impl.get()] { raw->run(); });
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { stop(); }

std::uint16_t HttpServer::port() const { return impl_->address.port; }
std::string HttpServer::address() const { return impl_->address.text(); }

void HttpServer::announce() {
    auto& shared = impl_->shared;
    if (shared.announced.exchange(true)) return;
    asio::post(shared.io, [&shared] {
        shared.announced = false;
        const auto websockets = shared.websockets;
        for (const auto& websocket : websockets) websocket->announce();
    });
}

void HttpServer::stop() {
    std::call_once(impl_->stopped, [this] {
        impl_->drain();
        // Handlers and streams may still post to the I/O thread; it ends after them.
        impl_->shared.handlers.stop();
        impl_->shared.streams.stop();
        impl_->shared.news.stop();
        impl_->work.reset();
        impl_->io_thread.join();
    });
}

}  // namespace mutirao::net
