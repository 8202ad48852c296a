// Proofs for any set of rows hold, there is one for each set, and nothing else is taken.
#include "block/row_tree.hpp"

#include <gtest/gtest.h>
#include <optional>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "base/random.hpp"
#include "crypto/hash.hpp"

namespace mutirao::block {
namespace {

std::vector<Digest> digests_of(std::uint32_t count, std::uint64_t seed = 1) {
    SeededRandom random(seed);
    std::vector<Digest> out(count);
    for (auto& digest : out) digest = random.fixed<Digest>();
    return out;
}

std::vector<PlacedDigest> place(const RowTree& tree, std::span<const std::uint32_t> rows) {
    std::vector<PlacedDigest> placed;
    for (const auto row : rows) placed.push_back({row, tree.rows()[row]});
    return placed;
}

std::vector<std::uint32_t> rows_in(std::uint32_t set, std::uint32_t count) {
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row < count; ++row)
        if (set >> row & 1) rows.push_back(row);
    return rows;
}

Digest parent(const Digest& left, const Digest& right) {
    Bytes both = to_bytes(left.span());
    both.insert(both.end(), right.bytes.begin(), right.bytes.end());
    return crypto::blake3_keyed(crypto::domain_key("rows"), both);
}

TEST(RowTree, a_parent_is_the_hash_of_its_children_in_row_order) {
    const auto d = digests_of(4);
    EXPECT_EQ(RowTree(d).root(), parent(parent(d[0], d[1]), parent(d[2], d[3])));
    EXPECT_EQ(RowTree(std::span(d).first(1)).root(), d[0]);
}

// Every set of rows of an 8-row tree: its own proof holds, cut, lengthened, and reordered ones do
// not, and no other set is proven by it.
TEST(RowTree, every_set_of_rows_has_exactly_its_own_proof) {
    constexpr std::uint32_t kRows = 8;
    const RowTree tree(digests_of(kRows));
    for (std::uint32_t set = 1; set < 1u << kRows; ++set) {
        const auto rows = rows_in(set, kRows);
        const auto proof = tree.prove(rows);
        const auto holds = [&](std::span<const Digest> other) {
            return verify_rows(kRows, place(tree, rows), other, tree.root()).ok();
        };
        ASSERT_TRUE(holds(proof)) << set;
        for (std::size_t size = 0; size < proof.size(); ++size)
            ASSERT_FALSE(holds(std::span(proof).first(size))) << set;
        auto longer = proof;
        longer.push_back(tree.root());
        ASSERT_FALSE(holds(longer)) << set;
        for (std::size_t i = 0; i + 1 < proof.size(); ++i) {
            auto swapped = proof;
            std::swap(swapped[i], swapped[i + 1]);
            ASSERT_FALSE(holds(swapped)) << set;
        }
        for (std::uint32_t other = 1; other < 1u << kRows; ++other) {
            const auto others = place(tree, rows_in(other, kRows));
            ASSERT_EQ(verify_rows(kRows, others, proof, tree.root()).ok(), other == set);
        }
    }
}

TEST(RowTree, a_flipped_bit_of_digest_proof_or_root_is_found) {
    const RowTree tree(digests_of(16));
    const std::vector<std::uint32_t> rows{1, 6, 7, 12};
    const auto placed = place(tree, rows);
    const auto proof = tree.prove(rows);
    const auto every_flip_is_found = [&](Digest& digest, const auto& holds) {
        for (std::size_t bit = 0; bit < 256; ++bit) {
            auto& byte = digest.bytes[bit / 8];
            byte = static_cast<std::uint8_t>(byte ^ 1u << bit % 8);
            ASSERT_FALSE(holds()) << bit;
            byte = static_cast<std::uint8_t>(byte ^ 1u << bit % 8);
        }
        ASSERT_TRUE(holds());
    };
    auto changed_rows = placed;
    auto changed_proof = proof;
    auto root = tree.root();
    const auto holds = [&] { return verify_rows(16, changed_rows, changed_proof, root).ok(); };
    for (auto& row : changed_rows) every_flip_is_found(row.digest, holds);
    for (auto& digest : changed_proof) every_flip_is_found(digest, holds);
    every_flip_is_found(root, holds);
}

TEST(RowTree, rows_out_of_order_twice_or_outside_are_refused) {
    const RowTree tree(digests_of(8));
    const std::vector<std::uint32_t> rows{2, 5};
    const auto proof = tree.prove(rows);
    auto placed = place(tree, rows);
    const auto kind = [&](std::uint32_t width) {
        const auto status = verify_rows(width, placed, proof, tree.root());
        return status.ok() ? std::optional<ErrorKind>() : status.error().kind;
    };
    EXPECT_EQ(kind(8), std::nullopt);
    for (const std::uint32_t width : {0u, 1u, 4u, 5u, 7u, 9u, 16u, 0x80000000u})
        EXPECT_EQ(kind(width), ErrorKind::corrupt) << width;
    std::swap(placed[0], placed[1]);
    EXPECT_EQ(kind(8), ErrorKind::corrupt) << "order";
    placed = {placed[1], placed[1], placed[0]};
    EXPECT_EQ(kind(8), ErrorKind::corrupt) << "twice";
    placed = {placed[0], {8, Digest{}}};
    EXPECT_EQ(kind(8), ErrorKind::corrupt) << "outside";
    placed.clear();
    EXPECT_EQ(kind(8), ErrorKind::corrupt) << "none";
}

RC_GTEST_PROP(RowTree, random_rows_of_a_whole_block_are_proven, (std::uint64_t seed)) {
    constexpr std::uint32_t kRows = 16384;
    static const RowTree tree(digests_of(kRows));
    SeededRandom random(seed);
    const auto one_in = *rc::gen::element<std::uint32_t>(2, 8, 100, 4000);
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row < kRows; ++row)
        if (random.below(one_in) == 0) rows.push_back(row);
    if (rows.empty()) rows.push_back(0);
    RC_ASSERT(verify_rows(kRows, place(tree, rows), tree.prove(rows), tree.root()).ok());
}

// Every set of changed rows of eight against every proof: nothing is called the same that is not,
// and what is below a node of the proof is called the same when all of it is.
TEST(RowTree, a_proof_tells_which_rows_two_trees_have_in_common) {
    const auto digests = digests_of(8);
    const RowTree committed(digests);
    for (std::uint32_t changed = 0; changed < 256; ++changed) {
        auto others = digests;
        for (const auto row : rows_in(changed, 8)) others[row].bytes[0] ^= 1;
        const RowTree tree(others);
        for (std::uint32_t set = 1; set < 256; ++set) {
            const auto rows = rows_in(set, 8);
            std::vector<bool> agreeing(8);
            tree.mark_agreeing(place(committed, rows), committed.prove(rows), agreeing);
            for (std::uint32_t row = 0; row < 8; ++row) {
                const bool same = (changed >> row & 1) == 0;
                ASSERT_TRUE(same || !agreeing[row]);
                ASSERT_TRUE((set >> row & 1) == 0 || agreeing[row] == same);
            }
            const bool all = agreeing == std::vector<bool>(8, true);
            ASSERT_TRUE(all || changed != 0) << set;
            // Rows 4 to 7 are one node of a proof for rows below 4.
            const bool upper_half = agreeing[4] && agreeing[5] && agreeing[6] && agreeing[7];
            ASSERT_TRUE(upper_half || set >= 16 || changed >= 16);
        }
    }
}

}  // namespace
}  // namespace mutirao::block
