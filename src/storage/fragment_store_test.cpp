// What a FragmentStore promises in daily use. Rot: fragment_damage_test.cpp; full disks, drops and
// compaction: fragment_space_test.cpp; power cuts: fragment_crash_test.cpp.
#include <algorithm>
#include <gtest/gtest.h>
#include <malloc.h>
#include <rapidcheck.h>
#include <thread>

#include "storage/test_fragments.hpp"

namespace mutirao::storage {
namespace {

TEST(FragmentStore, gives_back_what_was_put_also_after_opening_again) {
    MemoryDisk disk;
    auto store = open_store(disk);
    for (std::uint8_t b = 1; b <= 5; ++b) {
        ASSERT_TRUE(store->put_statement(block_id(b), payload(90, b)).ok());
        for (std::uint32_t slot : {7u, 0u, 255u})
            ASSERT_TRUE(store->put_slot(block_id(b), slot, payload(60 + slot, slot)).ok());
    }
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(store->blocks().size(), 5u);
        EXPECT_EQ(store->slot_count(), 15u);
        EXPECT_EQ(store->bytes_stored(), 5u * (90 + 60 + 67 + 315));
        for (std::uint8_t b = 1; b <= 5; ++b) {
            EXPECT_EQ(store->statement(block_id(b)).value(), payload(90, b));
            EXPECT_EQ(store->slots(block_id(b)), (std::vector<std::uint32_t>{0, 7, 255}));
            EXPECT_EQ(store->slot(block_id(b), 255).value(), payload(315, 255));
        }
        store = open_store(disk);
    }
    EXPECT_EQ(store->recovery().records, 20u);
    EXPECT_EQ(store->recovery().damaged + store->recovery().torn_bytes, 0u);
    EXPECT_GT(disk.list("segments").value().size(), 3u);  // it did roll over
}

TEST(FragmentStore, putting_again_changes_nothing) {
    MemoryDisk disk;
    auto store = open_store(disk);
    ASSERT_TRUE(store->put_slot(block_id(1), 2, payload(50, 1)).ok());
    const auto before = disk.bytes_stored();
    ASSERT_TRUE(store->put_slot(block_id(1), 2, payload(50, 2)).ok());
    EXPECT_EQ(disk.bytes_stored(), before);
    EXPECT_EQ(store->slot(block_id(1), 2).value(), payload(50, 1));
}

TEST(FragmentStore, what_is_not_here_is_named) {
    MemoryDisk disk;
    auto store = open_store(disk);
    for (const auto& error :
         {store->statement(block_id(9)).error(), store->slot(block_id(9), 3).error(),
          store->drop(block_id(9)).error()}) {
        EXPECT_EQ(error.kind, ErrorKind::not_found);
        EXPECT_NE(error.message.find(block_id(9).hex()), std::string::npos);
    }
}

TEST(FragmentStore, reads_parts_of_a_slot_and_nothing_past_its_end) {
    MemoryDisk disk;
    auto store = open_store(disk);
    const auto bytes = payload(100, 1);
    ASSERT_TRUE(store->put_slot(block_id(1), 2, bytes).ok());
    Bytes part(30);
    ASSERT_TRUE(store->read_slot(block_id(1), 2, 70, part).ok());
    EXPECT_TRUE(std::equal(part.begin(), part.end(), bytes.begin() + 70));
    Bytes first(5), last(1);
    const std::vector<SlotPart> parts{{99, last}, {0, first}, {100, {}}};
    ASSERT_TRUE(store->read_slot(block_id(1), 2, parts).ok());
    EXPECT_EQ(first, Bytes(bytes.begin(), bytes.begin() + 5));
    EXPECT_EQ(last[0], bytes[99]);
    const std::vector<SlotPart> one_beyond{{0, first}, {100, last}};
    EXPECT_EQ(store->read_slot(block_id(1), 2, one_beyond).error().kind,
              ErrorKind::invalid_argument);
    EXPECT_EQ(store->read_slot(block_id(9), 2, parts).error().kind, ErrorKind::not_found);
    EXPECT_EQ(store->read_slot(block_id(1), 2, 71, part).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(store->read_slot(block_id(1), 2, ~std::uint64_t{0}, part).error().kind,
              ErrorKind::invalid_argument);
}

TEST(FragmentStore, refuses_payloads_over_the_limit) {
    MemoryDisk disk;
    auto store = open_store(disk);
    EXPECT_TRUE(store->put_slot(block_id(1), 0, Bytes(kPayloadSizeMax)).ok());
    EXPECT_EQ(store->put_slot(block_id(1), 1, Bytes(kPayloadSizeMax + 1)).error().kind,
              ErrorKind::invalid_argument);
}

TEST(FragmentStore, after_a_failed_sync_it_promises_nothing_more_but_still_reads) {
    MemoryDisk disk;
    auto store = open_store(disk);
    ASSERT_TRUE(store->put_slot(block_id(1), 0, payload(20, 0)).ok());
    ASSERT_TRUE(store->sync().ok());
    ASSERT_TRUE(store->put_slot(block_id(1), 1, payload(20, 1)).ok());
    disk.fail_syncs(true);
    EXPECT_EQ(store->sync().error().kind, ErrorKind::io);
    disk.fail_syncs(false);
    EXPECT_EQ(store->sync().error().kind, ErrorKind::io);
    EXPECT_EQ(store->put_slot(block_id(1), 2, payload(20, 2)).error().kind, ErrorKind::io);
    EXPECT_EQ(store->slot(block_id(1), 0).value(), payload(20, 0));
    store = open_store(disk);
    EXPECT_TRUE(store->sync().ok());
}

TEST(FragmentStore, a_sync_with_nothing_new_does_not_touch_the_disk) {
    MemoryDisk disk;
    auto store = open_store(disk);
    ASSERT_TRUE(store->put_slot(block_id(1), 0, payload(20, 0)).ok());
    ASSERT_TRUE(store->sync().ok());
    const auto syncs = disk.syncs();
    ASSERT_TRUE(store->sync().ok());
    EXPECT_EQ(disk.syncs(), syncs);
}

TEST(FragmentStore, what_a_killed_process_had_not_synced_is_synced_by_the_next) {
    MemoryDisk disk;
    ASSERT_TRUE(open_store(disk)->put_slot(block_id(1), 0, payload(9, 1)).ok());
    ASSERT_TRUE(open_store(disk)->sync().ok());
    disk.restart();
    EXPECT_EQ(open_store(disk)->slot(block_id(1), 0).value(), payload(9, 1));
}

TEST(FragmentStore, behaves_like_a_map_under_random_use) {
    rc::check("put, drop, sync, reopen and read agree with a map", [] {
        MemoryDisk disk;
        auto store = open_store(disk);
        std::map<std::uint8_t, std::map<std::uint32_t, Bytes>> model;
        const auto count = *rc::gen::inRange(0, 60);
        for (int i = 0; i < count; ++i) {
            const auto b = *rc::gen::inRange<std::uint8_t>(0, 6);
            const auto slot = *rc::gen::inRange<std::uint32_t>(0, 4);
            switch (*rc::gen::inRange(0, 8)) {
                case 0: RC_ASSERT(store->drop(block_id(b)).ok() == (model.erase(b) == 1)); break;
                case 1: store = open_store(disk); break;
                default: {
                    const auto bytes = payload(*rc::gen::inRange<std::size_t>(0, 300), slot);
                    RC_ASSERT(store->put_slot(block_id(b), slot, bytes).ok());
                    model[b].try_emplace(slot, bytes);
                }
            }
            std::uint64_t slots = 0;
            for (const auto& [block, kept] : model) {
                slots += kept.size();
                for (const auto& [s, bytes] : kept)
                    RC_ASSERT(store->slot(block_id(block), s).value() == bytes);
            }
            RC_ASSERT(store->slot_count() == slots);
            RC_ASSERT(store->blocks().size() == model.size());
        }
    });
}

TEST(FragmentStore, many_threads_put_sync_read_and_drop) {
    MemoryDisk disk;
    auto store = open_store(disk, 1 << 14);
    std::vector<std::thread> threads;
    for (std::uint8_t t = 1; t <= 4; ++t)
        threads.emplace_back([&store, t] {
            for (std::uint32_t slot = 0; slot < 50; ++slot) {
                EXPECT_TRUE(store->put_slot(block_id(t), slot, payload(200, slot)).ok());
                EXPECT_TRUE(store->put_slot(block_id(9), slot, payload(100, slot)).ok());
                EXPECT_TRUE(slot % 7 != 0 || store->sync().ok());
                EXPECT_EQ(store->slot(block_id(t), slot / 2).value(), payload(200, slot / 2));
            }
            EXPECT_TRUE(t % 2 != 0 || store->drop(block_id(t)).ok());
        });
    for (auto& thread : threads) thread.join();
    store = open_store(disk);
    EXPECT_EQ(store->slot_count(), 150u);
    EXPECT_EQ(store->damaged(), 0u);
}

TEST(FragmentStore, a_share_goes_in_at_once_and_comes_back_slot_by_slot) {
    MemoryDisk disk;
    auto store = open_store(disk);
    const Share share(256, 1);
    const auto statement = payload(500, 2);
    ASSERT_TRUE(store->put_share(block_id(1), statement, share.slots).ok());
    ASSERT_TRUE(store->put_share(block_id(1), statement, share.slots).ok());
    EXPECT_EQ(store->slot_count(), 3u);
    ASSERT_TRUE(store->sync().ok());
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(store->statement(block_id(1)).value(), statement);
        for (std::size_t i = 0; i < 3; ++i)
            EXPECT_EQ(store->slot(block_id(1), share.slots[i].slot).value(), share.stored(i));
        disk.restart();
        store = open_store(disk);
    }
}

TEST(FragmentStore, a_share_may_come_without_its_statement_and_with_a_slot_twice) {
    MemoryDisk disk;
    auto store = open_store(disk);
    const Share share(256, 1), other(256, 2);
    auto slots = share.slots;
    slots.push_back(other.slots[0]);  // the number of the first one
    ASSERT_TRUE(store->put_share(block_id(1), {}, slots).ok());
    EXPECT_FALSE(store->has_statement(block_id(1)));
    EXPECT_EQ(store->slot_count(), 3u);
    EXPECT_EQ(store->slot(block_id(1), share.slots[0].slot).value(), share.stored(0));
    ASSERT_TRUE(store->put_share(block_id(1), payload(50, 1), {}).ok());
    EXPECT_EQ(store->statement(block_id(1)).value(), payload(50, 1));
}

TEST(FragmentStore, refuses_shares_that_could_not_be_read_again) {
    MemoryDisk disk;
    auto store = open_store(disk);
    const Share share(256, 1), odd(100, 1);
    auto uneven = share.slots, short_of_rows = share.slots, large = share.slots;
    uneven[1].rows[2] = uneven[1].rows[2].first(128);
    short_of_rows[2].rows.pop_back();
    const Bytes huge(kPayloadSizeMax);
    for (auto& row : large[0].rows) row = huge;
    for (const auto& slots : {uneven, short_of_rows, large, odd.slots})
        EXPECT_EQ(store->put_share(block_id(1), payload(50, 1), slots).error().kind,
                  ErrorKind::invalid_argument);
    EXPECT_EQ(store->put_share(block_id(1), Bytes(kPayloadSizeMax + 1), {}).error().kind,
              ErrorKind::invalid_argument);
    EXPECT_TRUE(store->blocks().empty());
}

// As the allocator counts it, with everything around it; sanitizers' allocators count nothing.
TEST(FragmentStore, the_index_takes_24_bytes_a_slot) {
    constexpr std::uint64_t kBlocks = 2000, kSlots = 32;
    const Bytes row = payload(128, 1);
    const std::vector<Digest> digests{block::row_digest(row)};
    std::vector<SlotToStore> slots;
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) slots.push_back({slot, digests, {row}});
    MemoryDisk disk;
    auto store = open_store(disk, 1 << 16);
    SeededRandom random(5);
    for (std::uint64_t i = 0; i < kBlocks; ++i)
        ASSERT_TRUE(store->put_share(random.fixed<BlockId>(), payload(9, 1), slots).ok());
    ASSERT_TRUE(store->sync().ok());
    for (int round = 0; round < 2; ++round) {
        ASSERT_EQ(store->slot_count(), kBlocks * kSlots);
        const auto with = ::mallinfo2().uordblks;
        store.reset();
        EXPECT_LE(with - ::mallinfo2().uordblks, 24 * kBlocks * kSlots);
        store = open_store(disk, 1 << 16);
    }
}

TEST(FragmentStore, opening_reads_the_last_segment_only) {
    MemoryDisk disk;
    auto store = open_store(disk, 3000);
    for (std::uint8_t b = 1; b <= 20; ++b) {
        const Share share(128, b);
        ASSERT_TRUE(store->put_share(block_id(b), payload(50, b), share.slots).ok());
        ASSERT_TRUE(store->sync().ok());
    }
    ASSERT_TRUE(store->sync().ok());
    const auto names = disk.list("segments").value();
    const auto segments = std::count_if(names.begin(), names.end(),
                                        [](const auto& name) { return name.ends_with(".seg"); });
    ASSERT_GT(segments, 5);
    // Damage that only a scan would see is not looked for: sidecars say what is there.
    ASSERT_TRUE(disk.flip_bit("segments/00000001.seg", 8 * (kSegmentHeaderSize + 700)));
    disk.restart();
    store = open_store(disk, 3000);
    EXPECT_EQ(store->damaged(), 0u);
    EXPECT_EQ(store->slot_count(), 60u);
    // A damaged or missing sidecar is made again from its segment.
    ASSERT_TRUE(disk.flip_bit("segments/00000001.idx", 100));
    ASSERT_TRUE(disk.remove("segments/00000002.idx").ok());
    store = open_store(disk, 3000);
    EXPECT_EQ(store->damaged(), 1u);
    EXPECT_EQ(store->slot_count(), 59u);
    ASSERT_TRUE(store->sync().ok());
    EXPECT_TRUE(disk.exists("segments/00000002.idx").value());
}

}  // namespace
}  // namespace mutirao::storage
