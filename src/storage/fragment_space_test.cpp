// What a FragmentStore promises when the disk fills, and what it makes room of.
#include <gtest/gtest.h>

#include "storage/test_fragments.hpp"

namespace mutirao::storage {
namespace {

TEST(FragmentSpace, a_full_disk_loses_nothing_and_goes_on_when_there_is_room) {
    for (std::uint64_t capacity = 60; capacity < 1500; capacity += 7) {
        SCOPED_TRACE("capacity " + std::to_string(capacity));
        MemoryDisk disk;
        disk.set_capacity(capacity);
        auto store = open_store(disk);
        std::uint32_t stored = 0;
        Status status;
        for (; status.ok(); ++stored)
            status = store->put_slot(block_id(1), stored, payload(90, stored));
        --stored;
        EXPECT_EQ(status.error().kind, ErrorKind::resource_exhausted);
        EXPECT_NE(status.error().message.find("was not stored"), std::string::npos);
        for (std::uint32_t slot = 0; slot < stored; ++slot)
            EXPECT_EQ(store->slot(block_id(1), slot).value(), payload(90, slot));
        disk.set_capacity(~std::uint64_t{0});
        ASSERT_TRUE(store->put_slot(block_id(1), stored, payload(90, stored)).ok());
        store = open_store(disk);
        EXPECT_EQ(store->slot_count(), stored + 1);
        EXPECT_EQ(store->damaged(), 0u);
    }
}

// Wherever the disk fills: reads and drops go on, drops make room, and what is dropped stays so.
TEST(FragmentSpace, a_full_store_still_reads_and_drops_and_then_takes_more) {
    for (std::uint64_t more = 0; more < 1500; more += 23) {
        SCOPED_TRACE(std::to_string(more) + " bytes of room");
        MemoryDisk disk;
        auto store = open_store(disk);
        for (std::uint8_t b = 1; b <= 6; ++b)
            ASSERT_TRUE(store->put_slot(block_id(b), 0, payload(300, b)).ok());
        disk.set_capacity(disk.bytes_stored() + more);
        std::uint8_t next = 10;
        while (store->put_slot(block_id(next), 0, payload(100, next)).ok()) ++next;
        EXPECT_EQ(store->slot(block_id(1), 0).value(), payload(300, 1));
        if (more % 2 == 1) store = open_store(disk);
        for (std::uint8_t b = 1; b <= 5; ++b) ASSERT_TRUE(store->drop(block_id(b)).ok());
        ASSERT_TRUE(store->sync().ok());
        EXPECT_TRUE(store->put_slot(block_id(next), 0, payload(100, next)).ok());
        ASSERT_TRUE(store->sync().ok());
        EXPECT_TRUE(disk.exists("segments/reserve").value());
        disk.restart();
        store = open_store(disk);
        for (std::uint8_t b = 1; b <= next; ++b)
            EXPECT_EQ(store->contains(block_id(b), 0), b == 6 || b >= 10) << int{b};
    }
}

TEST(FragmentSpace, segments_without_living_records_are_removed) {
    MemoryDisk disk;
    auto store = open_store(disk);
    for (std::uint8_t b = 1; b <= 40; ++b)
        for (std::uint32_t slot = 0; slot < 3; ++slot)
            ASSERT_TRUE(store->put_slot(block_id(b), slot, payload(100, slot)).ok());
    const auto full = disk.bytes_stored();
    for (std::uint8_t b = 1; b <= 39; ++b) ASSERT_TRUE(store->drop(block_id(b)).ok());
    EXPECT_LT(disk.bytes_stored(), full / 4);
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(store->blocks(), std::vector<BlockId>{block_id(40)});
        EXPECT_EQ(store->slot(block_id(40), 2).value(), payload(100, 2));
        store = open_store(disk);
    }
}

// Segment 1: X and Y. Segment 2: Z and the records that drop X and Z. Segment 3: W.
TEST(FragmentSpace, a_drop_record_stays_while_it_keeps_a_record_of_another_segment_dead) {
    const auto x = block_id(1), y = block_id(2), z = block_id(3), w = block_id(4);
    const std::string second = "segments/00000002.seg";
    MemoryDisk disk;
    auto store = open_store(disk);
    ASSERT_TRUE(store->put_slot(x, 0, payload(100, 1)).ok());
    ASSERT_TRUE(store->put_slot(y, 0, payload(100, 2)).ok());
    ASSERT_TRUE(store->put_slot(z, 0, payload(300, 3)).ok());
    ASSERT_TRUE(store->drop(x).ok());
    ASSERT_TRUE(disk.exists(second).value());
    ASSERT_TRUE(store->put_slot(w, 0, payload(400, 4)).ok());
    ASSERT_TRUE(store->put_slot(w, 1, payload(400, 4)).ok());
    for (int round = 0; round < 2; ++round) {
        static_cast<void>(store->drop(z).ok());  // nothing but the drop of X lives in segment 2 now
        EXPECT_EQ(store->blocks(), (std::vector<BlockId>{y, w}));
        EXPECT_TRUE(disk.exists(second).value());
        store = open_store(disk);
    }
    ASSERT_TRUE(store->drop(y).ok());
    EXPECT_FALSE(disk.exists("segments/00000001.seg").value());
    EXPECT_FALSE(disk.exists(second).value());
    EXPECT_EQ(open_store(disk)->blocks(), std::vector<BlockId>{w});
}

// Segment 1: X and a large Y. Segment 2: Z and the records that drop X and Z. Y lives on, so
// segment 1 stays; the drop of X moves on, so that segment 2 need not.
TEST(FragmentSpace, compaction_carries_drop_records_on) {
    const auto x = block_id(1), y = block_id(2), z = block_id(3), w = block_id(4);
    const std::string second = "segments/00000002.seg";
    for (const bool x_comes_back : {false, true}) {
        MemoryDisk disk;
        auto store = open_store(disk);
        ASSERT_TRUE(store->put_slot(x, 0, payload(50, 1)).ok());
        ASSERT_TRUE(store->put_slot(y, 0, payload(400, 2)).ok());
        ASSERT_TRUE(store->put_slot(z, 0, payload(300, 3)).ok());
        ASSERT_TRUE(store->drop(x).ok());
        ASSERT_TRUE(disk.exists(second).value());
        ASSERT_TRUE(store->put_slot(w, 0, payload(400, 4)).ok());
        if (x_comes_back) {
            ASSERT_TRUE(store->put_slot(x, 1, payload(50, 1)).ok());
        }
        ASSERT_TRUE(store->drop(z).ok());
        EXPECT_TRUE(store->compact_some(1 << 20).value().finished);
        EXPECT_EQ(disk.exists(second).value(), x_comes_back);
        ASSERT_TRUE(store->sync().ok());
        for (int round = 0; round < 2; ++round) {
            EXPECT_FALSE(store->contains(x, 0));
            EXPECT_EQ(store->contains(x, 1), x_comes_back);
            EXPECT_FALSE(store->contains(z, 0));
            EXPECT_EQ(store->slot(y, 0).value(), payload(400, 2));
            EXPECT_EQ(store->slot(w, 0).value(), payload(400, 4));
            disk.restart();
            store = open_store(disk);
        }
    }
}

TEST(FragmentSpace, the_last_segment_stays_when_everything_is_dropped) {
    MemoryDisk disk;
    auto store = open_store(disk);
    for (std::uint32_t slot = 0; slot < 9; ++slot)
        ASSERT_TRUE(store->put_slot(block_id(1), slot, payload(300, slot)).ok());
    const auto last = disk.list("segments").value().end()[-3];  // before "key" and "reserve"
    ASSERT_TRUE(store->drop(block_id(1)).ok());
    EXPECT_EQ(disk.list("segments").value(), (std::vector<std::string>{last, "key", "reserve"}));
}

TEST(FragmentSpace, what_an_earlier_attempt_left_of_a_segment_is_overwritten) {
    MemoryDisk disk;
    auto store = open_store(disk);
    ASSERT_TRUE(store->put_slot(block_id(1), 0, payload(500, 1)).ok());
    ASSERT_TRUE(disk.write_file_atomic("segments/00000002.seg", payload(30, 9)).ok());
    ASSERT_TRUE(store->put_slot(block_id(1), 1, payload(500, 2)).ok());
    EXPECT_EQ(store->slot(block_id(1), 1).value(), payload(500, 2));
    EXPECT_EQ(open_store(disk)->slot(block_id(1), 1).value(), payload(500, 2));
}

// Compaction moves one record of two and finds the disk full for the other, whose block is then
// dropped. The first place of the moved one is empty now, but must outlive the next power cut.
TEST(FragmentSpace, a_segment_stays_until_what_was_moved_out_of_it_is_synced) {
    MemoryDisk disk;
    auto store = open_store(disk, 3000);
    ASSERT_TRUE(store->put_slot(block_id(1), 0, payload(200, 1)).ok());
    ASSERT_TRUE(store->put_slot(block_id(2), 0, payload(600, 2)).ok());
    ASSERT_TRUE(store->put_slot(block_id(3), 0, payload(1800, 3)).ok());
    ASSERT_TRUE(store->put_slot(block_id(4), 0, payload(1000, 4)).ok());
    ASSERT_TRUE(store->drop(block_id(3)).ok());
    ASSERT_TRUE(store->sync().ok());
    disk.set_capacity(disk.bytes_stored() + 500);
    EXPECT_EQ(store->compact_some(1 << 20).error().kind, ErrorKind::resource_exhausted);
    disk.set_capacity(~std::uint64_t{0});
    ASSERT_TRUE(store->drop(block_id(2)).ok());
    disk.restart();
    store = open_store(disk, 3000);
    EXPECT_EQ(store->slot(block_id(1), 0).value(), payload(200, 1));
    EXPECT_EQ(store->slot(block_id(4), 0).value(), payload(1000, 4));
}

TEST(FragmentSpace, compaction_frees_what_drops_left_and_loses_nothing) {
    MemoryDisk disk;
    auto store = open_store(disk, 12000);
    const auto stored_bytes = [&] {
        std::uint64_t total = 0;
        const auto names = disk.list("segments").value();
        for (const auto& name : names) total += disk.open("segments/" + name).value()->size();
        return total;
    };
    for (std::uint8_t b = 1; b <= 40; ++b) {
        const Share share(128, b);
        ASSERT_TRUE(store->put_share(block_id(b), payload(50, b), share.slots).ok());
    }
    for (std::uint8_t b = 1; b <= 40; ++b)
        if (b % 5 != 0) {
            ASSERT_TRUE(store->drop(block_id(b)).ok());
        }
    ASSERT_TRUE(store->sync().ok());
    const auto before = stored_bytes();
    int steps = 0;
    for (CompactionStep step; !step.finished; ++steps) {
        step = store->compact_some(1500).value();
        ASSERT_LT(steps, 1000);
    }
    EXPECT_GT(steps, 2);
    EXPECT_LT(stored_bytes(), before / 2);
    for (int round = 0; round < 2; ++round) {
        for (std::uint8_t b = 1; b <= 40; ++b) {
            const Share share(128, b);
            for (std::size_t i = 0; i < 3; ++i) {
                const auto got = store->slot(block_id(b), share.slots[i].slot);
                EXPECT_EQ(got.ok(), b % 5 == 0);
                if (got.ok()) {
                    EXPECT_EQ(*got, share.stored(i));
                }
            }
        }
        disk.restart();
        store = open_store(disk, 12000);
    }
}

// Segment 1 keeps 900 bytes, segment 2 keeps 100. With room for the second only, that one goes
// first, and then there is room for both.
TEST(FragmentSpace, compaction_begins_with_what_fits) {
    MemoryDisk disk;
    auto store = open_store(disk, 3000);
    ASSERT_TRUE(store->put_slot(block_id(1), 0, payload(900, 1)).ok());
    ASSERT_TRUE(store->put_slot(block_id(2), 0, payload(1800, 2)).ok());
    ASSERT_TRUE(store->put_slot(block_id(3), 0, payload(100, 3)).ok());
    ASSERT_TRUE(store->put_slot(block_id(4), 0, payload(2600, 4)).ok());
    ASSERT_TRUE(store->put_slot(block_id(5), 0, payload(2000, 5)).ok());
    ASSERT_TRUE(store->drop(block_id(2)).ok());
    ASSERT_TRUE(store->drop(block_id(4)).ok());
    ASSERT_TRUE(store->sync().ok());
    ASSERT_TRUE(disk.exists("segments/00000003.seg").value());
    disk.set_capacity(disk.bytes_stored() + 500);
    EXPECT_TRUE(store->compact_some(1 << 20).value().finished);
    EXPECT_EQ(disk.exists("segments/00000001.seg").value(), false);
    EXPECT_EQ(disk.exists("segments/00000002.seg").value(), false);
    disk.restart();
    store = open_store(disk, 3000);
    EXPECT_EQ(store->blocks(), (std::vector<BlockId>{block_id(1), block_id(3), block_id(5)}));
    EXPECT_EQ(store->slot(block_id(1), 0).value(), payload(900, 1));
}

TEST(FragmentSpace, a_disk_too_full_to_compact_says_so_and_stays_as_it_is) {
    MemoryDisk disk;
    auto store = open_store(disk, 3000);
    for (std::uint8_t b = 1; b <= 20; ++b) {
        const Share share(128, b);
        ASSERT_TRUE(store->put_share(block_id(b), payload(50, b), share.slots).ok());
    }
    for (std::uint8_t b = 1; b <= 20; ++b)
        if (b % 3 != 0) {
            ASSERT_TRUE(store->drop(block_id(b)).ok());
        }
    ASSERT_TRUE(store->sync().ok());
    disk.set_capacity(1);
    const auto step = store->compact_some(1 << 20);
    if (!step.ok()) {
        EXPECT_EQ(step.error().kind, ErrorKind::resource_exhausted);
    }
    EXPECT_TRUE(store->slot(block_id(3), 7).ok());
    disk.set_capacity(~std::uint64_t{0});
    EXPECT_TRUE(store->compact_some(1 << 20).value().finished);
    EXPECT_TRUE(store->slot(block_id(18), 7).ok());
}

}  // namespace
}  // namespace mutirao::storage
