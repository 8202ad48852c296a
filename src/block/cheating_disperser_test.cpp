// A disperser that states what it likes, with an id that fits: each lie meets the check that finds
// it. docs/explanation/security.md says what the checks prove together.
#include <gtest/gtest.h>

#include "block/stated_block_test.hpp"

namespace mutirao::block {
namespace {

TEST(CheatingDisperser, a_junk_row_under_honest_hashes_fails_the_fold) {
    auto coded = code(20000);
    for (const std::uint32_t index : {256u + 44, 700u}) {  // parity rows
        const auto honest = to_bytes(coded.row(index));
        row_of(coded, index)[17] ^= 1;
        state_again(coded);
        const auto check = open(coded);
        EXPECT_TRUE(check_commitment(coded.statement).ok());
        const auto refused = check.check_slot(index % kSlotCount, slot_rows(coded, index % 256));
        ASSERT_FALSE(refused.ok());
        EXPECT_NE(refused.error().message.find("row " + std::to_string(index) + " does not belong"),
                  std::string::npos);
        EXPECT_EQ(slots_passing(check, coded), kSlotCount - 1);
        std::copy(honest.begin(), honest.end(), row_of(coded, index).begin());
    }
}

TEST(CheatingDisperser, a_junk_data_row_fails_the_fold_of_the_parity_rows) {
    auto coded = code(20000);
    row_of(coded, 3)[0] ^= 1;
    state_again(coded);
    const auto check = open(coded);
    // Every slot has parity rows, and every parity row depends on data row 3.
    EXPECT_EQ(slots_passing(check, coded), 0u);
}

TEST(CheatingDisperser, folds_that_are_not_those_of_the_rows_are_found) {
    auto coded = code(20000);
    coded.statement.folds[16 * 7 + 2] ^= 1;
    EXPECT_EQ(slots_passing(open(coded), coded), 0u);
    coded.statement.folds.assign(coded.statement.folds.size(), 0);
    EXPECT_EQ(slots_passing(open(coded), coded), 0u);
}

TEST(CheatingDisperser, the_challenge_depends_on_every_leaf_and_on_the_header) {
    auto coded = code(20000);
    coded.statement.leaves[200].bytes[5] ^= 4;
    EXPECT_EQ(slots_passing(open(coded), coded), 0u);
    coded = code(20000);
    coded.statement.header.key_commitment.bytes[31] ^= 1;
    EXPECT_EQ(slots_passing(open(coded), coded), 0u);
    state_folds(coded);
    EXPECT_EQ(slots_passing(open(coded), coded), kSlotCount);
}

TEST(CheatingDisperser, leaves_that_do_not_match_rows_are_found) {
    auto coded = code(20000);
    std::swap(coded.statement.leaves[3], coded.statement.leaves[4]);
    state_folds(coded);
    const auto check = open(coded);
    EXPECT_FALSE(check.check_slot(3, slot_rows(coded, 3)).ok());
    EXPECT_FALSE(check.check_slot(4, slot_rows(coded, 4)).ok());
    EXPECT_EQ(slots_passing(check, coded), kSlotCount - 2);
}

// A commitment is to numbers of 254 bits, so two leaves that differ in their top bits alone share
// one. The leaf itself is what rows are held to, and the id knows both apart.
TEST(CheatingDisperser, a_leaf_under_another_ones_commitment_is_no_leaf_of_the_rows) {
    auto coded = code(20000);
    const auto id = coded.statement.id();
    coded.statement.leaves[9].bytes[31] ^= 0x80;
    EXPECT_TRUE(check_commitment(coded.statement).ok());
    EXPECT_NE(coded.statement.id(), id);
    EXPECT_FALSE(StatementCheck::open(id, coded.statement).ok());
    state_folds(coded);
    EXPECT_EQ(slots_passing(open(coded), coded), kSlotCount - 1);
}

TEST(CheatingDisperser, junk_in_all_parity_rows_passes_nowhere) {
    auto coded = code(20000);
    SeededRandom random(12);
    for (std::uint32_t row = 256; row < 768; ++row) random.fill(row_of(coded, row));
    state_again(coded);
    EXPECT_EQ(slots_passing(open(coded), coded), 0u);
}

TEST(CheatingDisperser, rows_of_two_contents_pass_for_one_of_them_at_most) {
    auto coded = code(20000, 1);
    const auto other = code(20000, 2);
    for (std::uint32_t row = 300; row < 768; row += 2)
        std::copy(other.row(row).begin(), other.row(row).end(), row_of(coded, row).begin());
    state_again(coded);
    const auto check = open(coded);
    // Even slots have parity rows of both; odd ones from 301 on are of the stated folds' content.
    for (std::uint32_t slot = 0; slot < kSlotCount; ++slot)
        EXPECT_EQ(check.check_slot(slot, slot_rows(coded, slot)).ok(), slot % 2 == 1) << slot;
}

// Header, leaves, commitment and folds of another block, each under this block's id.
TEST(CheatingDisperser, two_blocks_are_not_had_under_one_id) {
    const auto honest = code(20000, 1).statement, other = code(20000, 2).statement;
    const auto id = honest.id();
    const auto opens = [&](auto change) {
        auto mixed = honest;
        change(mixed);
        return StatementCheck::open(id, mixed).ok();
    };
    EXPECT_TRUE(opens([](Statement&) {}));
    EXPECT_FALSE(opens([&](Statement& s) { s = other; }));
    EXPECT_FALSE(opens([&](Statement& s) { s.leaves = other.leaves; }));
    EXPECT_FALSE(opens([&](Statement& s) { s.commitment = other.commitment; }));
    EXPECT_FALSE(opens([&](Statement& s) { s.folds = other.folds; }));
    EXPECT_FALSE(opens([](Statement& s) { s.header.length = 19999; }));
    EXPECT_FALSE(opens([](Statement& s) { s.header.cipher = Cipher::aes_256_gcm; }));
    EXPECT_FALSE(opens([](Statement& s) { s.header.key_commitment.bytes[0] = 1; }));
    EXPECT_FALSE(opens([](Statement& s) { s.header.extra.bytes[0] = 1; }));
}

TEST(CheatingDisperser, a_commitment_to_other_leaves_is_found) {
    auto coded = code(20000);
    const auto honest = coded.statement;
    coded.statement.commitment = code(20000, 2).statement.commitment;
    EXPECT_FALSE(check_commitment(coded.statement).ok());
    // In a batch as well, wherever it stands.
    const auto seed = SeededRandom(5).fixed<Digest>();
    for (std::size_t at = 0; at < 3; ++at) {
        std::vector<const Statement*> batch(3, &honest);
        EXPECT_TRUE(check_commitments(batch, seed).ok());
        batch[at] = &coded.statement;
        EXPECT_FALSE(check_commitments(batch, seed).ok()) << at;
    }
}

TEST(CheatingDisperser, two_wrong_commitments_do_not_make_up_for_each_other) {
    const auto a = code(100, 1).statement, b = code(100, 2).statement;
    auto wrong_a = a, wrong_b = b;
    std::swap(wrong_a.commitment, wrong_b.commitment);
    const Statement* const batch[] = {&wrong_a, &wrong_b};
    EXPECT_FALSE(check_commitments(batch, SeededRandom(6).fixed<Digest>()).ok());
}

TEST(CheatingDisperser, a_commitment_outside_the_group_is_refused) {
    auto statement = code(100).statement;
    // x = 4 is on the curve y^2 = x^3 + 4, but its points are not in the subgroup of prime order.
    statement.commitment = {};
    statement.commitment.bytes[0] = 0x80;
    statement.commitment.bytes[47] = 4;
    EXPECT_FALSE(check_commitment(statement).ok());
    statement.commitment.bytes[47] = 1;  // not on the curve
    EXPECT_FALSE(check_commitment(statement).ok());
    statement.commitment = {};
    statement.commitment.bytes[0] = 0xc0;  // infinity: a valid point, of another vector
    EXPECT_FALSE(check_commitment(statement).ok());
    statement.commitment.bytes.fill(0xff);  // x is not below the field's modulus
    EXPECT_FALSE(check_commitment(statement).ok());
    statement.commitment = code(100).statement.commitment;
    ASSERT_TRUE(check_commitment(statement).ok());
    statement.commitment.bytes[0] ^= 0x20;  // the other root: minus the point
    EXPECT_FALSE(check_commitment(statement).ok());
    statement.commitment.bytes[0] ^= 0xa0;  // not marked as compressed
    EXPECT_FALSE(check_commitment(statement).ok());
}

}  // namespace
}  // namespace mutirao::block
