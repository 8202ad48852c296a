// A Disk with a limit on the bytes it holds, for `--quota` and for tests of a full disk.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/ports.hpp"

namespace mutirao::os {

// Any thread may call. Counts the bytes of every file that was opened, written or read through
// it; truncating and removing give bytes back. Whoever owns a folder therefore opens its files when
// it starts, and the count is right from then on.
//
// What would go past the limit is resource_exhausted, "disk full: ...", and nothing is written.
class QuotaDisk final : public Disk {
  public:
    // `inner` outlives this.
    QuotaDisk(Disk& inner, std::uint64_t limit_bytes);
    ~QuotaDisk() override;

    std::uint64_t used_bytes() const;

    // Files live no longer than the QuotaDisk.
    Result<std::unique_ptr<File>> open(std::string_view path) override;
    Result<bool> exists(std::string_view path) override { return inner_.exists(path); }
    Result<Bytes> read_file(std::string_view path, std::size_t max_size) override;
    Status write_file_atomic(std::string_view path, ByteSpan bytes) override;
    Status remove(std::string_view path) override;
    Result<std::vector<std::string>> list(std::string_view folder) override {
        return inner_.list(folder);
    }

  private:
    class CountedFile;
    // Makes `path` count as `size` bytes; fails, changing nothing, when it grows past the limit.
    Status resize(const std::string& path, std::uint64_t size);
    // The same for a size that is already a fact on the inner disk.
    void record(const std::string& path, std::uint64_t size);

    Disk& inner_;
    const std::uint64_t limit_;
    mutable std::mutex mutex_;  // guards sizes_ and used_
    std::map<std::string, std::uint64_t> sizes_;
    std::uint64_t used_ = 0;
};

}  // namespace mutirao::os
