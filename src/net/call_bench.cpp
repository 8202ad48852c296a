// What a call costs over loopback TCP, gRPC beside the data channel, both ends in one process.
#include <algorithm>
#include <atomic>
#include <cstdio>
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

// `callers` threads, each calling `calls` times, one call after another.
bool measure(Network& network, const std::string& peer, const char* what, std::size_t size,
             std::size_t callers, std::size_t calls) {
    const auto request = std::make_shared<const Bytes>(size, 7);
    std::vector<double> latencies(callers * calls);
    std::atomic<bool> all_ok = true;
    std::vector<std::thread> threads;
    const auto begin = steady_clock::now();
    const double cpu = cpu_seconds();
    for (std::size_t c = 0; c < callers; ++c)
        threads.emplace_back([&, c] {
            for (std::size_t i = 0; i < calls; ++i) {
                const auto start = steady_clock::now();
                std::promise<bool> done;
                network.start(peer, "/bench/Store", {{ByteSpan(*request)}, request}, kDeadline,
                              [&](auto answer) { done.set_value(answer.ok()); });
                if (!done.get_future().get()) all_ok = false;
                latencies[c * calls + i] = seconds_since(start) * 1e6;
            }
        });
    for (auto& thread : threads) thread.join();
    const double total = seconds_since(begin);
    std::sort(latencies.begin(), latencies.end());
    const auto count = static_cast<double>(latencies.size());
    const double bytes = count * static_cast<double>(size);
    std::printf("%-28s p50 %7.0f us  p99 %7.0f us  %8.0f calls/s  %7.1f MB/s  %6.2f CPU-s/GB\n",
                what, latencies[latencies.size() / 2], latencies[latencies.size() * 99 / 100],
                count / total, bytes / total / 1e6, (cpu_seconds() - cpu) / (bytes / 1e9));
    return all_ok;
}

bool measure_all(Network& network, const std::string& peer) {
    bool ok = measure(network, peer, "  warm-up", 64, 1, 200);
    ok &= measure(network, peer, "  64 B, 1 caller", 64, 1, 5000);
    ok &= measure(network, peer, "  64 B, 16 callers", 64, 16, 1000);
    ok &= measure(network, peer, "  384 KiB, 1 caller", 384 << 10, 1, 1000);
    ok &= measure(network, peer, "  384 KiB, 8 callers", 384 << 10, 8, 250);
    ok &= measure(network, peer, "  4 MiB, 1 caller", 4 << 20, 1, 100);
    ok &= measure(network, peer, "  4 MiB, 8 callers", 4 << 20, 8, 50);
    return ok;
}

}  // namespace

int main() {
    const Serve serve = [](std::string_view, ByteSpan) -> Result<Bytes> { return Bytes(8); };
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
    return ok ? 0 : 1;
}
