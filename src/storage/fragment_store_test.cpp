// What a FragmentStore promises in daily use, when the disk fills and when bits rot. Power cuts:
// fragment_crash_test.cpp.
#include "storage/fragment_store.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <malloc.h>
#include <rapidcheck.h>
#include <thread>

#include "base/memory_disk.hpp"
#include "base/random.hpp"
#include "block/coded_rows.hpp"
#include "crypto/hash.hpp"

namespace mutirao::storage {
namespace {

constexpr std::uint64_t kSmallSegment = 700;  // a handful of records each

BlockId block_id(std::uint8_t n) {
    BlockId id;
    id.bytes.fill(n);
    return id;
}

Bytes payload(std::size_t size, std::uint64_t seed) {
    Bytes out(size);
    SeededRandom(seed).fill(out);
    return out;
}

std::unique_ptr<FragmentStore> open_store(MemoryDisk& disk,
                                          std::uint64_t segment_size = kSmallSegment) {
    SeededRandom random(11);
    auto store = FragmentStore::open(disk, random, segment_size);
    if (!store.ok()) ADD_FAILURE() << store.error().message;
    return store.ok() ? std::move(*store) : nullptr;
}

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

// Three records in one segment; then every single bit of the file is flipped in turn.
TEST(FragmentStore, one_flipped_bit_costs_at_most_the_record_it_is_in) {
    MemoryDisk disk;
    {
        auto store = open_store(disk);
        for (std::uint32_t slot = 0; slot < 3; ++slot)
            ASSERT_TRUE(store->put_slot(block_id(1), slot, payload(20, slot)).ok());
        ASSERT_TRUE(store->sync().ok());
    }
    const std::string path = "segments/00000001.seg";
    const auto good = disk.read_file(path, 1 << 20).value();
    const std::size_t record = kRecordHeaderSize + 20 + kCheckSize;
    ASSERT_EQ(good.size(), kSegmentHeaderSize + 3 * record);
    for (std::uint64_t bit = 0; bit < good.size() * 8; ++bit) {
        ASSERT_TRUE(disk.write_file_atomic(path, good).ok());
        ASSERT_TRUE(disk.flip_bit(path, bit));
        const auto store = open_store(disk);
        ASSERT_NE(store, nullptr);
        const bool in_record = bit / 8 >= kSegmentHeaderSize;
        const std::size_t hit = in_record ? (bit / 8 - kSegmentHeaderSize) / record : 3;
        for (std::uint32_t slot = 0; slot < 3; ++slot) {
            EXPECT_EQ(store->contains(block_id(1), slot), slot != hit) << "bit " << bit;
            if (slot == hit) continue;
            EXPECT_EQ(store->slot(block_id(1), slot).value(), payload(20, slot));
        }
        // A damaged header at the very end cannot be told from a torn one.
        const bool torn = hit == 2 && (bit / 8 - kSegmentHeaderSize) % record < kRecordHeaderSize;
        EXPECT_EQ(store->damaged(), in_record && !torn ? 1u : 0u) << "bit " << bit;
        EXPECT_EQ(store->recovery().torn_bytes, torn ? record : 0u) << "bit " << bit;
        if (HasFailure()) return;
    }
}

TEST(FragmentStore, a_record_that_rots_while_open_is_lost_and_can_be_put_again) {
    MemoryDisk disk;
    auto store = open_store(disk);
    ASSERT_TRUE(store->put_slot(block_id(1), 0, payload(20, 0)).ok());
    ASSERT_TRUE(
        disk.flip_bit("segments/00000001.seg", 8 * (kSegmentHeaderSize + kRecordHeaderSize + 5)));
    EXPECT_EQ(store->slot(block_id(1), 0).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(store->slot(block_id(1), 0).error().kind, ErrorKind::not_found);
    EXPECT_EQ(store->damaged(), 1u);
    EXPECT_EQ(store->bytes_stored(), 0u);
    ASSERT_TRUE(store->put_slot(block_id(1), 0, payload(20, 0)).ok());
    store = open_store(disk);
    EXPECT_EQ(store->slot(block_id(1), 0).value(), payload(20, 0));
    EXPECT_EQ(store->damaged(), 1u);
}

// A disperser chooses payloads. One that looks like records of the store must never become one,
// also when the header before it is damaged and the scan walks through it.
TEST(FragmentStore, a_payload_that_imitates_records_stays_a_payload) {
    SeededRandom other(5);
    const auto guessed = other.fixed<crypto::Key>();
    const auto forged = encode_record({RecordKind::drop, block_id(1), 0, 0}, {}, guessed);
    MemoryDisk disk;
    {
        auto store = open_store(disk);
        ASSERT_TRUE(store->put_slot(block_id(1), 0, payload(20, 0)).ok());
        ASSERT_TRUE(store->put_slot(block_id(2), 0, forged).ok());
        ASSERT_TRUE(store->put_slot(block_id(3), 0, payload(20, 1)).ok());
    }
    const auto second = kSegmentHeaderSize + kRecordHeaderSize + 20 + kCheckSize;
    ASSERT_TRUE(disk.flip_bit("segments/00000001.seg", second * 8));
    const auto store = open_store(disk);
    EXPECT_EQ(store->blocks(), (std::vector<BlockId>{block_id(1), block_id(3)}));
    EXPECT_EQ(store->damaged(), 1u);
}

TEST(FragmentStore, the_checksum_key_is_found_in_the_key_file_or_in_any_segment) {
    MemoryDisk disk;
    ASSERT_TRUE(open_store(disk)->put_slot(block_id(1), 0, payload(700, 0)).ok());
    ASSERT_TRUE(open_store(disk)->put_slot(block_id(1), 1, payload(700, 1)).ok());
    ASSERT_TRUE(disk.flip_bit("segments/key", 200));
    ASSERT_TRUE(disk.flip_bit("segments/00000001.seg", 200));
    SeededRandom another(99);
    const auto store = FragmentStore::open(disk, another).value();
    EXPECT_EQ(store->slot(block_id(1), 0).value(), payload(700, 0));
    EXPECT_EQ(store->slot(block_id(1), 1).value(), payload(700, 1));
    ASSERT_TRUE(disk.flip_bit("segments/00000002.seg", 200));
    EXPECT_TRUE(FragmentStore::open(disk, another).ok());  // the key file was written again
    ASSERT_TRUE(disk.flip_bit("segments/key", 200));
    EXPECT_EQ(FragmentStore::open(disk, another).error().kind, ErrorKind::corrupt);
}

TEST(FragmentStore, a_full_disk_loses_nothing_and_goes_on_when_there_is_room) {
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
TEST(FragmentStore, a_full_store_still_reads_and_drops_and_then_takes_more) {
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

TEST(FragmentStore, segments_without_living_records_are_removed) {
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
TEST(FragmentStore, a_drop_record_stays_while_it_keeps_a_record_of_another_segment_dead) {
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
TEST(FragmentStore, compaction_carries_drop_records_on) {
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

TEST(FragmentStore, the_last_segment_stays_when_everything_is_dropped) {
    MemoryDisk disk;
    auto store = open_store(disk);
    for (std::uint32_t slot = 0; slot < 9; ++slot)
        ASSERT_TRUE(store->put_slot(block_id(1), slot, payload(300, slot)).ok());
    const auto last = disk.list("segments").value().end()[-3];  // before "key" and "reserve"
    ASSERT_TRUE(store->drop(block_id(1)).ok());
    EXPECT_EQ(disk.list("segments").value(), (std::vector<std::string>{last, "key", "reserve"}));
}

TEST(FragmentStore, what_a_killed_process_had_not_synced_is_synced_by_the_next) {
    MemoryDisk disk;
    ASSERT_TRUE(open_store(disk)->put_slot(block_id(1), 0, payload(9, 1)).ok());
    ASSERT_TRUE(open_store(disk)->sync().ok());
    disk.restart();
    EXPECT_EQ(open_store(disk)->slot(block_id(1), 0).value(), payload(9, 1));
}

TEST(FragmentStore, what_an_earlier_attempt_left_of_a_segment_is_overwritten) {
    MemoryDisk disk;
    auto store = open_store(disk);
    ASSERT_TRUE(store->put_slot(block_id(1), 0, payload(500, 1)).ok());
    ASSERT_TRUE(disk.write_file_atomic("segments/00000002.seg", payload(30, 9)).ok());
    ASSERT_TRUE(store->put_slot(block_id(1), 1, payload(500, 2)).ok());
    EXPECT_EQ(store->slot(block_id(1), 1).value(), payload(500, 2));
    EXPECT_EQ(open_store(disk)->slot(block_id(1), 1).value(), payload(500, 2));
}

// The scan reads 64 KiB at a time; wherever the next record begins, it is found.
TEST(FragmentStore, finds_the_record_after_a_damaged_header_across_reads) {
    const std::uint64_t window_end = kSegmentHeaderSize + 1 + (64 << 10);
    for (std::uint64_t start = window_end - 6; start < window_end + 3; ++start) {
        MemoryDisk disk;
        {
            auto store = open_store(disk, 1 << 20);
            const auto size = start - kSegmentHeaderSize - kRecordHeaderSize - kCheckSize;
            ASSERT_TRUE(store->put_slot(block_id(1), 0, payload(size, 1)).ok());
            ASSERT_TRUE(store->put_slot(block_id(2), 0, payload(10, 2)).ok());
        }
        ASSERT_TRUE(disk.flip_bit("segments/00000001.seg", kSegmentHeaderSize * 8));
        const auto store = open_store(disk);
        EXPECT_EQ(store->blocks(), std::vector<BlockId>{block_id(2)}) << start;
        EXPECT_EQ(store->damaged(), 1u);
    }
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

struct Share {
    Share(std::size_t row_size, std::uint64_t seed) {
        for (std::uint32_t slot = 0; slot < 3; ++slot)
            for (std::uint32_t j = 0; j < 4; ++j) {
                rows.push_back(payload(row_size, seed * 100 + slot * 10 + j));
                digests.push_back(block::row_digest(rows.back()));
            }
        for (std::uint32_t slot = 0; slot < 3; ++slot) {
            SlotToStore out{slot * 7, std::span(digests).subspan(slot * 4, 4), {}};
            for (std::uint32_t j = 0; j < 4; ++j) out.rows.push_back(rows[slot * 4 + j]);
            slots.push_back(std::move(out));
        }
    }
    // What slot() gives of the i-th slot.
    Bytes stored(std::size_t i) const {
        Bytes out;
        for (const auto& digest : slots[i].digests)
            out.insert(out.end(), digest.bytes.begin(), digest.bytes.end());
        for (const auto row : slots[i].rows) out.insert(out.end(), row.begin(), row.end());
        return out;
    }
    std::vector<Bytes> rows;
    std::vector<Digest> digests;
    std::vector<SlotToStore> slots;
};

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

// The sidecar still lists the first record; what was put again must win.
TEST(FragmentStore, what_was_lost_and_put_again_is_there_after_opening) {
    for (const bool before_sidecar : {true, false}) {
        MemoryDisk disk;
        auto store = open_store(disk);
        ASSERT_TRUE(store->put_slot(block_id(1), 0, payload(500, 0)).ok());
        if (!before_sidecar) {
            ASSERT_TRUE(store->put_slot(block_id(2), 0, payload(500, 0)).ok());
            ASSERT_TRUE(store->sync().ok());
            ASSERT_TRUE(disk.exists("segments/00000001.idx").value());
        }
        ASSERT_TRUE(disk.flip_bit("segments/00000001.seg", 8 * (kSegmentHeaderSize + 200)));
        EXPECT_EQ(store->slot(block_id(1), 0).error().kind, ErrorKind::corrupt);
        ASSERT_TRUE(store->put_slot(block_id(3), 0, payload(500, 0)).ok());
        ASSERT_TRUE(store->put_slot(block_id(1), 0, payload(500, 0)).ok());
        ASSERT_TRUE(store->put_slot(block_id(3), 1, payload(500, 0)).ok());
        ASSERT_TRUE(store->sync().ok());
        disk.restart();
        store = open_store(disk);
        ASSERT_TRUE(store->contains(block_id(1), 0));
        EXPECT_EQ(store->slot(block_id(1), 0).value(), payload(500, 0));
        EXPECT_EQ(store->bytes_stored(), before_sidecar ? 1500u : 2000u);
    }
}

TEST(FragmentStore, what_turned_out_damaged_is_not_stored_after_opening_either) {
    MemoryDisk disk;
    auto store = open_store(disk);
    ASSERT_TRUE(store->put_slot(block_id(1), 0, payload(500, 0)).ok());
    ASSERT_TRUE(store->put_slot(block_id(2), 0, payload(500, 0)).ok());
    ASSERT_TRUE(store->sync().ok());
    ASSERT_TRUE(disk.flip_bit("segments/00000001.seg", 8 * (kSegmentHeaderSize + 200)));
    EXPECT_EQ(store->slot(block_id(1), 0).error().kind, ErrorKind::corrupt);
    store = open_store(disk);
    EXPECT_FALSE(store->contains(block_id(1), 0));
    EXPECT_EQ(store->damaged(), 1u);
}

// Compaction moves one record of two and finds the disk full for the other, whose block is then
// dropped. The first place of the moved one is empty now, but must outlive the next power cut.
TEST(FragmentStore, a_segment_stays_until_what_was_moved_out_of_it_is_synced) {
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

TEST(FragmentStore, a_store_of_another_version_is_refused_by_name) {
    MemoryDisk disk;
    ASSERT_TRUE(open_store(disk)->put_slot(block_id(1), 0, payload(20, 0)).ok());
    auto key_file = disk.read_file("segments/key", 1000).value();
    const auto key = decode_segment_header(key_file).value();
    key_file[7] = '1';
    const auto check =
        crypto::blake3_keyed(key, ByteSpan(key_file).first(key_file.size() - kCheckSize));
    std::copy_n(check.bytes.begin(), kCheckSize, key_file.end() - kCheckSize);
    ASSERT_TRUE(disk.write_file_atomic("segments/key", key_file).ok());
    SeededRandom random(11);
    const auto refused = FragmentStore::open(disk, random);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::unimplemented);
    EXPECT_NE(refused.error().message.find("version 01"), std::string::npos);
}

// The rows are covered by their digests, the digests by the record's check.
TEST(FragmentStore, any_flipped_bit_of_a_share_is_found_when_reading_scrubbing_and_opening) {
    const Share share(128, 1);
    for (std::uint64_t bit = 0; bit < 8 * 3000; bit += 61) {
        MemoryDisk disk;
        auto store = open_store(disk);
        ASSERT_TRUE(store->put_share(block_id(1), payload(50, 2), share.slots).ok());
        ASSERT_TRUE(store->sync().ok());
        const auto at = 8 * kSegmentHeaderSize + bit;
        if (!disk.flip_bit("segments/00000001.seg", at)) break;
        std::uint32_t wrong = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            const auto got = store->slot(block_id(1), share.slots[i].slot);
            if (got.ok()) wrong += *got != share.stored(i);
        }
        EXPECT_EQ(wrong, 0u) << bit;
        ASSERT_TRUE(store->scrub_some(1 << 20).ok());
        disk.restart();
        store = open_store(disk);
        for (std::size_t i = 0; i < 3; ++i) {
            const auto got = store->slot(block_id(1), share.slots[i].slot);
            if (got.ok()) {
                EXPECT_EQ(*got, share.stored(i)) << bit;
            }
        }
        EXPECT_LE(store->slot_count(), 3u);
        EXPECT_GE(store->slot_count() + store->has_statement(block_id(1)), 3u) << bit;
    }
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

TEST(FragmentStore, scrubbing_finds_what_rotted_and_says_when_it_is_through) {
    MemoryDisk disk;
    auto store = open_store(disk, 3000);
    for (std::uint8_t b = 1; b <= 6; ++b) {
        const Share share(128, b);
        ASSERT_TRUE(store->put_share(block_id(b), payload(50, b), share.slots).ok());
    }
    ASSERT_TRUE(store->sync().ok());
    auto first = store->scrub_some(1 << 20).value();
    EXPECT_TRUE(first.finished);
    EXPECT_EQ(first.damaged, 0u);
    EXPECT_GT(first.bytes, store->bytes_stored());
    ASSERT_TRUE(disk.flip_bit("segments/00000002.seg", 8 * (kSegmentHeaderSize + 700)));
    std::uint64_t damaged = 0;
    int steps = 0;
    for (ScrubStep step; !step.finished; ++steps) {
        step = store->scrub_some(1000).value();
        damaged += step.damaged;
        ASSERT_LT(steps, 1000);
    }
    EXPECT_EQ(damaged, 1u);
    EXPECT_GT(steps, 3);
    EXPECT_EQ(store->damaged(), 1u);
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

TEST(FragmentStore, compaction_frees_what_drops_left_and_loses_nothing) {
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
TEST(FragmentStore, compaction_begins_with_what_fits) {
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

TEST(FragmentStore, a_disk_too_full_to_compact_says_so_and_stays_as_it_is) {
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
