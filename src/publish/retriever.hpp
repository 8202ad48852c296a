// Retrieval: data rows first, in parallel from the nodes that hold them; what is missing is made up
// from parity rows of the nodes that answered; every row is checked against the block's commitment
// before it is used, and bad ones are dropped and reported.
#pragma once

#include <vector>

#include "base/ports.hpp"
#include "block/statement.hpp"
#include "publish/nodes.hpp"

namespace mutirao::publish {

struct BlockRead {
    Bytes content;  // ciphertext, header().length bytes
    block::Header header;
    std::uint32_t data_rows_used = 0;
    std::uint32_t parity_rows_used = 0;
    std::uint32_t nodes_answered = 0;
    std::vector<NodeFailure> failures;
};

// The nodes and the executor must outlive the calls. Any thread may call.
class Retriever {
  public:
    Retriever(StorageCalls& nodes, Executor& executor) : nodes_(nodes), executor_(executor) {}

    // Reads the block as placed in `committee`'s epoch. unavailable when fewer than k good rows are
    // to be had (the message says how many rows and how many nodes answered).
    Result<BlockRead> read(const BlockId& id, const Committee& committee);

  private:
    StorageCalls& nodes_;
    Executor& executor_;
};

}  // namespace mutirao::publish
