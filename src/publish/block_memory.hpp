// Memory for the blocks that one gateway has under way: a bound on how many bytes are coded and
// sent at a time, and row buffers that are used again, because the first touch of fresh memory
// costs more than coding into it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "block/statement.hpp"

namespace mutirao::publish {

// All rows of a full block.
inline constexpr std::size_t kRowsMemory = 3 * block::kBlockSizeMax;

// Any thread may call. It must outlive its leases; blocks may outlive it.
class BlockMemory {
  public:
    explicit BlockMemory(std::size_t bytes_max = 4 * kRowsMemory)
        : bytes_max_(bytes_max), spare_(std::make_shared<Spare>()) {}

    // Bytes that are under way until the lease goes.
    class Lease {
      public:
        Lease(BlockMemory& memory, std::size_t bytes) : memory_(&memory), bytes_(bytes) {}
        Lease(Lease&& other) noexcept : memory_(other.memory_), bytes_(other.bytes_) {
            other.memory_ = nullptr;
        }
        Lease& operator=(Lease&&) = delete;
        ~Lease() {
            if (memory_ != nullptr) memory_->give_back(bytes_);
        }

      private:
        BlockMemory* memory_;
        const std::size_t bytes_;
    };

    // Waits until so many bytes are free, whoever asked first being first. More than there are in
    // all count as all.
    Lease acquire(std::size_t bytes);

    // A buffer with room for kRowsMemory bytes: one that was used before, if there is one.
    coding::RowBuffer take_buffer();
    // The block's row buffer comes back here once nobody uses the block any more.
    std::shared_ptr<const block::CodedBlock> share(block::CodedBlock block) const;

  private:
    static constexpr std::size_t kSpareMax = 4;
    struct Spare {
        std::mutex mutex;  // guards buffers
        std::vector<coding::RowBuffer> buffers;
    };

    void give_back(std::size_t bytes);

    const std::size_t bytes_max_;
    std::mutex mutex_;  // guards the fields below
    std::condition_variable changed_;
    std::size_t bytes_ = 0;
    std::uint64_t next_ticket_ = 0;
    std::uint64_t serving_ = 0;
    const std::shared_ptr<Spare> spare_;  // blocks that outlive the memory look whether it is there
};

}  // namespace mutirao::publish
