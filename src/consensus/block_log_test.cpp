#include "consensus/block_log.hpp"

#include <gtest/gtest.h>

#include "base/memory_disk.hpp"
#include "base/random.hpp"
#include "consensus/block.hpp"
#include "consensus/fault.hpp"

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
    // Faults stand beside them.
    block.transactions.assign(kBlockTransactionsMax, {});
    block.transactions.insert(block.transactions.end(), kBlockFaultsMax, Fault().encode());
    EXPECT_TRUE(Block::decode(block.encode()).ok());
    block.transactions.push_back(Fault().encode());
    EXPECT_EQ(Block::decode(block.encode()).error().kind, ErrorKind::corrupt);
    block.transactions = {Bytes{Fault::kTag}};
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
    const auto log = BlockLog::open(disk, [&](const Block& block, ByteSpan) -> Status {
        out.blocks.push_back(block.encode());
        return {};
    });
    if (!log.ok()) out.status = log.error();
    return out;
}

void write_blocks(Disk& disk, std::uint64_t count) {
    auto log = BlockLog::open(disk, [](const Block&, ByteSpan) { return Status(); }).value();
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

TEST(BlockLog, damage_before_the_last_block_is_corrupt) {
    MemoryDisk disk;
    write_blocks(disk, 3);
    ASSERT_TRUE(disk.flip_bit("blocks.log", 8));
    EXPECT_EQ(reopen(disk).status.error().kind, ErrorKind::corrupt);
}

TEST(BlockLog, forgets_old_segments_and_knows_where_it_begins) {
    MemoryDisk disk;
    const auto ignore = [](const Block&, ByteSpan) { return Status(); };
    auto log = BlockLog::open(disk, ignore, 2000).value();
    EXPECT_EQ(log->first_height(), 0u);
    for (std::uint64_t height = 1; height <= 20; ++height)
        ASSERT_TRUE(log->append(sample(height), as_bytes("found")).ok());
    EXPECT_EQ(log->first_height(), 1u);
    EXPECT_FALSE(log->forget_below(2).value());
    EXPECT_TRUE(log->forget_below(15).value());
    const auto first = log->first_height();
    EXPECT_GT(first, 1u);
    EXPECT_LE(first, 15u);
    ASSERT_TRUE(log->sync().ok());
    std::vector<std::uint64_t> heights;
    log = BlockLog::open(
              disk,
              [&](const Block& block, ByteSpan findings) -> Status {
                  EXPECT_EQ(as_text(findings), "found");
                  heights.push_back(block.height);
                  return {};
              },
              2000)
              .value();
    EXPECT_EQ(log->first_height(), first);
    EXPECT_EQ(heights.front(), first);
    EXPECT_EQ(heights.back(), 20u);
    EXPECT_TRUE(log->forget_below(1000).value());  // all but the newest segment
    EXPECT_LE(log->first_height(), 20u);
}

}  // namespace
}  // namespace mutirao::consensus
