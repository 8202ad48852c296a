#include "hot/shard_store.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <latch>
#include <thread>

#include "base/memory_disk.hpp"
#include "hot/test_objects.hpp"

namespace mutirao::hot {
namespace {

constexpr std::uint64_t kPage = 4096;

struct Tiers {
    explicit Tiers(std::uint64_t memory_max, std::uint64_t disk_max = 1 << 20,
                   std::uint32_t shards = 6)
        : object(std::make_shared<TestObject>(shards, kPage - 1)),
          below(SealedLevel::open(disk, disk_max).value()),
          store(memory, below, executor, {.memory_max = memory_max}) {}

    bool reads(std::uint32_t index) {
        const auto shard = store.get(object, index);
        return shard.ok() && to_bytes((*shard)->bytes()) == object->plain[index];
    }
    MemoryDisk disk;
    HeapMemory memory;
    HeldExecutor executor;
    std::shared_ptr<TestObject> object;
    std::shared_ptr<SealedLevel> below;
    ShardStore store;
};

TEST(ShardStore, a_shard_comes_from_cold_once_then_from_memory_then_from_disk) {
    Tiers tiers(2 * kPage);
    for (const std::uint32_t index : {0u, 0u, 1u}) EXPECT_TRUE(tiers.reads(index));
    EXPECT_EQ(tiers.object->cold_reads, 2);
    EXPECT_TRUE(tiers.reads(2));  // 0 makes room
    EXPECT_FALSE(tiers.store.holds(tiers.object->name(0)));
    EXPECT_TRUE(tiers.reads(0));
    EXPECT_EQ(tiers.object->cold_reads, 3);
    const auto stats = tiers.store.stats();
    EXPECT_EQ(stats.disk_loads, 1u);
    EXPECT_EQ(stats.cold_loads, 3u);
    EXPECT_EQ(stats.hits, 1u);
    EXPECT_EQ(stats.evictions, 2u);
    EXPECT_EQ(stats.memory, 2 * kPage);
}

TEST(ShardStore, plaintext_never_reaches_the_disk) {
    Tiers tiers(64 * kPage);
    for (std::uint32_t i = 0; i < 6; ++i) ASSERT_TRUE(tiers.reads(i));
    const auto names = tiers.disk.list("hot").value();
    ASSERT_EQ(names.size(), 6u);
    for (const auto& name : names) {
        const auto file = tiers.disk.read_file("hot/" + name, 1 << 20).value();
        for (const auto& plain : tiers.object->plain)
            EXPECT_EQ(std::search(file.begin(), file.end(), plain.begin(), plain.begin() + 16),
                      file.end());
    }
}

TEST(ShardStore, wrong_ciphertext_on_disk_is_refused_and_the_shard_read_from_cold_again) {
    Tiers tiers(kPage + 1);  // one at a time
    ASSERT_TRUE(tiers.reads(0));
    const auto path = "hot/" + tiers.disk.list("hot").value().front();
    const auto bits = tiers.disk.read_file(path, 1 << 20)->size() * 8;
    int colds = 1;
    for (std::uint64_t bit = 0; bit < bits; bit += bit < 400 ? 1 : 997) {
        ASSERT_TRUE(tiers.reads(1));
        colds = tiers.object->cold_reads;
        ASSERT_TRUE(tiers.disk.flip_bit(path, bit));
        EXPECT_TRUE(tiers.reads(0)) << "bit " << bit;
        EXPECT_EQ(tiers.object->cold_reads, colds + 1);
    }
    EXPECT_GT(tiers.store.stats().disk_refused, 400u);
}

TEST(ShardStore, a_file_of_another_shard_is_refused_though_it_is_whole) {
    Tiers tiers(kPage);
    ASSERT_TRUE(tiers.reads(0));
    const auto first = tiers.disk.list("hot").value();
    ASSERT_TRUE(tiers.reads(1));
    auto second = tiers.disk.list("hot").value();
    std::erase(second, first[0]);
    const auto other = tiers.disk.read_file("hot/" + second[0], 1 << 20).value();
    ASSERT_TRUE(tiers.disk.write_file_atomic("hot/" + first[0], other).ok());
    EXPECT_TRUE(tiers.reads(0));
    EXPECT_EQ(tiers.store.stats().disk_refused, 1u);
}

TEST(ShardStore, the_disk_keeps_its_budget_and_outlives_the_process_that_wrote_it) {
    Tiers tiers(kPage, 3 * (kPage + 100));
    for (std::uint32_t i = 0; i < 6; ++i) ASSERT_TRUE(tiers.reads(i));
    EXPECT_EQ(tiers.disk.list("hot").value().size(), 3u);
    EXPECT_LE(tiers.below->bytes(), 3 * (kPage + 100));
    const std::shared_ptr<SealedLevel> again =
        SealedLevel::open(tiers.disk, 2 * (kPage + 100)).value();
    EXPECT_EQ(tiers.disk.list("hot").value().size(), 2u);
    int found = 0;
    for (std::uint32_t i = 0; i < 6; ++i) found += again->get(tiers.object->name(i)).ok();
    EXPECT_EQ(found, 2);
}

TEST(ShardStore, a_full_disk_only_makes_it_slower) {
    Tiers tiers(kPage);
    tiers.disk.set_capacity(100);
    for (std::uint32_t i = 0; i < 6; ++i) EXPECT_TRUE(tiers.reads(i));
    EXPECT_EQ(tiers.below->bytes(), 0u);
}

TEST(ShardStore, what_is_read_stays_and_counts_until_it_is_let_go) {
    Tiers tiers(2 * kPage);
    auto reading = tiers.store.get(tiers.object, 0).value();
    tiers.store.drop(tiers.object->name(0));  // evicted under its reader
    EXPECT_FALSE(tiers.store.holds(tiers.object->name(0)));
    EXPECT_EQ(tiers.store.stats().memory, kPage);
    EXPECT_EQ(to_bytes(reading->bytes()), tiers.object->plain[0]);
    auto second = tiers.store.get(tiers.object, 1).value();
    EXPECT_EQ(tiers.store.get(tiers.object, 2).error().kind, ErrorKind::resource_exhausted);
    reading.reset();
    EXPECT_TRUE(tiers.reads(2));
    EXPECT_EQ(tiers.store.stats().memory, 2 * kPage);
}

TEST(ShardStore, gets_at_the_same_time_load_once_and_all_hear_of_a_failure) {
    for (const bool fails : {false, true}) {
        Tiers tiers(64 * kPage);
        std::latch loading(1);
        tiers.object->cold_is_gone = fails;
        tiers.object->before_cold_read = [&](std::uint32_t) { loading.wait(); };
        std::vector<std::thread> threads;
        std::atomic<int> right = 0;
        for (int t = 0; t < 5; ++t) threads.emplace_back([&] { right += tiers.reads(0) != fails; });
        while (tiers.store.stats().hits < 4) std::this_thread::yield();
        loading.count_down();
        for (auto& thread : threads) thread.join();
        EXPECT_EQ(right, 5);
        EXPECT_EQ(tiers.object->cold_reads, 1);
        tiers.object->cold_is_gone = false;
        EXPECT_TRUE(tiers.reads(0));  // a failure is not remembered
        EXPECT_EQ(tiers.store.stats().memory, kPage);
    }
}

TEST(ShardStore, prefetch_is_bounded_and_brings_what_is_asked_for_next) {
    Tiers tiers(64 * kPage);
    EXPECT_EQ(tiers.store.prefetch(tiers.object, 1, 5), 2u);
    EXPECT_EQ(tiers.store.prefetch(tiers.object, 1, 5), 0u);
    tiers.executor.run();
    EXPECT_TRUE(tiers.store.holds(tiers.object->name(1)));
    EXPECT_TRUE(tiers.store.holds(tiers.object->name(2)));
    EXPECT_EQ(tiers.store.prefetch(tiers.object, 1, 3), 1u);  // 3 alone is missing
    EXPECT_EQ(tiers.store.prefetch(tiers.object, 6, 3), 0u);
    EXPECT_EQ(tiers.object->cold_reads, 2);
}

TEST(ShardStore, many_readers_see_right_bytes_within_the_budget) {
    Tiers tiers(6 * kPage, 1 << 20, 16);
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            SeededRandom random(t);
            for (int i = 0; i < 300; ++i) {
                EXPECT_TRUE(tiers.reads(static_cast<std::uint32_t>(random.below(15))));
                EXPECT_LE(tiers.store.stats().memory, 6 * kPage);
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_GT(tiers.store.stats().evictions, 0u);
}

}  // namespace
}  // namespace mutirao::hot
