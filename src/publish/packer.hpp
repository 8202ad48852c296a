// Small objects, whoever they belong to, share blocks: a block is filled with sealed parts for a
// moment, coded once and certified once. Each part is encrypted under its own object's key and paid
// for by its own owner.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "publish/block_memory.hpp"
#include "publish/disperser.hpp"

namespace mutirao::publish {

inline constexpr std::uint64_t kPackedPlainMax = 256
                                                 << 10;  // bytes of plaintext; larger: own block

// The committee that new blocks go to, asked for each block.
using CurrentCommittee = std::function<Result<Committee>()>;

// What one gateway publishes with; all must outlive the writers and what they have under way.
struct Publishing {
    Disperser& disperser;
    BlockMemory& memory;
    Executor& executor;
    CurrentCommittee committee;
    unsigned coding_threads = 1;  // that code one block

    Threads coding() const { return {&executor, coding_threads}; }
};

struct PackLimits {
    std::size_t bytes_max = 4 << 20;  // of sealed parts in one block
    // How long the first part waits for others while no other pack is under way. While one is, the
    // next one fills.
    Duration linger = std::chrono::milliseconds(2);
    std::uint32_t packs_under_way = 2;
};

struct PackedPart {
    block::Certificate certificate;
    std::uint64_t offset = 0;          // of the part in the block's content
    std::uint64_t fragment_bytes = 0;  // of the whole block
    std::uint32_t fragments = 0;
};

// Any thread may call.
class Packer {
  public:
    Packer(Publishing publishing, PackLimits limits = {})
        : publishing_(std::move(publishing)), limits_(limits) {}

    // Returns once the block that holds the part is certified. At most limits.bytes_max bytes
    // (invalid_argument). Errors: those of Disperser::disperse, for all parts of the block.
    Result<PackedPart> store(ByteSpan sealed, Strength strength);

  private:
    struct Pack;

    Result<PackedPart> outcome_of(const Pack& pack, std::uint64_t offset) const;
    void lead(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Pack>& pack);
    void disperse(Pack& pack);

    const Publishing publishing_;
    const PackLimits limits_;
    std::mutex mutex_;  // guards everything below, and packs until they are closed
    std::condition_variable changed_;
    std::shared_ptr<Pack> open_;  // takes parts; shared by the callers that wait for it
    std::uint32_t under_way_ = 0;
};

}  // namespace mutirao::publish
