#include "block/slot_proof.hpp"

#include <gtest/gtest.h>

#include "block/stated_block_test.hpp"
#include "crypto/hash.hpp"

namespace mutirao::block {
namespace {

Digest draw_of(std::uint8_t number) {
    Digest out;
    out.bytes[0] = number;
    return out;
}

SlotProof proof_of(const CodedBlock& coded, std::uint32_t slot, const Digest& draw) {
    auto digests = slot_digests(coded, slot);
    const auto place = drawn_row(draw, digests.size());
    const auto row = coded.row(coded.order.row_at(slot, place));
    return prove_slot(coded.statement, slot, std::move(digests), to_bytes(row));
}

TEST(SlotProof, shows_the_drawn_row_of_any_slot_in_either_profile) {
    for (const auto profile : {Profile::wide, Profile::sampled}) {
        const auto coded = code(20000, 1, profile);
        for (const std::uint32_t slot : {0u, 7u, 255u}) {
            const auto proof = proof_of(coded, slot, draw_of(1));
            EXPECT_TRUE(
                verify_slot_proof(coded.statement.commitment, slot, draw_of(1), proof).ok());
            EXPECT_LE(proof.encode().size(), SlotProof::kSizeMax);
            const auto back = SlotProof::decode(proof.encode());
            ASSERT_TRUE(back.ok());
            EXPECT_EQ(back->encode(), proof.encode());
        }
    }
}

TEST(SlotProof, every_row_is_drawn_by_some_draw) {
    std::set<std::uint32_t> drawn;
    for (int i = 0; i < 200; ++i) drawn.insert(drawn_row(draw_of(std::uint8_t(i)), 12));
    EXPECT_EQ(drawn.size(), 12u);
    EXPECT_EQ(*drawn.rbegin(), 11u);
}

TEST(SlotProof, refuses_whatever_is_not_the_drawn_row_under_the_commitment) {
    const auto coded = code(20000);
    const auto good = proof_of(coded, 7, draw_of(1));
    const auto refuses = [&](std::uint32_t slot, const Digest& draw, const SlotProof& proof) {
        EXPECT_EQ(verify_slot_proof(coded.statement.commitment, slot, draw, proof).error().kind,
                  ErrorKind::permission_denied);
    };
    refuses(8, draw_of(1), good);
    std::uint8_t other = 2;
    while (drawn_row(draw_of(other), good.digests.size()) ==
           drawn_row(draw_of(1), good.digests.size()))
        ++other;
    refuses(7, draw_of(other), good);
    auto changed = good;
    changed.row[0] ^= 1;
    refuses(7, draw_of(1), changed);
    // A row of one's own with its digest is not under the leaf.
    changed = good;
    for (auto& digest : changed.digests)
        digest = good.digests[drawn_row(draw_of(1), good.digests.size())];
    refuses(7, draw_of(1), changed);
    changed = good;
    changed.opening.bytes[3] ^= 1;
    refuses(7, draw_of(1), changed);
    refuses(7, draw_of(1), proof_of(coded, 9, draw_of(1)));
    refuses(7, draw_of(1), SlotProof{});
}

TEST(SlotProof, decoding_refuses_other_sizes) {
    const auto good = proof_of(code(20000), 7, draw_of(1)).encode();
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{47}, std::size_t{52}, good.size() - 1})
        EXPECT_EQ(SlotProof::decode(ByteSpan(good).first(size)).error().kind, ErrorKind::corrupt);
    auto longer = good;
    longer.push_back(0);
    EXPECT_FALSE(SlotProof::decode(longer).ok());
    auto none = good;
    none[48] = 0;
    EXPECT_FALSE(SlotProof::decode(none).ok());
    none[48] = SlotProof::kRowsMax + 1;
    EXPECT_FALSE(SlotProof::decode(none).ok());
}

}  // namespace
}  // namespace mutirao::block
