// Retrieval: data rows first, in parallel from the nodes that hold them; what is missing, or late,
// is made up from parity rows of the nodes that answer; every row is checked against the block's
// commitment before it is used, and bad ones are dropped and reported.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "base/ports.hpp"
#include "block/statement.hpp"
#include "publish/node_health.hpp"
#include "publish/nodes.hpp"

namespace mutirao::publish {

struct RetrievalOptions {
    // A node that takes longer than this, and three times as long as half of the others, is late:
    // rows of other nodes are asked for as well.
    Duration hedge_after = std::chrono::milliseconds(40);
    // Rows of a range are waited for at least this long before the whole block, which is many
    // times as much, is read in their place.
    Duration range_patience = std::chrono::seconds(1);
    std::size_t call_bytes = 4 << 20;  // of rows in one call to a node
    Threads threads = {};              // that check and decode what one read brings
    std::size_t statements_kept = 64;  // opened ones, about 200 KiB each
};

struct BlockRead {
    Bytes content;  // ciphertext: header.length bytes, or the range that was asked for
    block::Header header;
    std::uint32_t data_rows_used = 0;
    std::uint32_t parity_rows_used = 0;
    std::uint32_t nodes_answered = 0;
    std::vector<NodeFailure> failures;
};

// What it is given must outlive it; calls to nodes need not have ended when it is destroyed. Any
// thread may call.
class Retriever {
  public:
    Retriever(StorageCalls& nodes, NodeHealth& health, Clock& clock, RetrievalOptions options = {})
        : nodes_(nodes), health_(health), clock_(clock), options_(options) {}

    const Threads& threads() const { return options_.threads; }

    // Reads the block as placed in `committee`'s epoch. unavailable when fewer than k good rows are
    // to be had (the message says how many rows and how many nodes answered).
    Result<BlockRead> read(const BlockId& id, const Committee& committee);

    // Bytes [offset, offset + size) of the content, from the data rows that hold them; where one of
    // those is not to be had, from the whole block, one such read at a time: memory of about two
    // blocks. Every row is the committed one and belongs to
    // the code; that it is the one content of an AVAIL block is proven by reading all of it, or by
    // the tag of an encrypted segment (docs/explanation/security.md). invalid_argument past the
    // end.
    Result<BlockRead> read_range(const BlockId& id, const Committee& committee,
                                 std::uint64_t offset, std::uint64_t size);

  private:
    using Check = std::shared_ptr<const block::StatementCheck>;
    Result<Check> statement(const BlockId& id, const Committee& committee,
                            std::vector<NodeFailure>& failures);

    StorageCalls& nodes_;
    NodeHealth& health_;
    Clock& clock_;
    const RetrievalOptions options_;
    std::mutex whole_;                           // held by a range that reads its whole block
    std::mutex mutex_;                           // guards kept_
    std::list<std::pair<BlockId, Check>> kept_;  // most recently used first
};

}  // namespace mutirao::publish
