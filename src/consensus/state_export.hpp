// A ledger's whole state as one file: what another folder, machine or engine begins at, with the
// same state hash. docs/reference/state.md has its bytes.
#pragma once

#include "consensus/engine.hpp"

namespace mutirao::consensus {

struct StateExport {
    std::uint64_t height = 0;
    Digest last_hash;  // of the block at that height; zeros before the first
    Bytes state;       // for Application::restore

    // All but `state`, with its checksum: the file is this and then `state`.
    Bytes encode_head() const;
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
