// One open file of a PosixDisk; only disk.cpp makes them.
#pragma once

#include <atomic>
#include <string>

#include "base/ports.hpp"
#include "os/descriptor.hpp"

namespace mutirao::os {

// As File says. After a failed sync() every later append and sync fails too: the kernel may have
// dropped the pages that it could not write and would report success the next time.
class PosixFile final : public File {
  public:
    // `name` is what errors call the file.
    static Result<std::unique_ptr<PosixFile>> adopt(Descriptor descriptor, std::string name);

    std::uint64_t size() const override { return size_.load(std::memory_order_acquire); }
    Status append(ByteSpan bytes) override;
    Status append_pieces(std::span<const ByteSpan> pieces) override;
    Status read(std::uint64_t offset, MutableByteSpan out) const override;
    // Never makes it longer (invalid_argument); durable when it returns.
    Status truncate(std::uint64_t size) override;
    Status sync() override;
    void let_go(std::uint64_t offset, std::uint64_t size) override;

  private:
    PosixFile(Descriptor descriptor, std::string name, std::uint64_t size);

    Descriptor descriptor_;
    const std::string name_;
    std::atomic<std::uint64_t> size_;
    std::atomic<bool> broken_ = false;
};

}  // namespace mutirao::os
