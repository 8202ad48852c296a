#include "block/share_message.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace mutirao::block {
namespace {

Bytes joined(const ShareMessage& share) {
    auto out = share.encode_head();
    for (const auto& slot : share.slots)
        for (const auto row : slot.rows) out.insert(out.end(), row.begin(), row.end());
    return out;
}

TEST(ShareMessage, comes_back_and_nothing_shorter_or_longer_is_taken) {
    SeededRandom random(1);
    Bytes rows(6 * 128);
    random.fill(rows);
    const Bytes statement{1, 2, 3};
    ShareMessage share{random.fixed<BlockId>(), 7, true, statement, {{3, {}}, {255, {}}}};
    for (std::size_t i = 0; i < 6; ++i)
        share.slots[i / 3].rows.push_back(ByteSpan(rows).subspan(i * 128, 128));
    const auto bytes = joined(share);
    const auto back = ShareMessage::decode(bytes).value();
    EXPECT_EQ(back.id, share.id);
    EXPECT_EQ(back.epoch, 7u);
    EXPECT_TRUE(back.sign);
    EXPECT_EQ(to_bytes(back.statement), statement);
    ASSERT_EQ(back.slots.size(), 2u);
    EXPECT_EQ(back.slots[1].slot, 255u);
    ASSERT_EQ(back.slots[1].rows.size(), 3u);
    EXPECT_EQ(joined(back), bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        // Cut by a row of each slot it is another share.
        if ((bytes.size() - size) % 256 != 0) {
            EXPECT_FALSE(ShareMessage::decode(ByteSpan(bytes).first(size)).ok()) << size;
        }
    auto longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(ShareMessage::decode(longer).ok());
}

TEST(ShareMessage, without_slots_only_asks_for_a_signature) {
    const ShareMessage share{{}, 1, true, {}, {}};
    EXPECT_TRUE(ShareMessage::decode(share.encode_head()).value().slots.empty());
    auto more = share.encode_head();
    more.push_back(1);
    EXPECT_FALSE(ShareMessage::decode(more).ok());
}

TEST(ServedMessage, comes_back_with_the_rows_where_they_were_put) {
    SeededRandom random(2);
    std::vector<ServedMessage::Slot> slots{{4, {}, {{4, {}}, {260, {}}}}, {9, {}, {{521, {}}}}};
    for (auto& slot : slots)
        for (int i = 0; i < 3; ++i) slot.digests.push_back(random.fixed<Digest>());
    auto bytes = ServedMessage::encode_head(slots, 256);
    const auto head = ServedMessage::head_size(slots);
    ASSERT_EQ(bytes.size(), head + 3 * 256);
    random.fill(MutableByteSpan(bytes).subspan(head));
    const auto back = ServedMessage::decode(bytes).value();
    ASSERT_EQ(back.slots.size(), 2u);
    EXPECT_EQ(back.slots[0].digests, slots[0].digests);
    EXPECT_EQ(back.slots[1].rows.at(0).index, 521u);
    EXPECT_EQ(back.slots[1].rows.at(0).bytes.data(), bytes.data() + head + 512);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(ServedMessage::decode(ByteSpan(bytes).first(size)).ok()) << size;
}

}  // namespace
}  // namespace mutirao::block
