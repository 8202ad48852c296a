// Profile S: shares of honest blocks pass with their proof, and each lie about rows, their order or
// their tree meets the check that finds it.
#include <gtest/gtest.h>

#include "block/stated_block_test.hpp"

namespace mutirao::block {
namespace {

const CodedBlock& small() {
    static const CodedBlock coded = code_sampled(20000);
    return coded;
}

const std::vector<std::uint32_t> kShare{3, 77, 200, 255};

std::string refusal(const Status& status) { return status.ok() ? "" : status.error().message; }

testing::AssertionResult refused_as(const Status& status, const std::string& words) {
    if (status.ok()) return testing::AssertionFailure() << "it passed";
    if (status.error().kind == ErrorKind::corrupt &&
        refusal(status).find(words) < std::string::npos)
        return testing::AssertionSuccess();
    return testing::AssertionFailure() << refusal(status);
}

std::vector<std::uint32_t> all_slots() {
    std::vector<std::uint32_t> slots(kSlotCount);
    for (std::uint32_t slot = 0; slot < kSlotCount; ++slot) slots[slot] = slot;
    return slots;
}

TEST(Sampled, every_share_of_an_honest_block_passes) {
    for (const std::size_t size : {0u, 1u, 20000u, 4096u * 128 + 1}) {
        const auto coded = code_sampled(size);
        const auto check = open(coded);
        EXPECT_TRUE(check_commitment(coded.statement).ok());
        EXPECT_TRUE(check_share(check, coded, kShare).ok()) << size;
        for (const std::uint32_t slot : {0u, 128u, 255u})
            EXPECT_TRUE(check_share(check, coded, {&slot, 1}).ok()) << size;
        EXPECT_TRUE(check_share(check, coded, all_slots()).ok()) << size;
    }
    // In any order of its slots: the proof is of the rows.
    const std::vector<std::uint32_t> other_order{200, 255, 77, 3};
    EXPECT_EQ(small().prove_share(kShare), small().prove_share(other_order));
    EXPECT_TRUE(check_share(open(small()), small(), other_order).ok());
}

TEST(Sampled, a_share_of_the_largest_block_passes) {
    auto coded = code_sampled(kBlockSizeMax);
    EXPECT_EQ(coded.rows.size(), 4 * kBlockSizeMax);
    const auto check = open(coded);
    EXPECT_TRUE(check_share(check, coded, kShare).ok());
    row_of(coded, coded.order.row_at(77, 63)).back() ^= 0x80;
    EXPECT_FALSE(check_share(check, coded, kShare).ok());
}

TEST(Sampled, a_share_without_its_proof_is_refused) {
    const auto check = open(small());
    EXPECT_TRUE(refused_as(check.check_share(share_of(small(), kShare)), "needs the proof"));
    const auto wide = code(20000);
    EXPECT_TRUE(open(wide).check_share(share_of(wide, kShare)).ok());
    EXPECT_TRUE(refused_as(open(wide).check_share(share_of(wide, kShare), std::vector<Digest>(1)),
                           "has no proof"));
}

TEST(Sampled, a_share_of_no_slot_of_one_twice_or_of_one_that_is_none_is_refused) {
    const auto check = open(small());
    const auto proof = small().prove_share(kShare);
    EXPECT_TRUE(refused_as(check.check_share({}, proof), "no slot"));
    auto share = share_of(small(), kShare);
    share.push_back(share.front());
    EXPECT_TRUE(refused_as(check.check_share(share, proof), "twice"));
    share.back().slot = kSlotCount;
    EXPECT_TRUE(refused_as(check.check_share(share, proof), "slot 256"));
    share.pop_back();
    share[1].rows.pop_back();
    EXPECT_TRUE(refused_as(check.check_share(share, proof), "needs 64 rows"));
    share = share_of(small(), kShare);
    share[2].rows[5] = share[2].rows[5].first(127);
    EXPECT_TRUE(refused_as(check.check_share(share, proof), "127 bytes"));
    share = share_of(small(), kShare);
    std::swap(share[0].rows[0], share[0].rows[1]);
    EXPECT_TRUE(refused_as(check.check_share(share, proof), "slot 3"));
}

// A bit that flips on its way is never called the disperser's fault.
TEST(Sampled, a_flipped_bit_of_a_row_is_not_what_was_committed_to) {
    auto coded = small();
    const auto check = open(coded);
    const auto proof = coded.prove_share(kShare);
    const auto share = share_of(coded, kShare);
    for (const std::uint32_t place : {0u, 31u, 63u}) {
        const auto row = row_of(coded, coded.order.row_at(200, place));
        for (std::size_t bit = 0; bit < row.size() * 8; bit += 5) {
            flip(row, bit);
            ASSERT_TRUE(refused_as(check.check_share(share, proof), "slot 200 is not the one"));
            flip(row, bit);
        }
    }
    EXPECT_TRUE(check.check_share(share, proof).ok());
}

TEST(Sampled, a_flipped_bit_of_the_proof_a_digest_more_or_less_and_another_proof_are_refused) {
    const auto check = open(small());
    const auto share = share_of(small(), kShare);
    auto proof = small().prove_share(kShare);
    ASSERT_GT(proof.size(), 1000u);
    for (std::size_t i = 0; i < proof.size(); i += 61) {
        flip(proof[i].bytes, i % 256);
        ASSERT_TRUE(refused_as(check.check_share(share, proof), "does not hold")) << i;
        flip(proof[i].bytes, i % 256);
    }
    EXPECT_TRUE(check.check_share(share, proof).ok());
    EXPECT_TRUE(
        refused_as(check.check_share(share, std::span(proof).first(proof.size() - 1)), "too few"));
    proof.push_back({});
    EXPECT_TRUE(refused_as(check.check_share(share, proof), "too many"));
    proof = small().prove_share(std::vector{3u, 77u, 200u, 254u});
    EXPECT_FALSE(check.check_share(share, proof).ok());
}

TEST(Sampled, encoding_comes_back_and_no_flipped_bit_opens_under_the_block_id) {
    const auto& statement = small().statement;
    const auto id = statement.id();
    const auto bytes = statement.encode();
    ASSERT_EQ(bytes.size(), Statement::encoded_size(statement.header));
    ASSERT_EQ(bytes.size(), Header::kSize + 32 + 256 * 32 + 48 + 4096 * 16u);
    EXPECT_EQ(Statement::decode(bytes)->encode(), bytes);
    for (std::size_t size = 0; size < bytes.size(); size += 997)
        EXPECT_EQ(Statement::decode(ByteSpan(bytes).first(size)).error().kind, ErrorKind::corrupt);
    const std::size_t dense_until = (Header::kSize + 32) * 8;  // header and rows root
    for (std::size_t bit = 0; bit < bytes.size() * 8; bit += bit < dense_until ? 1 : 443) {
        auto flipped = bytes;
        flip(flipped, bit);
        auto decoded = Statement::decode(flipped);
        if (!decoded.ok()) continue;
        ASSERT_FALSE(StatementCheck::open(id, std::move(decoded).value()).ok()) << bit;
    }
}

std::uint32_t rows_moved(const Statement& statement) {
    const auto drawn = statement.row_order();
    std::uint32_t moved = 0;
    for (std::uint32_t j = 0; j < 64; ++j)
        moved += drawn.row_at(0, j) != small().order.row_at(0, j);
    return moved;
}

TEST(Sampled, the_challenge_depends_on_header_and_rows_alone_and_the_order_on_folds_too) {
    auto other = small().statement;
    const auto challenge = other.fold_challenge();
    other.leaves[9].bytes[0] ^= 1;
    other.commitment.bytes[5] ^= 1;
    EXPECT_EQ(other.fold_challenge(), challenge);
    EXPECT_EQ(rows_moved(other), 0u);
    other.folds[7] ^= 1;
    EXPECT_EQ(other.fold_challenge(), challenge);
    EXPECT_GT(rows_moved(other), 50u);
    other = small().statement;
    other.rows_root.bytes[0] ^= 1;
    EXPECT_NE(other.fold_challenge(), challenge);
    EXPECT_GT(rows_moved(other), 50u);
    other = small().statement;
    other.header.extra.bytes[0] ^= 1;
    EXPECT_NE(other.fold_challenge(), challenge);
    EXPECT_GT(rows_moved(other), 50u);
}

// Trying leaves until a challenge pleases is no use: the other slots still pass under the old one.
TEST(Sampled, a_leaf_that_matches_no_rows_fails_alone) {
    auto coded = small();
    coded.statement.leaves[200].bytes[5] ^= 4;
    EXPECT_EQ(slots_passing(open(coded), coded), kSlotCount - 1);
    EXPECT_TRUE(refused_as(check_share(open(coded), coded, kShare), "slot 200"));
}

TEST(Sampled, a_junk_row_under_honest_hashes_fails_the_fold_of_its_share_alone) {
    auto coded = code_sampled(20000);
    row_of(coded, 12345)[17] ^= 1;
    state_again(coded);
    const auto check = open(coded);
    const std::uint32_t with = coded.order.slot_of(12345), without = (with + 1) % kSlotCount;
    EXPECT_TRUE(refused_as(check_share(check, coded, {&with, 1}), "row 12345 does not belong"));
    EXPECT_TRUE(check_share(check, coded, {&without, 1}).ok());
}

// Goal: folds that are those of the data rows hide junk from nobody. Method: junk in one row more
// than can be corrected, all in one place; 64 random rows miss 6145 of 16384 with probability
// 2^-43.
TEST(Sampled, junk_beyond_the_decoding_radius_is_seen_by_every_slot) {
    auto coded = code_sampled(20000);
    const auto& header = coded.statement.header;
    SeededRandom random(8);
    for (auto row = header.rows - (header.rows - header.data_rows) / 2 - 1; row < header.rows;
         ++row)
        random.fill(row_of(coded, row));
    state_again(coded);
    EXPECT_EQ(slots_passing(open(coded), coded), 0u);
}

// A disperser of nothing but junk knows who gets which rows under some folds, and makes others that
// suit 64 of these slots: any k rows are some word's. But with them the rows are dealt out anew.
TEST(Sampled, folds_made_for_64_slots_of_junk_pass_nowhere) {
    auto coded = code_sampled(20000);
    SeededRandom(9).fill(coded.rows.span());
    state_again(coded);
    const auto& header = coded.statement.header;
    std::vector<coding::Row> rows;
    for (std::uint32_t slot = 0; slot < 64; ++slot)
        for (std::uint32_t j = 0; j < header.rows_per_slot(); ++j) {
            const auto index = coded.order.row_at(slot, j);
            rows.push_back({index, coded.row(index)});
        }
    Bytes data(std::size_t{header.data_rows} * header.row_size);
    ASSERT_TRUE(coding::decode(header.shape(), rows, data).ok());
    coding::FoldChallenge(coded.statement.fold_challenge())
        .fold_rows(data.data(), header.row_size, header.data_rows, coded.statement.folds);
    const auto kept = coded.order;
    EXPECT_EQ(slots_passing(open(coded), coded), 0u) << "dealt out in the order before";
    coded.order = coded.statement.row_order();
    state_leaves(coded);
    const auto check = open(coded);
    EXPECT_EQ(slots_passing(check, coded), 0u);
    // 4096 rows of 16384 fold as they should, wherever they are now: about a quarter of each slot.
    std::uint32_t fitting = 0;
    for (std::uint32_t j = 0; j < header.rows_per_slot(); ++j) {
        const auto index = coded.order.row_at(0, j);
        fitting += check.row_folds(index, coded.row(index));
        EXPECT_TRUE(check.row_folds(kept.row_at(0, j), coded.row(kept.row_at(0, j))));
    }
    EXPECT_GT(fitting, 4u);
    EXPECT_LT(fitting, 32u);
    EXPECT_EQ(recover_content(check, rows).error().kind, ErrorKind::unavailable);
}

TEST(Sampled, folds_that_are_not_those_of_the_rows_pass_nowhere) {
    auto coded = small();
    coded.statement.folds[16 * 7 + 2] ^= 1;
    coded.order = coded.statement.row_order();
    state_leaves(coded);
    EXPECT_TRUE(check_commitment(coded.statement).ok());
    EXPECT_EQ(slots_passing(open(coded), coded), 0u);
}

// Goal: trying other folds is drawing lots. Method: one row in 64 is bad, all of them in slots that
// a liar holds under the folds it began with; over many other folds as many slots miss them all as
// chance has it, (1 - 1/64)^64 of 256; under the first folds it was all but the liar's.
TEST(Sampled, other_folds_deal_the_bad_rows_out_at_random) {
    constexpr std::uint32_t kTries = 60, kLiars = 4;
    auto statement = small().statement;
    std::vector<bool> bad(statement.header.rows);
    for (std::uint32_t slot = 0; slot < kLiars; ++slot)
        for (std::uint32_t j = 0; j < 64; ++j) bad[small().order.row_at(slot, j)] = true;
    std::uint32_t clean = 0, best = 0;
    for (std::uint32_t run = 0; run < kTries; ++run) {
        statement.folds[run] ^= 1;
        const auto order = statement.row_order();
        std::uint32_t of_this = 0;
        for (std::uint32_t slot = 0; slot < kSlotCount; ++slot) {
            bool all_good = true;
            for (std::uint32_t j = 0; j < 64; ++j) all_good &= !bad[order.row_at(slot, j)];
            of_this += all_good;
        }
        clean += of_this;
        best = std::max(best, of_this);
    }
    EXPECT_NEAR(clean, kTries * 93.4, 250);  // deviation below 60
    EXPECT_LT(best, 125u);                   // of 252 under the folds that it was aimed at
}

// A root of other rows would let the disperser choose the order: it tries roots, not blocks.
TEST(Sampled, a_rows_root_that_is_not_that_of_the_rows_is_refused) {
    auto coded = small();
    coded.statement.rows_root.bytes[31] ^= 1;
    state_folds(coded);
    coded.order = coded.statement.row_order();
    state_leaves(coded);
    const auto check = open(coded);
    for (const auto slot : kShare) {  // everything else agrees
        EXPECT_TRUE(check
                        .check_committed(
                            slot, slot_digests(coded, slot),
                            {coded.order.row_at(slot, 9), coded.row(coded.order.row_at(slot, 9))})
                        .ok());
        EXPECT_TRUE(
            check.row_folds(coded.order.row_at(slot, 9), coded.row(coded.order.row_at(slot, 9))));
    }
    EXPECT_EQ(slots_passing(check, coded), 0u);
    EXPECT_TRUE(refused_as(check_share(check, coded, kShare), "not those that the root"));
    EXPECT_TRUE(refused_as(check_share(check, coded, all_slots()), "not those that the root"));
}

TEST(Sampled, rows_dealt_out_in_an_order_of_the_dispersers_choice_are_refused) {
    auto coded = small();
    coded.order = RowOrder::strided(coded.statement.header.rows, kSlotCount);
    state_leaves(coded);
    const auto check = open(coded);
    // Neither the rows that the leaves are of, nor those that should be there.
    EXPECT_FALSE(check_share(check, coded, kShare).ok());
    coded.order = coded.statement.row_order();
    EXPECT_TRUE(refused_as(check_share(check, coded, kShare), "not the one that was committed"));
    EXPECT_EQ(slots_passing(check, coded), 0u);
}

// The tree has a good row where the leaf has junk: its holders see junk, but under no root.
TEST(Sampled, a_leaf_of_other_rows_than_the_tree_has_is_refused) {
    auto coded = small();
    const auto proof = coded.prove_share(kShare);
    row_of(coded, coded.order.row_at(77, 9))[0] ^= 1;
    state_leaves(coded);
    const auto check = open(coded);
    EXPECT_TRUE(refused_as(check.check_share(share_of(coded, kShare), proof), "does not hold"));
    EXPECT_FALSE(check.check_slot(77, slot_rows(coded, 77)).ok());
}

TEST(Sampled, the_same_content_in_two_profiles_has_two_ids_that_do_not_open_each_other) {
    const auto wide = code(20000).statement, sampled = small().statement;
    EXPECT_NE(wide.id(), sampled.id());
    EXPECT_FALSE(StatementCheck::open(wide.id(), sampled).ok());
    EXPECT_FALSE(StatementCheck::open(sampled.id(), wide).ok());
}

TEST(Sampled, some_rows_of_a_slot_are_checked_with_the_slots_proof) {
    const auto check = open(small());
    const std::uint32_t slot = 77;
    const auto digests = slot_digests(small(), slot);
    const auto proof = small().prove_share({&slot, 1});
    const auto index = small().order.row_at(slot, 5);
    const coding::Row row{index, small().row(index)};
    EXPECT_TRUE(check.check_rows(slot, digests, {&row, 1}, proof).ok());
    EXPECT_TRUE(refused_as(check.check_rows(slot, digests, {&row, 1}), "needs the proof"));
    const coding::Row elsewhere{small().order.row_at(78, 5), row.bytes};
    EXPECT_TRUE(refused_as(check.check_rows(slot, digests, {&elsewhere, 1}, proof), "is not the"));
    auto cut = proof;
    cut.pop_back();
    EXPECT_TRUE(refused_as(check.check_rows(slot, digests, {&row, 1}, cut), "too few"));
    const SlotDigests whole{slot, digests};
    const auto proven = check.prove_digests({&whole, 1}, proof);
    ASSERT_TRUE(proven.ok());
    EXPECT_EQ(proven->rows().size(), 64u);
    const auto wide = code(20000);
    EXPECT_EQ(open(wide).prove_digests({&whole, 1}, proof).error().kind,
              ErrorKind::invalid_argument);
    const SlotDigests twice[] = {whole, whole};
    EXPECT_FALSE(check.prove_digests(twice, proof).ok());
    const SlotDigests none{kSlotCount, digests};
    EXPECT_FALSE(check.prove_digests({&none, 1}, proof).ok());
}

}  // namespace
}  // namespace mutirao::block
