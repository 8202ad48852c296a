// What a call costs over loopback: gRPC, the data channel, and plain TCP beside them; both ends in
// one process.
#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>
#include <functional>
#include <future>
#include <sys/resource.h>
#include <thread>

#include "base/random.hpp"
#include "net/channel_network.hpp"
#include "net/channel_server.hpp"
#include "net/grpc_network.hpp"
#include "net/grpc_server.hpp"

namespace {

using namespace mutirao;
using std::chrono::steady_clock;

constexpr Duration kDeadline = std::chrono::seconds(60);

double seconds_since(steady_clock::time_point begin) {
    return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto of = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return of(used.ru_utime) + of(used.ru_stime);
}

struct Case {
    const char* what;
    std::size_t request;  // bytes
    std::size_t answer;   // bytes; the method's name says how many
    std::size_t callers;
    std::size_t calls;  // of each caller
};

// One call; false when it failed.
using CallOnce = std::function<bool()>;

// As many threads as callers, each with what `open` gave it, one call after another.
bool measure(const Case& one, const std::function<CallOnce()>& open) {
    const auto callers = one.callers;
    const auto calls = one.calls;
    std::vector<double> latencies(callers * calls);
    std::atomic<bool> all_ok = true;
    std::vector<std::thread> threads;
    const auto begin = steady_clock::now();
    const double cpu = cpu_seconds();
    for (std::size_t c = 0; c < callers; ++c)
        threads.emplace_back([&, c, call = open()] {
            for (std::size_t i = 0; i < calls; ++i) {
                const auto start = steady_clock::now();
                if (!call()) all_ok = false;
                latencies[c * calls + i] = seconds_since(start) * 1e6;
            }
        });
    for (auto& thread : threads) thread.join();
    const double total = seconds_since(begin);
    std::sort(latencies.begin(), latencies.end());
    const auto count = static_cast<double>(latencies.size());
    const double bytes = count * static_cast<double>(one.request + one.answer);
    std::printf("%-28s p50 %7.0f us  p99 %7.0f us  %8.0f calls/s  %7.1f MB/s  %6.2f CPU-s/GB\n",
                one.what, latencies[latencies.size() / 2], latencies[latencies.size() * 99 / 100],
                count / total, bytes / total / 1e6, (cpu_seconds() - cpu) / (bytes / 1e9));
    return all_ok;
}

constexpr std::size_t kKiB = 1 << 10;
constexpr std::size_t kMiB = 1 << 20;
constexpr std::array<Case, 9> kCases = {{
    {"  warm-up", 64, 8, 1, 200},
    {"  64 B, 1 caller", 64, 8, 1, 5000},
    {"  64 B, 16 callers", 64, 8, 16, 1000},
    {"  1 KiB there and back", kKiB, kKiB, 1, 5000},
    {"  384 KiB, 1 caller", 384 * kKiB, 8, 1, 1000},
    {"  384 KiB, 8 callers", 384 * kKiB, 8, 8, 250},
    {"  4 MiB, 1 caller", 4 * kMiB, 8, 1, 100},
    {"  4 MiB, 8 callers", 4 * kMiB, 8, 8, 50},
    {"  4 MiB answers, 1 caller", 16, 4 * kMiB, 1, 200},
}};

bool measure_all(Network& network, const std::string& peer) {
    bool ok = true;
    for (const auto& one : kCases) {
        const auto request = std::make_shared<const Bytes>(one.request, 7);
        const auto method = std::to_string(one.answer);
        ok &= measure(one, [&]() -> CallOnce {
            return [&, request] {
                std::promise<bool> done;
                network.start(peer, "/bench/" + method, {{ByteSpan(*request)}, request}, kDeadline,
                              [&](const auto& answer) {
                                  done.set_value(answer.ok() && answer->size() == one.answer);
                              });
                return done.get_future().get();
            };
        });
    }
    return ok;
}

// The floor: the same bytes over a blocking socket, without frames, handlers or threads between,
// into memory that is used again.
class PlainPair {
  public:
    PlainPair(std::size_t request, std::size_t answer) : request_(request), answer_(answer) {
        tcp::acceptor acceptor(io_, {boost::asio::ip::make_address("127.0.0.1"), 0});
        client_.connect(acceptor.local_endpoint());
        acceptor.accept(server_);
        for (auto* socket : {&client_, &server_}) socket->set_option(tcp::no_delay(true));
        thread_ = std::thread([this] {
            Bytes in(request_.size()), out(answer_.size());
            boost::system::error_code ended;
            while (!ended) {
                boost::asio::read(server_, boost::asio::buffer(in), ended);
                if (!ended) boost::asio::write(server_, boost::asio::buffer(out), ended);
            }
        });
    }
    ~PlainPair() {
        boost::system::error_code ignored;
        client_.close(ignored);
        thread_.join();
    }
    bool call() {
        boost::system::error_code problem;
        boost::asio::write(client_, boost::asio::buffer(request_), problem);
        if (!problem) boost::asio::read(client_, boost::asio::buffer(answer_), problem);
        return !problem;
    }

  private:
    using tcp = boost::asio::ip::tcp;
    boost::asio::io_context io_;
    tcp::socket client_{io_}, server_{io_};
    Bytes request_, answer_;
    std::thread thread_;
};

bool measure_plain() {
    bool ok = true;
    for (const auto& one : kCases)
        ok &= measure(one, [&]() -> CallOnce {
            return [pair = std::make_shared<PlainPair>(one.request, one.answer)] {
                return pair->call();
            };
        });
    return ok;
}

}  // namespace

int main() {
    const Serve serve = [](std::string_view method, ByteSpan) -> Result<Bytes> {
        return Bytes(std::stoul(std::string(method.substr(method.rfind('/') + 1))));
    };
    std::puts("gRPC, unary");
    const auto server = net::GrpcServer::start("127.0.0.1:0", serve);
    if (!server.ok()) return 1;
    net::GrpcNetwork network;
    bool ok = measure_all(network, (*server)->address());
    std::puts("data channel");
    SeededRandom random(1);
    const auto channels = net::ChannelServer::start("127.0.0.1:0", serve, random);
    if (!channels.ok()) return 1;
    net::ChannelNetwork data(
        [&](const std::string& peer) -> Result<net::ChannelDoor> {
            return net::ChannelDoor{peer, (*channels)->grant({})};
        },
        random);
    ok &= measure_all(data, "127.0.0.1:" + std::to_string((*channels)->port()));
    std::puts("plain TCP, a connection a caller");
    ok &= measure_plain();
    return ok ? 0 : 1;
}
