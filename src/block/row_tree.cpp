#include "block/row_tree.hpp"

#include <algorithm>
#include <bit>

#include "crypto/hash.hpp"

namespace mutirao::block {
namespace {

Digest parent_of(const crypto::Key& key, const Digest& left, const Digest& right) {
    std::array<std::uint8_t, 2 * Digest::kSize> both;
    std::copy(left.bytes.begin(), left.bytes.end(), both.begin());
    std::copy(right.bytes.begin(), right.bytes.end(), both.begin() + Digest::kSize);
    return crypto::blake3_keyed(key, both);
}

// A node `level` steps above the rows: `index` is its place there.
struct Node {
    std::uint32_t level, index;
};

// What a proof for these rows (ascending, distinct) of `width` holds, in its order.
std::vector<Node> nodes_of_proof(std::vector<std::uint32_t> known, std::size_t width) {
    std::vector<Node> out;
    for (std::uint32_t level = 0; std::size_t{1} << level < width; ++level) {
        std::size_t parents = 0;
        for (std::size_t i = 0; i < known.size(); ++i) {
            const auto node = known[i];
            if (i + 1 < known.size() && known[i + 1] == (node ^ 1))
                ++i;
            else
                out.push_back({level, node ^ 1});
            known[parents++] = node / 2;
        }
        known.resize(parents);
    }
    return out;
}

Error not_under_the_root(const std::string& why) {
    return Error{ErrorKind::corrupt, "the proof of the rows does not hold: " + why};
}

}  // namespace

RowTree::RowTree(std::span<const Digest> digests) {
    ENSURE(std::has_single_bit(digests.size()), "a row tree of no power of two of rows");
    const auto& key = crypto::domain_key("rows");
    levels_.front().assign(digests.begin(), digests.end());
    while (levels_.back().size() > 1) {
        const auto& below = levels_.back();
        std::vector<Digest> level(below.size() / 2);
        for (std::size_t i = 0; i < level.size(); ++i)
            level[i] = parent_of(key, below[2 * i], below[2 * i + 1]);
        levels_.push_back(std::move(level));
    }
}

std::vector<Digest> RowTree::prove(std::span<const std::uint32_t> rows) const {
    ENSURE(!rows.empty() && rows.back() < this->rows().size(), "a proof of no row of the tree");
    std::vector<Digest> proof;
    for (const auto node : nodes_of_proof({rows.begin(), rows.end()}, this->rows().size()))
        proof.push_back(levels_[node.level][node.index]);
    return proof;
}

void RowTree::mark_agreeing(std::span<const PlacedDigest> placed, std::span<const Digest> proof,
                            std::vector<bool>& agreeing) const {
    ENSURE(agreeing.size() == rows().size());
    std::vector<std::uint32_t> known;
    for (const auto& [row, digest] : placed) {
        known.push_back(row);
        if (digest == rows()[row]) agreeing[row] = true;
    }
    const auto nodes = nodes_of_proof(std::move(known), rows().size());
    ENSURE(nodes.size() == proof.size(), "a proof of other rows");
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        const auto [level, index] = nodes[i];
        if (proof[i] != levels_[level][index]) continue;
        const auto first = agreeing.begin() + (static_cast<std::ptrdiff_t>(index) << level);
        std::fill(first, first + (std::ptrdiff_t{1} << level), true);
    }
}

Status verify_rows(std::uint32_t rows, std::span<const PlacedDigest> placed,
                   std::span<const Digest> proof, const Digest& root) {
    if (!std::has_single_bit(rows) || placed.empty() || placed.back().row >= rows)
        return not_under_the_root("the tree has no such rows");
    for (std::size_t i = 1; i < placed.size(); ++i)
        if (placed[i - 1].row >= placed[i].row)
            return not_under_the_root("the rows are not in ascending order");
    const auto& key = crypto::domain_key("rows");
    std::vector<PlacedDigest> known(placed.begin(), placed.end());
    std::size_t used = 0;
    for (auto width = rows; width > 1; width /= 2) {
        std::size_t parents = 0;
        for (std::size_t i = 0; i < known.size(); ++i) {
            const PlacedDigest node = known[i];
            const bool sibling_known = i + 1 < known.size() && known[i + 1].row == (node.row ^ 1);
            if (!sibling_known && used == proof.size())
                return not_under_the_root("it has too few digests");
            const Digest& sibling = sibling_known ? known[++i].digest : proof[used++];
            const bool is_left = node.row % 2 == 0;
            known[parents++] = {node.row / 2, is_left ? parent_of(key, node.digest, sibling)
                                                      : parent_of(key, sibling, node.digest)};
        }
        known.resize(parents);
    }
    if (used != proof.size()) return not_under_the_root("it has too many digests");
    if (known.front().digest != root)
        return not_under_the_root("the rows are not those that the root was made of");
    return {};
}

}  // namespace mutirao::block
