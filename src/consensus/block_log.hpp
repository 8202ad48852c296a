// Blocks on disk, one record after another: length, checksum, block. A torn end is cut off on
// opening; damage before the end is an error, because later blocks build on it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/ports.hpp"
#include "consensus/block.hpp"

namespace mutirao::consensus {

// One thread at a time.
class BlockLog {
  public:
    // Calls `replay` for every whole block, in order.
    static Result<std::unique_ptr<BlockLog>> open(
        Disk& disk, const std::function<Status(const Block&)>& replay);

    // Writes the block; it survives a power cut once sync() has returned. On failure (a full disk)
    // the log is as before.
    Status append(const Block& block);
    Status sync() { return file_->sync(); }
    std::uint64_t bytes() const { return file_->size(); }

  private:
    explicit BlockLog(std::unique_ptr<File> file) : file_(std::move(file)) {}
    std::unique_ptr<File> file_;
};

}  // namespace mutirao::consensus
