// What a light client needs to believe a record without trusting who sent it: the header that a
// state hash is the hash of, and proofs against the root in it. Free of the ledger: hashes only.
// Pure; any thread. docs/reference/state.md has the bytes.
#pragma once

#include <vector>

#include "ledger/records.hpp"

namespace mutirao::ledger {

// A block's result. Its hash is the state hash, which the next block names.
struct StateHeader {
    static constexpr std::size_t kSize = 32 + 32 + 8 + 8 + 32;

    Digest tree_root;     // of all records
    Digest history_root;  // of the block's events and receipts
    std::uint64_t height = 0;
    std::uint64_t time_ms = 0;
    Digest previous;  // the state hash before the block; zero at the genesis

    bool operator==(const StateHeader&) const = default;
    Digest hash() const;
    Bytes encode() const;
    static Result<StateHeader> decode(ByteSpan bytes);
};

// That a key has a value, or none: one leaf and what stands beside its path to the root.
struct StateProof {
    std::uint64_t slots = 0;  // in the tree
    std::uint64_t slot = 0;   // of the leaf
    bool present = false;
    Bytes value;          // when present
    Bytes below;          // when absent: the key of the leaf, empty for the one before all
    Digest value_digest;  // when absent: of the leaf
    Bytes next;           // the key after the leaf's; empty when there is none
    std::vector<Digest> siblings;

    bool operator==(const StateProof&) const = default;
    Bytes encode() const;
    // corrupt on anything that encode would not write.
    static Result<StateProof> decode(ByteSpan bytes);
};

// The key's value under the tree's root, nullopt when it has none. corrupt when the proof does not
// show either; invalid_argument for the empty key. Cost: 0.2 us a level.
Result<Value> verify(const Digest& tree_root, ByteSpan key, const StateProof& proof);

}  // namespace mutirao::ledger
