// What we read of CometBFT's requests (tendermint/abci/types.proto, v0.38 to v0.40). Pure.
#pragma once

#include <vector>

#include "consensus/abci_wire.hpp"
#include "consensus/fault.hpp"

namespace mutirao::consensus {

// Fields of Request's oneof; the answer's field in Response is one more.
enum class AbciCall : std::uint32_t {
    echo = 1,
    flush = 2,
    info = 3,
    init_chain = 5,
    query = 6,
    check_tx = 8,
    commit = 11,
    list_snapshots = 12,
    offer_snapshot = 13,
    load_snapshot_chunk = 14,
    apply_snapshot_chunk = 15,
    prepare_proposal = 16,
    process_proposal = 17,
    extend_vote = 18,
    verify_vote_extension = 19,
    finalize_block = 20,
    insert_tx = 21,
    reap_txs = 22,
};

// What FinalizeBlock and ProcessProposal have in common.
struct Proposal {
    std::vector<Bytes> transactions;
    std::uint64_t height = 0;
    std::uint64_t time_ms = 0;
    std::vector<Fault> faults;  // what CometBFT proved, in its order
};
// corrupt when the bytes are no such request, its time is out of range, or a fault is of no kind or
// validator.
Result<Proposal> read_proposal(ByteSpan body);

// The transactions that a request brings, borrowed from `body`.
std::vector<ByteSpan> transactions_in(AbciCall call, ByteSpan body);

// The last field of this number; empty or 0 where there is none. corrupt when `body` is no message,
// from which bytes are borrowed.
Result<ByteSpan> bytes_field(ByteSpan body, std::uint32_t number);
Result<std::uint64_t> number_field(ByteSpan body, std::uint32_t number);

}  // namespace mutirao::consensus
