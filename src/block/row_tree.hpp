// The binary Merkle tree over a block's row digests, in row order (profile S), and proofs for many
// rows at once. docs/reference/block-format.md. Pure; any thread.
//
// A parent is B("rows"; left | right). A proof for some rows holds the digests of the nodes that
// they lack to reach the root, level by level from the rows up, left to right: exactly those, so
// one set of rows has one proof. 2048 random rows of 16384 need about 150 KiB.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao::block {

struct PlacedDigest {
    std::uint32_t row;
    Digest digest;
};

class RowTree {
  public:
    // The tree of no rows.
    RowTree() = default;
    // `digests`: r_0, r_1, ...; a power of two of them. One hash of 64 bytes a row.
    explicit RowTree(std::span<const Digest> digests);

    const Digest& root() const { return levels_.back().front(); }
    const std::vector<Digest>& rows() const { return levels_.front(); }
    // `rows`: ascending and distinct, each below rows().size(), at least one.
    std::vector<Digest> prove(std::span<const std::uint32_t> rows) const;
    // Sets agreeing[i] for every row i that is shown to be the same in this tree and in the one
    // that `placed` and `proof` come from (they passed verify_rows for as many rows as this one
    // has): a digest of the proof that is this tree's node, too, speaks for all rows below it.
    void mark_agreeing(std::span<const PlacedDigest> placed, std::span<const Digest> proof,
                       std::vector<bool>& agreeing) const;

  private:
    std::vector<std::vector<Digest>> levels_{{Digest{}}};  // the rows first, the root last
};

// Whether `root` is that of a tree of `rows` digests (a power of two) that has the given ones.
// `rows` must come from the block's header: a narrower tree has the inner nodes of a wider one for
// its rows. `placed`: ascending by row, distinct, at least one. corrupt otherwise, and when the
// proof has a digest too many or too few.
Status verify_rows(std::uint32_t rows, std::span<const PlacedDigest> placed,
                   std::span<const Digest> proof, const Digest& root);

}  // namespace mutirao::block
