#include "hot/shard_cache.hpp"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>
#include <latch>
#include <rapidcheck.h>
#include <thread>

#include "base/random.hpp"
#include "crypto/hash.hpp"

namespace mutirao::hot {
namespace {

Bytes shard_bytes(std::size_t size, std::uint64_t seed) {
    Bytes out(size);
    SeededRandom(seed).fill(out);
    return out;
}

// A shard of `size` bytes and how often it was brought.
struct Source {
    Source(std::size_t size, std::uint64_t seed)
        : bytes(shard_bytes(size, seed)), digest(crypto::blake3(bytes)) {}
    Result<std::shared_ptr<const Shard>> from(ShardCache& cache) {
        return cache.get(digest, [this] {
            ++loads;
            return Result<Bytes>(bytes);
        });
    }
    const Bytes bytes;
    const Digest digest;
    std::atomic<int> loads = 0;
};

TEST(ShardCache, loads_a_shard_once_and_then_serves_it_from_memory) {
    ShardCache cache(1000);
    Source source(100, 1);
    const auto first = source.from(cache).value();
    const auto second = source.from(cache).value();
    EXPECT_EQ(to_bytes(first->bytes()), source.bytes);
    EXPECT_EQ(first.get(), second.get());  // in place, no copy
    EXPECT_EQ(source.loads, 1);
    const auto stats = cache.stats();
    EXPECT_EQ(stats.hits, 1u);
    EXPECT_EQ(stats.misses, 1u);
    EXPECT_EQ(stats.bytes, 100u);
}

TEST(ShardCache, refuses_a_loader_that_brings_other_bytes) {
    ShardCache cache(1000);
    Source source(100, 1);
    for (std::size_t bit = 0; bit < 800; ++bit) {
        auto wrong = source.bytes;
        wrong[bit / 8] = static_cast<std::uint8_t>(wrong[bit / 8] ^ 1u << bit % 8);
        const auto got = cache.get(source.digest, [&] { return Result<Bytes>(wrong); });
        EXPECT_EQ(got.error().kind, ErrorKind::corrupt);
    }
    EXPECT_EQ(cache.stats().bytes, 0u);
    EXPECT_TRUE(source.from(cache).ok());  // the failures were not remembered
}

TEST(ShardCache, passes_on_what_the_loader_says_and_asks_it_again_next_time) {
    ShardCache cache(1000);
    Source source(100, 1);
    const Error gone{ErrorKind::unavailable, "too few nodes"};
    EXPECT_EQ(cache.get(source.digest, [&] { return Result<Bytes>(gone); }).error(), gone);
    EXPECT_FALSE(cache.holds(source.digest));
    EXPECT_TRUE(source.from(cache).ok());
    EXPECT_TRUE(cache.holds(source.digest));
}

TEST(ShardCache, the_least_recently_used_shards_make_room) {
    ShardCache cache(300);
    Source a(100, 1), b(100, 2), c(100, 3), d(150, 4);
    for (auto* source : {&a, &b, &c, &a}) ASSERT_TRUE(source->from(cache).ok());
    ASSERT_TRUE(d.from(cache).ok());  // needs the room of two: b, then c
    EXPECT_TRUE(cache.holds(a.digest));
    EXPECT_FALSE(cache.holds(b.digest));
    EXPECT_FALSE(cache.holds(c.digest));
    EXPECT_EQ(cache.stats().evictions, 2u);
    EXPECT_EQ(cache.stats().bytes, 250u);
}

TEST(ShardCache, a_shard_being_read_never_makes_room) {
    ShardCache cache(300);
    Source a(100, 1), b(100, 2), c(200, 3);
    auto reading = a.from(cache).value();
    ASSERT_TRUE(b.from(cache).ok());
    ASSERT_TRUE(c.from(cache).ok());
    EXPECT_TRUE(cache.holds(a.digest));  // although it was the oldest
    EXPECT_FALSE(cache.holds(b.digest));
    EXPECT_EQ(to_bytes(reading->bytes()), a.bytes);
    reading.reset();
    ASSERT_TRUE(b.from(cache).ok());
    EXPECT_FALSE(cache.holds(a.digest));
}

TEST(ShardCache, says_so_when_all_memory_is_being_read) {
    ShardCache cache(200);
    Source a(100, 1), b(100, 2), c(1, 3), huge(201, 4);
    EXPECT_EQ(huge.from(cache).error().kind, ErrorKind::resource_exhausted);
    {
        const auto reading_a = a.from(cache).value();
        const auto reading_b = b.from(cache).value();
        EXPECT_EQ(c.from(cache).error().kind, ErrorKind::resource_exhausted);
        EXPECT_EQ(cache.stats().bytes, 200u);
        EXPECT_EQ(cache.stats().evictions, 0u);
    }
    EXPECT_TRUE(c.from(cache).ok());
}

TEST(ShardCache, gets_of_one_shard_at_the_same_time_load_it_once) {
    ShardCache cache(1000);
    Source source(100, 1);
    constexpr int kReaders = 6;
    std::latch loading(1);
    std::vector<std::thread> threads;
    for (int t = 0; t < kReaders; ++t)
        threads.emplace_back([&] {
            const auto got = cache.get(source.digest, [&] {
                ++source.loads;
                loading.wait();  // until all the others have asked
                return Result<Bytes>(source.bytes);
            });
            EXPECT_EQ(to_bytes(got.value()->bytes()), source.bytes);
        });
    while (cache.stats().hits < kReaders - 1) std::this_thread::yield();
    loading.count_down();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(source.loads, 1);
    EXPECT_EQ(cache.stats().misses, 1u);
}

TEST(ShardCache, all_who_wait_for_a_load_hear_of_its_failure) {
    ShardCache cache(1000);
    Source source(100, 1);
    constexpr int kReaders = 4;
    std::latch loading(1);
    std::atomic<int> failed = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < kReaders; ++t)
        threads.emplace_back([&] {
            const auto got = cache.get(source.digest, [&] {
                loading.wait();
                return Result<Bytes>(Bytes(3));
            });
            failed += !got.ok() && got.error().kind == ErrorKind::corrupt;
        });
    while (cache.stats().hits < kReaders - 1) std::this_thread::yield();
    loading.count_down();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(failed, kReaders);
}

TEST(ShardCache, many_readers_of_many_shards_see_right_bytes_within_the_budget) {
    ShardCache cache(1000);
    std::vector<std::unique_ptr<Source>> sources;
    for (std::uint64_t i = 0; i < 20; ++i) sources.push_back(std::make_unique<Source>(100 + i, i));
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            SeededRandom random(t);
            for (int i = 0; i < 500; ++i) {
                auto& source = *sources[random.below(sources.size())];
                const auto got = source.from(cache).value();  // at most 4 * 119 bytes are pinned
                EXPECT_EQ(crypto::blake3(got->bytes()), source.digest);
                EXPECT_LE(cache.stats().bytes, 1000u);
            }
        });
    for (auto& thread : threads) thread.join();
    const auto stats = cache.stats();
    EXPECT_EQ(stats.hits + stats.misses, 2000u);
    EXPECT_GT(stats.evictions, 0u);
}

TEST(ShardCache, agrees_with_a_plain_model_of_recency) {
    rc::check("holds what a list of recent shards says", [] {
        constexpr std::uint64_t kBudget = 500;
        ShardCache cache(kBudget);
        std::vector<std::unique_ptr<Source>> sources;
        for (std::uint64_t i = 0; i < 8; ++i)
            sources.push_back(std::make_unique<Source>(40 + 30 * i, i));
        std::vector<std::size_t> recent;  // most recent first
        const auto uses = *rc::gen::container<std::vector<std::size_t>>(
            rc::gen::inRange<std::size_t>(0, sources.size()));
        for (const auto use : uses) {
            RC_ASSERT(sources[use]->from(cache).ok());
            std::erase(recent, use);
            recent.insert(recent.begin(), use);
            std::uint64_t total = 0;
            std::size_t held = 0;
            while (held < recent.size() && total + sources[recent[held]]->bytes.size() <= kBudget)
                total += sources[recent[held++]]->bytes.size();
            recent.resize(held);
            RC_ASSERT(cache.stats().bytes == total);
            for (std::size_t i = 0; i < sources.size(); ++i)
                RC_ASSERT(cache.holds(sources[i]->digest) ==
                          (std::find(recent.begin(), recent.end(), i) != recent.end()));
        }
    });
}

}  // namespace
}  // namespace mutirao::hot
