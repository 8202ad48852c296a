#include "consensus/block_log.hpp"

#include <gtest/gtest.h>

#include "base/memory_disk.hpp"
#include "base/random.hpp"
#include "consensus/block.hpp"

namespace mutirao::consensus {
namespace {

Block sample(std::uint64_t height) {
    SeededRandom random(height);
    Block block;
    block.height = height;
    block.time_ms = 1000 + height;
    block.previous = random.fixed<Digest>();
    block.state_before = random.fixed<Digest>();
    for (std::uint64_t i = 0; i < height; ++i) {
        Bytes transaction(7 * i);
        random.fill(transaction);
        block.transactions.push_back(transaction);
    }
    block.signature = random.fixed<crypto::BlsSignature>();
    return block;
}

TEST(Block, has_one_encoding) {
    for (std::uint64_t height = 0; height < 5; ++height) {
        const auto bytes = sample(height).encode();
        ASSERT_TRUE(Block::decode(bytes).ok());
        EXPECT_EQ(Block::decode(bytes)->encode(), bytes);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            EXPECT_FALSE(Block::decode(ByteSpan(bytes).first(size)).ok());
        auto longer = bytes;
        longer.push_back(0);
        EXPECT_FALSE(Block::decode(longer).ok());
    }
}

TEST(Block, refuses_more_than_its_limits) {
    Block block;
    block.transactions.assign(kBlockTransactionsMax, {});
    EXPECT_TRUE(Block::decode(block.encode()).ok());
    block.transactions.emplace_back();
    EXPECT_EQ(Block::decode(block.encode()).error().kind, ErrorKind::corrupt);
    block.transactions.assign(9, Bytes(128 * 1024));
    EXPECT_FALSE(Block::decode(block.encode()).ok());
}

TEST(Block, its_hash_covers_everything_but_the_signature) {
    const auto block = sample(3);
    auto other = block;
    other.signature.bytes[0] ^= 1;
    EXPECT_EQ(other.hash(), block.hash());
    const auto bytes = block.encode();
    for (std::size_t bit = 0; bit < (bytes.size() - crypto::BlsSignature::kSize) * 8; ++bit) {
        auto changed = bytes;
        changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1u << bit % 8);
        const auto decoded = Block::decode(changed);
        EXPECT_TRUE(!decoded.ok() || decoded->hash() != block.hash()) << bit;
    }
}

struct Opened {
    Status status;
    std::vector<Bytes> blocks;
};

Opened reopen(Disk& disk) {
    Opened out;
    const auto log = BlockLog::open(disk, [&](const Block& block) -> Status {
        out.blocks.push_back(block.encode());
        return {};
    });
    if (!log.ok()) out.status = log.error();
    return out;
}

void write_blocks(Disk& disk, std::uint64_t count) {
    auto log = BlockLog::open(disk, [](const Block&) { return Status(); }).value();
    for (std::uint64_t height = 1; height <= count; ++height) {
        ASSERT_TRUE(log->append(sample(height)).ok());
        ASSERT_TRUE(log->sync().ok());
    }
}

TEST(BlockLog, gives_back_what_was_appended) {
    MemoryDisk disk;
    EXPECT_TRUE(reopen(disk).blocks.empty());
    write_blocks(disk, 3);
    const auto opened = reopen(disk);
    ASSERT_TRUE(opened.status.ok());
    ASSERT_EQ(opened.blocks.size(), 3u);
    EXPECT_EQ(opened.blocks[2], sample(3).encode());
}

// The power goes at every byte of the last append, and what was written remains.
TEST(BlockLog, a_torn_end_is_cut_off_at_every_byte) {
    MemoryDisk whole;
    write_blocks(whole, 2);
    const auto before = whole.bytes_stored();
    write_blocks(whole, 0);
    MemoryDisk longer;
    write_blocks(longer, 3);
    const auto record = longer.bytes_stored() - before;
    for (std::uint64_t kept = 0; kept <= record; ++kept) {
        MemoryDisk disk;
        write_blocks(disk, 2);
        {
            auto log = BlockLog::open(disk, [](const Block&) { return Status(); }).value();
            disk.cut_power_after_bytes(kept);
            EXPECT_EQ(log->append(sample(3)).ok(), kept == record);
        }
        disk.restart(kept);
        const auto opened = reopen(disk);
        ASSERT_TRUE(opened.status.ok()) << kept;
        EXPECT_EQ(opened.blocks.size(), kept == record ? 3u : 2u) << kept;
        // What was cut off is gone: the next block follows the last whole one.
        EXPECT_EQ(disk.bytes_stored(), kept == record ? before + record : before);
    }
}

// A flip before the last record is damage, wherever it falls: never a silent loss of blocks.
TEST(BlockLog, a_flipped_bit_before_the_last_record_is_corrupt) {
    MemoryDisk two;
    write_blocks(two, 2);
    const auto end = two.bytes_stored();
    for (std::uint64_t bit = 0; bit < end * 8; ++bit) {
        MemoryDisk disk;
        write_blocks(disk, 3);
        ASSERT_TRUE(disk.flip_bit("blocks.log", bit));
        const auto opened = reopen(disk);
        ASSERT_FALSE(opened.status.ok()) << bit;
        EXPECT_EQ(opened.status.error().kind, ErrorKind::corrupt) << bit;
    }
}

TEST(BlockLog, a_damaged_last_record_is_never_replayed) {
    MemoryDisk two, three;
    write_blocks(two, 2);
    write_blocks(three, 3);
    for (std::uint64_t bit = two.bytes_stored() * 8; bit < three.bytes_stored() * 8; ++bit) {
        MemoryDisk disk;
        write_blocks(disk, 3);
        ASSERT_TRUE(disk.flip_bit("blocks.log", bit));
        EXPECT_EQ(reopen(disk).blocks.size(), 2u) << bit;
    }
}

TEST(BlockLog, a_full_disk_leaves_the_log_as_it_was) {
    MemoryDisk disk;
    write_blocks(disk, 2);
    auto log = BlockLog::open(disk, [](const Block&) { return Status(); }).value();
    const auto before = disk.bytes_stored();
    disk.set_capacity(before + 10);
    EXPECT_EQ(log->append(sample(3)).error().kind, ErrorKind::resource_exhausted);
    EXPECT_EQ(disk.bytes_stored(), before);
    disk.set_capacity(1 << 20);
    EXPECT_TRUE(log->append(sample(3)).ok());
    EXPECT_TRUE(log->sync().ok());
    EXPECT_EQ(reopen(disk).blocks.size(), 3u);
}

TEST(BlockLog, a_log_that_could_not_be_cut_back_takes_no_more) {
    MemoryDisk disk;
    auto log = BlockLog::open(disk, [](const Block&) { return Status(); }).value();
    disk.cut_power_after_bytes(5);
    EXPECT_FALSE(log->append(sample(1)).ok());
    EXPECT_EQ(log->append(sample(1)).error().kind, ErrorKind::io);
}

}  // namespace
}  // namespace mutirao::consensus
