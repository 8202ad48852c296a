// What a call costs over loopback TCP, client and server in one process.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <thread>

#include "net/grpc_network.hpp"
#include "net/grpc_server.hpp"

namespace {

using namespace mutirao;
using std::chrono::steady_clock;

constexpr Duration kDeadline = std::chrono::seconds(60);

double seconds_since(steady_clock::time_point begin) {
    return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

// `callers` threads, each calling `calls` times, one call after another.
bool measure(Network& network, const std::string& peer, const char* what, std::size_t size,
             std::size_t callers, std::size_t calls) {
    const Bytes request(size, 7);
    std::vector<double> latencies(callers * calls);
    std::atomic<bool> all_ok = true;
    std::vector<std::thread> threads;
    const auto begin = steady_clock::now();
    for (std::size_t c = 0; c < callers; ++c)
        threads.emplace_back([&, c] {
            for (std::size_t i = 0; i < calls; ++i) {
                const auto start = steady_clock::now();
                if (!network.call(peer, "/bench/Store", request, kDeadline).ok()) all_ok = false;
                latencies[c * calls + i] = seconds_since(start) * 1e6;
            }
        });
    for (auto& thread : threads) thread.join();
    const double total = seconds_since(begin);
    std::sort(latencies.begin(), latencies.end());
    const auto count = static_cast<double>(latencies.size());
    std::printf("%-28s p50 %7.0f us  p99 %7.0f us  %8.0f calls/s  %7.1f MB/s\n", what,
                latencies[latencies.size() / 2], latencies[latencies.size() * 99 / 100],
                count / total, count * static_cast<double>(size) / total / 1e6);
    return all_ok;
}

}  // namespace

int main() {
    const auto server = net::GrpcServer::start(
        "127.0.0.1:0", [](std::string_view, ByteSpan) -> Result<Bytes> { return Bytes(8); });
    if (!server.ok()) return 1;
    const std::string peer = (*server)->address();
    net::GrpcNetwork network;
    bool ok = measure(network, peer, "warm-up", 64, 1, 200);
    ok &= measure(network, peer, "64 B, 1 caller", 64, 1, 5000);
    ok &= measure(network, peer, "64 B, 16 callers", 64, 16, 1000);
    ok &= measure(network, peer, "384 KiB, 1 caller", 384 << 10, 1, 1000);
    ok &= measure(network, peer, "384 KiB, 8 callers", 384 << 10, 8, 250);
    ok &= measure(network, peer, "4 MiB, 1 caller", 4 << 20, 1, 100);
    return ok ? 0 : 1;
}
