// A ledger's whole state as one file: what another folder, machine or engine begins at, with the
// same state hash. docs/reference/state.md has its bytes.
#pragma once

#include "consensus/engine.hpp"

namespace mutirao::consensus {

inline constexpr std::size_t kStatePiece = 1 << 20;  // bytes; the last is shorter
inline constexpr std::uint64_t kStateMax = std::uint64_t{4} << 30;

// What is known of a state without having it.
struct StateIndex {
    std::uint64_t height = 0;
    Digest last_hash;  // of the block at that height; zeros before the first
    std::uint64_t size = 0;
    std::vector<Digest> pieces;  // BLAKE3 of each

    // For bytes that come one after another, each but the last a whole number of pieces.
    void add(ByteSpan bytes);
    bool matches(ByteSpan state) const;
    // What an exported state begins with; its checksum is over all of the above.
    Bytes encode_head() const;
    // The head and the pieces' hashes. decode: corrupt on anything else.
    Bytes encode() const;
    static Result<StateIndex> decode(ByteSpan bytes);
};

struct StateExport {
    std::uint64_t height = 0;
    Digest last_hash;  // as in StateIndex
    Bytes state;       // for Application::restore

    StateIndex index() const;
    // The index's head and then `state`.
    Bytes encode() const;
    // corrupt when these are no such bytes, or not all of them. That `state` is whole says nothing
    // about who made it: whoever restores it compares the state hash.
    static Result<StateExport> decode(ByteSpan bytes);
};

// The committed state of the ledger under `disk`, which no process runs. `application` is brought
// to it, as by open_engine(); errors as there.
Result<StateExport> export_state(Disk& disk, Application& application,
                                 const EngineOptions& options);

// Makes `disk` a ledger that goes on after `state`, with whatever engine opens it first, and brings
// `application` there. already_exists when there are blocks or a state. The caller compares the
// state hash with what it was told.
Status import_state(Disk& disk, Application& application, const StateExport& state);

}  // namespace mutirao::consensus
