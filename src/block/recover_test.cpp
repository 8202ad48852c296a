// Any k rows give the content back, and two readers never accept different content.
#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <optional>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "block/stated_block_test.hpp"

namespace mutirao::block {
namespace {

std::vector<coding::Row> rows_at(const CodedBlock& coded, std::vector<std::uint32_t> indices) {
    std::vector<coding::Row> rows;
    for (const auto index : indices) rows.push_back({index, coded.row(index)});
    return rows;
}

// `count` distinct row numbers under `rows`, in random order.
std::vector<std::uint32_t> choose(std::uint32_t rows, std::uint32_t count, Random& random) {
    std::vector<std::uint32_t> all(rows);
    std::iota(all.begin(), all.end(), 0);
    for (std::uint32_t i = 0; i < count; ++i) std::swap(all[i], all[i + random.below(rows - i)]);
    all.resize(count);
    return all;
}

std::vector<std::uint32_t> range(std::uint32_t begin, std::uint32_t end) {
    std::vector<std::uint32_t> out(end - begin);
    std::iota(out.begin(), out.end(), begin);
    return out;
}

RC_GTEST_PROP(Recover, any_k_rows_give_the_content_back, (std::uint64_t seed)) {
    const auto size = *rc::gen::inRange<std::size_t>(0, 70000);
    const auto coded = code(size, seed);
    SeededRandom random(seed);
    const auto& header = coded.statement.header;
    const auto rows = rows_at(coded, choose(header.rows, header.data_rows, random));
    RC_ASSERT(recover_content(open(coded), rows).value() == content_of(size, seed));
}

TEST(Recover, every_size_around_a_change_of_shape_comes_back) {
    for (const std::size_t size :
         {0u, 1u, 127u, 128u, 129u, 32767u, 32768u, 32769u, (1u << 20) - 1, 1u << 20}) {
        const auto coded = code(size);
        const auto& header = coded.statement.header;
        const auto parity = rows_at(coded, range(header.data_rows, 2 * header.data_rows));
        EXPECT_EQ(recover_content(open(coded), parity).value(), content_of(size)) << size;
    }
}

TEST(Recover, a_block_that_lost_any_third_of_its_slots_comes_back) {
    const auto coded = code(1u << 20);
    const auto check = open(coded);
    SeededRandom random(11);
    for (int run = 0; run < 3; ++run) {
        std::vector<std::uint32_t> rows;
        for (const auto slot : choose(kSlotCount, kSlotCount - kSlotCount / 3, random))
            for (std::uint32_t i = slot; i < coded.statement.header.rows; i += kSlotCount)
                rows.push_back(i);
        EXPECT_EQ(recover_content(check, rows_at(coded, rows)).value(), content_of(1u << 20));
    }
}

TEST(Recover, fewer_than_k_distinct_rows_are_not_enough) {
    const auto coded = code(5000);
    const auto check = open(coded);
    auto indices = range(100, 100 + 255);
    indices.insert(indices.end(), {100, 100, 101});  // again
    const auto content = recover_content(check, rows_at(coded, indices));
    ASSERT_FALSE(content.ok());
    EXPECT_EQ(content.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(recover_content(check, {}).error().kind, ErrorKind::unavailable);
    indices.push_back(99);
    EXPECT_TRUE(recover_content(check, rows_at(coded, indices)).ok());
}

TEST(Recover, padding_that_is_not_zero_is_refused) {
    auto coded = code(32768);  // fills its data rows
    coded.statement.header.length = 32767;
    ASSERT_NE(coded.row(255).back(), 0);
    state_again(coded);
    const auto check = open(coded);
    ASSERT_EQ(slots_passing(check, coded), kSlotCount);  // it is a word of the code
    const auto content = recover_content(check, rows_at(coded, range(0, 256)));
    ASSERT_FALSE(content.ok());
    EXPECT_EQ(content.error().kind, ErrorKind::corrupt);
}

// A disperser commits to two contents at once: data rows of one, parity rows of the other. At most
// one can reach ceil((n+k)/2) rows, so no two readers accept different content.
TEST(Recover, two_contents_under_one_commitment_are_never_both_accepted) {
    auto coded = code(20000, 1);
    const auto other = code(20000, 2);
    const auto& header = coded.statement.header;
    const auto split = [&](std::uint32_t slots_of_other) {
        auto mixed = coded;
        for (std::uint32_t i = 0; i < header.rows; ++i)
            if (i % kSlotCount < slots_of_other)
                std::copy(other.row(i).begin(), other.row(i).end(), row_of(mixed, i).begin());
        state_again(mixed);
        return mixed;
    };
    const auto accepted = [&](const CodedBlock& mixed, const CodedBlock& whole) {
        const auto content = recover_content(open(mixed), rows_at(whole, range(256, 512)));
        if (!content.ok()) {
            EXPECT_EQ(content.error().kind, ErrorKind::unavailable) << content.error().message;
        }
        return content.ok();
    };
    // 513 of 768 rows are 171 of 256 slots.
    EXPECT_TRUE(accepted(split(85), coded));
    EXPECT_FALSE(accepted(split(85), other));
    for (const std::uint32_t slots : {86u, 128u, 170u}) {
        EXPECT_FALSE(accepted(split(slots), coded)) << slots;
        EXPECT_FALSE(accepted(split(slots), other)) << slots;
    }
    EXPECT_FALSE(accepted(split(171), coded));
    EXPECT_TRUE(accepted(split(171), other));
}

TEST(RecoverSampled, any_k_rows_give_the_content_back) {
    SeededRandom random(31);
    for (const std::size_t size : {0u, 1u, 20000u, 4096u * 128 + 1}) {
        const auto coded = code_sampled(size);
        const auto& header = coded.statement.header;
        const auto rows = rows_at(coded, choose(header.rows, header.data_rows, random));
        EXPECT_EQ(recover_content(open(coded), rows).value(), content_of(size)) << size;
    }
}

TEST(RecoverSampled, a_quarter_of_the_slots_gives_the_content_back_and_one_row_less_does_not) {
    const auto coded = code_sampled(20000);
    const auto check = open(coded);
    SeededRandom random(32);
    std::vector<std::uint32_t> rows;
    for (const auto slot : choose(kSlotCount, kSlotCount / 4, random))
        for (std::uint32_t j = 0; j < coded.statement.header.rows_per_slot(); ++j)
            rows.push_back(coded.order.row_at(slot, j));
    EXPECT_EQ(recover_content(check, rows_at(coded, rows)).value(), content_of(20000));
    rows.pop_back();
    EXPECT_EQ(recover_content(check, rows_at(coded, rows)).error().kind, ErrorKind::unavailable);
}

// What a reader has when the nodes of these slots sent digests and their proof.
ProvenDigests proven(const CodedBlock& coded, const std::vector<std::uint32_t>& slots) {
    std::vector<std::vector<Digest>> digests;
    std::vector<SlotDigests> shares;
    for (const auto slot : slots) digests.push_back(slot_digests(coded, slot));
    for (std::size_t i = 0; i < slots.size(); ++i) shares.push_back({slots[i], digests[i]});
    return open(coded).prove_digests(shares, coded.prove_share(slots)).value();
}

// A disperser commits to some rows of one content and some of another. Whoever decodes either gets
// the same verdict, and at most one of them is accepted.
TEST(RecoverSampled, two_contents_under_one_root_are_never_both_accepted) {
    // Full rows: contents with padding have rows of zeros in common.
    constexpr std::size_t kSize = 4096 * 128;
    const auto coded = code_sampled(kSize, 1), other = code_sampled(kSize, 2);
    const auto& header = coded.statement.header;
    const auto split = [&](std::uint32_t rows_of_other) {
        auto mixed = coded;
        for (std::uint32_t row = header.rows - rows_of_other; row < header.rows; ++row)
            std::copy(other.row(row).begin(), other.row(row).end(), row_of(mixed, row).begin());
        state_again(mixed);
        return mixed;
    };
    const auto outcome = [&](const CodedBlock& mixed, const CodedBlock& whole) {
        const ProvenDigests shares[] = {proven(mixed, range(0, kSlotCount))};
        const auto content = recover_content(open(mixed), rows_at(whole, range(0, 4096)), shares);
        if (!content.ok()) return std::optional(content.error().kind);
        EXPECT_EQ(*content, content_of(kSize, &whole == &other ? 2 : 1));
        return std::optional<ErrorKind>();
    };
    // ceil((n + k) / 2) = 10240 of 16384 rows.
    EXPECT_EQ(outcome(split(6144), coded), std::nullopt);
    EXPECT_EQ(outcome(split(6144), other), ErrorKind::unavailable);
    for (const std::uint32_t rows : {6145u, 8192u, 10239u}) {
        EXPECT_EQ(outcome(split(rows), coded), ErrorKind::unavailable) << rows;
        EXPECT_EQ(outcome(split(rows), other), ErrorKind::unavailable) << rows;
    }
    EXPECT_EQ(outcome(split(10240), coded), ErrorKind::unavailable);
    EXPECT_EQ(outcome(split(10240), other), std::nullopt);
    EXPECT_EQ(outcome(split(0), coded), std::nullopt);
    EXPECT_EQ(outcome(split(16384), other), std::nullopt);
}

// A disperser that knows the order hides junk rows under the root, asks only such slots for
// signatures as have none of them, and makes every other leaf junk.
struct Certified {
    CodedBlock block;
    std::vector<std::uint32_t> signers;  // the slots that honest nodes checked: as few as AVAIL has
};

Certified certified_with_hidden_junk(std::uint32_t junk_rows) {
    constexpr std::size_t kHonest = 86;
    auto good = code_sampled(4096 * 128);
    auto coded = good;
    SeededRandom random(34);
    const auto hidden = choose(coded.statement.header.rows, junk_rows, random);
    for (const auto row : hidden) random.fill(row_of(coded, row));
    coded.tree = RowTree(row_digests(coded));
    coded.statement.rows_root = coded.tree.root();
    // Folds of the good content under the challenge that junk and all give.
    good.statement.rows_root = coded.statement.rows_root;
    state_folds(good);
    coded.statement.folds = good.statement.folds;
    coded.order = coded.statement.row_order();
    std::vector<bool> has_junk(kSlotCount);
    for (const auto row : hidden) has_junk[coded.order.slot_of(row)] = true;
    std::vector<std::uint32_t> signers;
    for (const auto slot : range(0, kSlotCount))
        if (!has_junk[slot] && signers.size() < kHonest) signers.push_back(slot);
    state_leaves(coded);
    for (const auto slot : range(0, kSlotCount))
        if (!std::binary_search(signers.begin(), signers.end(), slot))
            coded.statement.leaves[slot].bytes.fill(0xbb);
    EXPECT_EQ(signers.size(), kHonest);
    return {std::move(coded), std::move(signers)};
}

// Honest nodes signed all of it, two thirds of the leaves are junk, and yet it is read.
TEST(RecoverSampled, spoiled_leaves_and_hidden_junk_rows_do_not_stop_a_reader) {
    const auto [coded, signers] = certified_with_hidden_junk(150);
    const auto check = open(coded);
    EXPECT_TRUE(check_share(check, coded, signers).ok());
    EXPECT_EQ(slots_passing(check, coded), signers.size());
    std::vector<coding::Row> rows;
    for (const auto slot : signers)
        for (std::uint32_t j = 0; j < 64; ++j)
            rows.push_back({coded.order.row_at(slot, j), coded.row(coded.order.row_at(slot, j))});
    EXPECT_EQ(recover_content(check, rows).error().kind, ErrorKind::unavailable);
    const ProvenDigests shares[] = {proven(coded, signers)};
    EXPECT_EQ(recover_content(check, rows, shares).value(), content_of(4096 * 128));
    // From each node by itself as well, and not from too little.
    std::vector<ProvenDigests> parts;
    for (const auto slot : signers) parts.push_back(proven(coded, {slot}));
    EXPECT_EQ(recover_content(check, rows, parts).value(), content_of(4096 * 128));
    const auto unresolved = recover_content(check, rows, std::span(parts).first(1));
    ASSERT_FALSE(unresolved.ok());
    EXPECT_NE(unresolved.error().message.find("unresolved"), std::string::npos);
}

TEST(RecoverSampled, digests_of_another_block_are_no_proof) {
    const auto coded = code_sampled(20000, 1), other = code_sampled(20000, 2);
    const auto rows = rows_at(coded, range(0, 4096));
    const ProvenDigests shares[] = {proven(coded, {7}), proven(other, {7})};
    EXPECT_TRUE(recover_content(open(coded), rows, std::span(shares).first(1)).ok());
    EXPECT_EQ(recover_content(open(coded), rows, shares).error().kind, ErrorKind::invalid_argument);
}

TEST(RecoverSampled, padding_that_is_not_zero_is_refused) {
    auto coded = code_sampled(4096 * 128);
    coded.statement.header.length = 4096 * 128 - 1;
    ASSERT_NE(coded.row(4095).back(), 0);
    state_again(coded);
    const auto check = open(coded);
    ASSERT_EQ(slots_passing(check, coded), kSlotCount);
    const auto content = recover_content(check, rows_at(coded, range(0, 4096)));
    ASSERT_FALSE(content.ok());
    EXPECT_EQ(content.error().kind, ErrorKind::corrupt);
}

// Rows that should not have been trusted: never other content, never an empty one.
TEST(Recover, of_rows_that_were_not_checked_is_unresolved_or_refused) {
    for (const auto profile : {Profile::wide, Profile::sampled}) {
        const auto coded = code(20000, 1, profile);
        const auto check = open(coded);
        auto junk = coded;
        SeededRandom(33).fill(row_of(junk, 5));
        const auto k = coded.statement.header.data_rows;
        const auto content = recover_content(check, rows_at(junk, range(0, k)));
        ASSERT_FALSE(content.ok());
        EXPECT_EQ(content.error().kind, ErrorKind::unavailable);
        EXPECT_NE(content.error().message.find("unresolved"), std::string::npos);
        auto rows = rows_at(coded, range(0, k));
        rows.push_back({coded.statement.header.rows, coded.row(0)});
        EXPECT_EQ(recover_content(check, rows).error().kind, ErrorKind::invalid_argument);
    }
}

}  // namespace
}  // namespace mutirao::block
