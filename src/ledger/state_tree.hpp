// The records that are agreed on, under one root: anybody who knows the root can be shown that a
// record is there, or that it is not (state_proof.hpp).
//
// A dense binary Merkle tree over slots (the idea of QMDB, arXiv:2501.05262): a new record takes
// the lowest free slot and keeps it; its leaf binds slot, key, value and the next key, so that a
// leaf whose keys stand on both sides of another key proves that one absent (an indexed Merkle
// tree, Tzialla et al., eprint 2021/1263). All in memory. docs/reference/state.md has the bytes.
//
// One thread at a time; const calls may run side by side.
#pragma once

#include "ledger/changes.hpp"
#include "ledger/state_hash.hpp"
#include "ledger/state_proof.hpp"
#include "ledger/state_slots.hpp"

namespace mutirao::ledger {

class StateTree {
  public:
    StateTree();

    Value get(ByteSpan key) const;
    // As StateView's.
    std::vector<std::pair<Bytes, Bytes>> scan(ByteSpan prefix, ByteSpan after,
                                              std::size_t limit) const;
    // Asks for the memory of these records, which get() will read soon.
    void touch(std::span<const ByteSpan> keys) const { static_cast<void>(slots_.find_each(keys)); }
    const Digest& root() const { return root_; }
    std::size_t size() const { return slots_.size(); }              // records
    std::size_t slot_count() const { return slots_.slot_count(); }  // it never falls

    // A difference on top of the tree, which stays as it is. `Staged` holds until the next commit.
    // Cost: 0.5 to 1.1 us for each changed record of a million, more for a new key.
    enum class LeafChange : std::uint8_t { created, updated, relinked, emptied };
    struct Leaf {
        LeafChange kind;
        Slot slot;
        Slot next;
        std::uint32_t change;  // created and updated: of the difference
        ByteSpan next_key;
    };
    struct Staged {
        Digest root;
        Digest before;  // the root that it stands on
        Difference difference;
        std::vector<Slot> removed;
        std::vector<Leaf> leaves;
        DenseTree::Staged tree;
    };
    Staged stage(Difference difference) const;
    void commit(Staged staged);
    const Digest& apply(Difference difference);

    // That the record is there, or that it is not; 33 bytes and keys, and 32 for each of
    // log2(slots) levels. The key is not empty.
    StateProof prove(ByteSpan key) const;

    // Everything, in order of slots: u32 number of slots, and what a view of them writes. decode:
    // corrupt on anything that encode would not write; hashes all anew, 0.7 us a record, half of it
    // on all threads.
    void encode(Writer& out) const;
    static Result<StateTree> decode(Reader& in, const Threads& threads = {});
    // The same piece by piece, while the tree changes.
    StateSlots::View view() const { return slots_.view(); }

  private:
    class Linking;
    void hash_leaves(Staged& staged, std::size_t slot_count) const;
    void hash_all(const Threads& threads);
    void hash_slots(Slot begin, Slot end, Digest* leaves) const;

    StateSlots slots_;
    DenseTree tree_;
    Digest root_;
};

}  // namespace mutirao::ledger
