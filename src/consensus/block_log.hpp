// Blocks on disk, one record after another: frame and block. A frame is the block's size (u32), its
// checksum (32 bytes) and the first 8 bytes of a checksum over both, so that a damaged size is not
// taken for the end of the log. A torn end, which no sync() covered, is cut off on opening; damage
// before the last record is an error, because later blocks build on it.
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
    // the log is as before; when even that cannot be had, every later append fails (io).
    Status append(const Block& block);
    Status sync() { return file_->sync(); }
    std::uint64_t bytes() const { return file_->size(); }

  private:
    explicit BlockLog(std::unique_ptr<File> file) : file_(std::move(file)) {}
    std::unique_ptr<File> file_;
    bool broken_ = false;  // the file ends in half a record
};

}  // namespace mutirao::consensus
