// How the state is hashed, and the tree of digests over it. docs/reference/state.md has the bytes.
// Internal to ledger, but for state_proof.hpp, which says what others may rely on. Everything is
// BLAKE3, keyed by purpose; messages are padded with zeros to whole blocks, so that sixteen of a
// size are hashed side by side (crypto/row_hash.hpp): 15 ns a block with AVX-512 instead of 150.
// One thread at a time.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "base/parallel.hpp"
#include "crypto/row_hash.hpp"

namespace mutirao::ledger {

// Digests of rows of any sizes, as blake3_keyed(key, row) gives them.
class RowBatch {
  public:
    explicit RowBatch(const crypto::Key& key);
    // `size` zeros, a multiple of 64, to be written to before the next call. Their digest is in
    // *out when finish() returns, or earlier.
    std::uint8_t* row(std::size_t size, Digest* out);
    void finish();

  private:
    static constexpr std::size_t kSideBySideMax = 512;  // longer rows go one by one
    struct Rows {
        Rows(const crypto::Key& key, std::size_t size);
        crypto::RowHash hash;
        std::vector<std::uint8_t> bytes;
        std::array<Digest*, crypto::kHashedRows> out{};
        std::size_t count = 0;
    };
    void flush(Rows& rows);

    crypto::Key key_;
    std::array<std::unique_ptr<Rows>, kSideBySideMax / crypto::kHashedBlockSize> by_blocks_;
    Bytes long_row_;
    Digest* long_out_ = nullptr;
};

namespace state_hash {

const crypto::Key& value_key();
const crypto::Key& leaf_key();
const crypto::Key& node_key();
const crypto::Key& entry_key();  // of a block's history
const crypto::Key& history_node_key();

// u32 size, the value.
std::size_t value_row_size(ByteSpan value);
void write_value_row(ByteSpan value, std::uint8_t* row);
// u64 slot, digest of the value, u16 size and key, u16 size and the next key (none: size 0).
std::size_t leaf_row_size(ByteSpan key, ByteSpan next);
void write_leaf_row(std::uint64_t slot, const Digest& value, ByteSpan key, ByteSpan next,
                    std::uint8_t* row);

Digest value_digest(ByteSpan value);
Digest leaf_digest(std::uint64_t slot, const Digest& value, ByteSpan key, ByteSpan next);
Digest node_digest(const Digest& left, const Digest& right);
// The tree's digest: its top, and how many slots it has.
Digest tree_root(const Digest& top, std::uint64_t slots);

// The root over what a block left in the history, in order: u32 size and key, u32 size and value.
Digest history_root(const std::vector<std::pair<Bytes, ByteSpan>>& entries);

}  // namespace state_hash

// A dense binary tree over numbered leaves. Level 0 has the leaves; a node is the hash of two; what
// lies beyond the last leaf is the zero digest, and so is an empty leaf. The top of one leaf is
// that leaf, of none zero.
class DenseTree {
  public:
    // node_key: of node hashes.
    explicit DenseTree(const crypto::Key& node_key) : hash_(node_key, 2 * Digest::kSize) {}

    struct Level {
        std::vector<std::uint32_t> at;  // ascending
        std::vector<Digest> digests;
    };
    struct Staged {
        std::size_t count = 0;  // of leaves
        std::vector<Level> levels;
        Digest top() const { return levels.back().digests[0]; }
    };
    // The tree with some leaves replaced, at least one; `count` leaves in all, no fewer than now,
    // and every new one among the replaced. Each node above them is hashed once.
    Staged stage(std::size_t count, Level leaves) const;
    void commit(Staged staged);
    // All anew.
    void build(std::vector<Digest> leaves, const Threads& threads = {});

    Digest top() const { return levels_.empty() ? Digest() : levels_.back()[0]; }
    // What stands beside the path from a leaf to the top, from below, without what lies beyond the
    // last leaf.
    std::vector<Digest> siblings(std::uint32_t leaf) const;

  private:
    void hash_pairs(const std::uint8_t* pairs, std::size_t count, Digest* out) const;

    crypto::RowHash hash_;
    std::vector<std::vector<Digest>> levels_;
};

}  // namespace mutirao::ledger
