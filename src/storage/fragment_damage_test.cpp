// What a FragmentStore promises when bits rot: nothing damaged is given out, and nothing else is
// lost.
#include <algorithm>
#include <gtest/gtest.h>

#include "crypto/hash.hpp"
#include "storage/test_fragments.hpp"

namespace mutirao::storage {
namespace {

// Three records in one segment; then every single bit of the file is flipped in turn.
TEST(FragmentDamage, one_flipped_bit_costs_at_most_the_record_it_is_in) {
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

TEST(FragmentDamage, a_record_that_rots_while_open_is_lost_and_can_be_put_again) {
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
TEST(FragmentDamage, a_payload_that_imitates_records_stays_a_payload) {
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

TEST(FragmentDamage, the_checksum_key_is_found_in_the_key_file_or_in_any_segment) {
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

// The scan reads 64 KiB at a time; wherever the next record begins, it is found.
TEST(FragmentDamage, finds_the_record_after_a_damaged_header_across_reads) {
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

// The sidecar still lists the first record; what was put again must win.
TEST(FragmentDamage, what_was_lost_and_put_again_is_there_after_opening) {
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

TEST(FragmentDamage, what_turned_out_damaged_is_not_stored_after_opening_either) {
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

TEST(FragmentDamage, a_store_of_another_version_is_refused_by_name) {
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
TEST(FragmentDamage, any_flipped_bit_of_a_share_is_found_when_reading_scrubbing_and_opening) {
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

TEST(FragmentDamage, scrubbing_finds_what_rotted_and_says_when_it_is_through) {
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

}  // namespace
}  // namespace mutirao::storage
