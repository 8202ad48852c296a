// Dispersal: a coded block goes straight to the nodes that placement names, each checks and signs
// its share, and as soon as the signed weight reaches the threshold there is a certificate.
// Dead and slow nodes never delay it. protocol.md sections 3-5.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "base/ports.hpp"
#include "block/certificate.hpp"
#include "publish/nodes.hpp"

namespace mutirao::publish {

struct DispersalOptions {
    std::uint64_t chain_id = 0;
    // After the threshold, how long to wait for more signatures: more signers, more safety.
    std::chrono::milliseconds grace{200};
};

struct Dispersal {
    block::Certificate certificate;
    std::uint32_t slots_signed = 0;
    std::vector<NodeFailure> failures;
};

// The nodes and the executor must outlive every dispersal, including what goes on after the
// threshold. Any thread may call disperse.
class Disperser {
  public:
    Disperser(StorageCalls& nodes, Executor& executor, DispersalOptions options)
        : nodes_(nodes), executor_(executor), options_(options) {}

    // unavailable "no quorum: ..." when all nodes have answered or failed and fewer than
    // block::kAvailableSlots slots are signed; the message names the first failures. Idempotent:
    // dispersing the same block again yields a certificate for the same id. The block is shared
    // because slow nodes still receive it after this returns.
    Result<Dispersal> disperse(std::shared_ptr<const block::CodedBlock> coded,
                               const Committee& committee);

  private:
    StorageCalls& nodes_;
    Executor& executor_;
    const DispersalOptions options_;
};

}  // namespace mutirao::publish
