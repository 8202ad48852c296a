// bench_hot [--quick] [--rounds N] [--no-peers] [--out FOLDER]
//
// What a read of a hot shard costs: mapped, beside a mapped file and Redis; over gRPC, beside an
// empty call; and from the levels below.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iostream>
#include <mutirao/hot.h>
#include <sys/mman.h>

#include "hot/redis.hpp"
#include "hot/serving.hpp"
#include "mutirao/v1/hot.pb.h"
#include "net/grpc_server.hpp"
#include "node/wire/fields.hpp"
#include "report/report.hpp"

namespace {

using namespace mutirao;
using bench::kShards;
using bench::kShardSize;
using bench::kWorkingSet;

constexpr int kRounds = 15, kQuickRounds = 2, kRoundsMax = 1000;
constexpr int kLocalReads = 4000, kCalls = 300;  // of each kind, a round
constexpr std::size_t kLine = 64;                // bytes of a cache line

struct Options {
    std::filesystem::path folder = "build/bench";
    bool peers = true;
    int rounds = kRounds;
};

bool parse(int argc, char** argv, Options& options) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--quick") {
            options.rounds = kQuickRounds;
        } else if (option == "--no-peers") {
            options.peers = false;
        } else if (option == "--out" && i + 1 < argc) {
            options.folder = argv[++i];
        } else if (option == "--rounds" && i + 1 < argc) {
            const std::string_view text = argv[++i];
            const auto [end, failure] =
                std::from_chars(text.data(), text.data() + text.size(), options.rounds);
            if (failure != std::errc() || end != text.data() + text.size() || options.rounds < 1 ||
                options.rounds > kRoundsMax)
                return false;
        } else {
            return false;
        }
    }
    return true;
}

// Times of single reads, in microseconds.
class Samples {
  public:
    template <class Read>
    void time(const Read& read) {
        const auto began = std::chrono::steady_clock::now();
        read();
        const std::chrono::duration<double, std::micro> took =
            std::chrono::steady_clock::now() - began;
        times_.push_back(took.count());
    }
    double percentile(double part) {
        const auto at = static_cast<std::ptrdiff_t>(part * static_cast<double>(times_.size() - 1));
        std::nth_element(times_.begin(), times_.begin() + at, times_.end());
        return times_[static_cast<std::size_t>(at)];
    }
    double best() const { return *std::min_element(times_.begin(), times_.end()); }
    bool empty() const { return times_.empty(); }

  private:
    std::vector<double> times_;
};

// The working set as a file that this process maps, every page present.
class MappedFile {
  public:
    MappedFile(const std::string& path, const bench::SampleObject& object) {
        {
            std::ofstream file(path, std::ios::binary);
            for (std::uint32_t i = 0; i < kShards; ++i) {
                const auto plain = object.plain(i);
                file.write(reinterpret_cast<const char*>(plain.data()),
                           static_cast<std::streamsize>(plain.size()));
            }
        }
        const os::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        at_ = ::mmap(nullptr, kWorkingSet, PROT_READ, MAP_SHARED | MAP_POPULATE, file.get(), 0);
        ENSURE(at_ != MAP_FAILED, "the file cannot be mapped");
    }
    ~MappedFile() { ::munmap(at_, kWorkingSet); }
    MappedFile(const MappedFile&) = delete;
    const std::uint8_t* data() const { return static_cast<const std::uint8_t*>(at_); }

  private:
    void* at_ = nullptr;
};

std::string key_of(std::size_t chunk) { return "chunk-" + std::to_string(chunk); }

constexpr std::size_t kChunk = 32 << 10;  // bytes of a Redis value

// Why there is no Redis, or none.
std::string fill_redis(const bench::Serving& serving, const MappedFile& file,
                       std::unique_ptr<bench::Redis>& out) {
    auto started = bench::Redis::start(serving.folder.file("peer"));
    if (!started.ok()) return started.error().message;
    for (std::size_t chunk = 0; chunk < kWorkingSet / kChunk; ++chunk)
        if (auto set = (*started)->set(key_of(chunk), {file.data() + chunk * kChunk, kChunk});
            !set.ok())
            return set.error().message;
    out = std::move(*started);
    return {};
}

struct LocalTimes {
    Samples copied, touched, file, redis;
};

// One round of reads of `size` bytes at random places, all kinds in turns.
void read_round(hot::LocalObject& object, const MappedFile& file, bench::Redis* redis,
                std::size_t size, Random& random, LocalTimes& times) {
    Bytes out(size);
    std::uint64_t touched = 0;
    const auto check = [&](std::size_t place) {
        ENSURE(std::memcmp(out.data(), file.data() + place, size) == 0, "other bytes were read");
    };
    for (int i = 0; i < kLocalReads; ++i) {
        const auto place = random.below(kWorkingSet / size) * size;  // never across shards
        const auto index = static_cast<std::uint32_t>(place / kShardSize);
        const auto offset = place % kShardSize;
        const auto other = random.below(kWorkingSet / size) * size;  // not what was just read
        times.copied.time([&] {
            const auto shard = object.map(index);
            ENSURE(shard->copy(offset, out).ok(), "the place is outside of the shard");
        });
        if (i % 64 == 0) check(place);
        times.file.time([&] { std::memcpy(out.data(), file.data() + other, size); });
        const auto third = random.below(kWorkingSet / size) * size;
        times.touched.time([&] {
            const auto shard = object.map(static_cast<std::uint32_t>(third / kShardSize));
            const auto bytes = shard->bytes().subspan(third % kShardSize, size);
            for (std::size_t at = 0; at < size; at += kLine) touched += bytes[at];
        });
        if (redis == nullptr || i % (kLocalReads / kCalls) != 0) continue;
        const auto chunk = place / kChunk;
        times.redis.time([&] {
            const auto key = key_of(chunk);
            const auto got =
                size == kChunk ? redis->get(key, out) : redis->get_range(key, place % kChunk, out);
            ENSURE(got.ok(), got.error().message);
        });
        check(place);
    }
    ENSURE(touched != 1, "random bytes add up to more");
}

void add_local_rows(std::size_t size, LocalTimes& times, const std::string& no_redis,
                    std::vector<bench::Row>& rows) {
    using Of = bench::Goal::Of;
    const auto name = std::to_string(size >> 10) + " KiB, ";
    for (const auto& [part, what, most] :
         {std::tuple{0.5, "p50", 2.0}, std::tuple{0.99, "p99", 10.0}}) {
        const auto ours = times.copied.percentile(part);
        const auto goal = bench::Goal{Of::value_at_most, most};
        const auto measure = name + "mapped and copied, " + what;
        rows.push_back(
            {measure, ours, "us", "file, mmap and copy", times.file.percentile(part), goal, ""});
        bench::Row redis{measure, ours, "us", "Redis, UNIX socket", {}, goal, no_redis};
        if (!times.redis.empty()) redis.peer_value = times.redis.percentile(part);
        rows.push_back(redis);
        rows.push_back({name + "in place, each line touched, " + what,
                        times.touched.percentile(part),
                        "us",
                        "",
                        {},
                        {},
                        ""});
    }
}

void local_measures(const Options& options, bench::Serving& serving,
                    std::vector<bench::Row>& rows) {
    const MappedFile file(serving.folder.file("file"), *serving.object);
    std::unique_ptr<bench::Redis> redis;
    const auto no_redis =
        options.peers ? fill_redis(serving, file, redis) : std::string("left out: --no-peers");
    const auto reader = HotReader::connect(serving.folder.file("hot.sock")).value();
    const auto object = reader->open(as_bytes("any")).value();
    for (std::uint32_t i = 0; i < kShards; ++i) ENSURE(object->map(i).ok(), "a shard is missing");
    SeededRandom random(5);
    for (const std::size_t size : {std::size_t{4} << 10, kChunk}) {
        LocalTimes times, warm;
        read_round(*object, file, redis.get(), size, random, warm);
        for (int round = 0; round < options.rounds; ++round)
            read_round(*object, file, redis.get(), size, random, times);
        add_local_rows(size, times, no_redis, rows);
    }
    Samples lookups;
    for (int i = 0; i < kLocalReads; ++i)  // a hundred at a time: the clock costs as much as one
        lookups.time([&] {
            for (std::uint32_t k = 0; k < 100; ++k)
                ENSURE(!object->map(k % kShards)->bytes().empty(), "an empty shard");
        });
    rows.push_back({"lookup of a mapped shard, p50",
                    lookups.percentile(0.5) / 100,
                    "us",
                    "",
                    {},
                    bench::Goal{bench::Goal::Of::value_at_most, 1},
                    "of 100 in a row"});
}

void call_measures(const Options& options, bench::Serving& serving, std::vector<bench::Row>& rows) {
    const auto server =
        net::GrpcServer::start("127.0.0.1:0", [&](auto method, auto request) -> Result<Bytes> {
            if (method == "/bench.v1.Empty/Empty") return Bytes();
            return serving.service->serve(method, request);
        }).value();
    net::GrpcNetwork network;
    const auto peer = server->address();
    constexpr auto kDeadline = std::chrono::seconds(20);
    const auto opened = node::wire::call<v1::HotOpenReply>(network, peer, "/mutirao.v1.Hot/Open",
                                                           v1::HotOpenRequest(), kDeadline)
                            .value();
    Samples empty, read;
    SeededRandom random(6);
    v1::HotReadRequest request;
    request.set_read(opened.read());
    request.set_size(kChunk);
    for (int i = -kCalls; i < options.rounds * kCalls; ++i) {
        Samples warm;
        request.set_index(static_cast<std::uint32_t>(random.below(kShards)));
        request.set_offset(random.below(kShardSize / kChunk) * kChunk);
        (i < 0 ? warm : empty).time([&] {
            ENSURE(network.call(peer, "/bench.v1.Empty/Empty", {}, kDeadline).ok(), "no answer");
        });
        (i < 0 ? warm : read).time([&] {
            const auto reply = node::wire::call<v1::HotReadReply>(
                network, peer, "/mutirao.v1.Hot/Read", request, kDeadline);
            ENSURE(reply.ok() && reply->data().size() == kChunk, "no answer");
        });
    }
    for (const auto& [part, what] : {std::pair{0.5, "p50"}, std::pair{0.99, "p99"}}) {
        const auto call = empty.percentile(part);
        std::optional<bench::Goal> goal;
        if (part == 0.5) goal = bench::Goal{bench::Goal::Of::value_at_most, 1.3 * call};
        rows.push_back({std::string("32 KiB over gRPC, loopback, ") + what, read.percentile(part),
                        "us", "an empty call", call, goal,
                        goal ? "the goal is 1.3 times the empty call" : ""});
    }
}

void level_measures(const Options& options, bench::Serving& serving,
                    std::vector<bench::Row>& rows) {
    auto below = std::shared_ptr<hot::SealedLevel>(
        hot::SealedLevel::open(*serving.disk, 2 * kWorkingSet).value());
    hot::ShardStore disk_store(serving.memory, below, serving.executor);
    hot::ShardStore cold_store(serving.memory, nullptr, serving.executor);
    const auto& object = serving.object;
    const auto name = object->name(0);
    Samples memory, disk, cold;
    Bytes out(kShardSize);
    ENSURE(disk_store.get(object, 0).ok() && cold_store.get(object, 0).ok(), "no shard");
    for (int round = 0; round < options.rounds; ++round) {
        memory.time([&] {
            const auto shard = disk_store.get(object, 0).value();
            std::memcpy(out.data(), shard->bytes().data(), kShardSize);
        });
        disk_store.drop(name);
        disk.time([&] { ENSURE(disk_store.get(object, 0).ok(), "no shard"); });
        cold_store.drop(name);
        cold.time([&] { ENSURE(cold_store.get(object, 0).ok(), "no shard"); });
    }
    ENSURE(disk_store.stats().cold_loads <= 1, "the disk was not read");
    const auto rate = [](const Samples& samples) { return double(kShardSize) / samples.best(); };
    rows.push_back({"32 MiB from memory, copied", rate(memory), "MB/s", "", {}, {}, ""});
    rows.push_back({"32 MiB from the disk level",
                    rate(disk),
                    "MB/s",
                    "",
                    {},
                    {},
                    "read from the page cache, hashed, opened, copied into shared memory"});
    rows.push_back({"32 MiB from ciphertext at hand",
                    rate(cold),
                    "MB/s",
                    "",
                    {},
                    {},
                    "what a cold read adds to the network's part: opened and copied"});
}

std::string setting(int rounds) {
    std::string load, pages;
    std::getline(std::ifstream("/proc/loadavg"), load, ' ');
    std::getline(std::ifstream("/sys/kernel/mm/transparent_hugepage/shmem_enabled"), pages);
    return "One thread, load " + load + " when it began; " + std::to_string(rounds) +
           " rounds in which all take turns; percentiles of all reads. Huge pages for shared "
           "memory: " +
           pages + ". Throughput: the best round.";
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse(argc, argv, options)) {
        std::cerr << "usage: bench_hot [--quick] [--rounds N] [--no-peers] [--out FOLDER]\n"
                     "  FOLDER gets hot.json and hot.svg (default build/bench)\n"
                     "  --rounds: 1 to 1000 (default 15; --quick: 2)\n"
                     "  --no-peers: without Redis\n";
        return 2;
    }
    const bench::Title title{"Mutirão: reads at random places of 256 MiB", setting(options.rounds)};
    bench::Serving serving;
    std::vector<bench::Row> rows;
    local_measures(options, serving, rows);
    call_measures(options, serving, rows);
    level_measures(options, serving, rows);
    std::cout << bench::table_text(title, rows);
    if (!bench::write_report(options.folder, "hot", title, rows)) return 1;
    std::cout << "\nwrote " << (options.folder / "hot.json").string() << " and hot.svg\n";
    return 0;
}
