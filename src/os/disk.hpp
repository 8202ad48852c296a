// The real Disk: a folder of the machine's file system.
#pragma once

#include <memory>
#include <string>

#include "base/ports.hpp"

namespace mutirao::os {

// Any thread may call. Every name that a call creates, replaces or removes is durable when the call
// returns (the folder is synced); contents are once File::sync() or write_file_atomic() returns.
//
// Paths that are empty, absolute, or hold an empty name, ".", ".." or a NUL are invalid_argument;
// so are names starting with ".tmp-", which write_file_atomic() uses (list() leaves them out: after
// a crash one may stay behind). Errors name the file; a full disk is resource_exhausted.
class PosixDisk final : public Disk {
  public:
    // Creates the folder, and those above it, when missing.
    static Result<std::unique_ptr<PosixDisk>> open_folder(const std::string& root);
    ~PosixDisk() override;

    // Claims the folder for this object until it is destroyed or the process ends, however it
    // ends. already_exists when another PosixDisk, here or in another process, has claimed it.
    // Advisory: it holds off only those who also lock().
    Status lock();

    Result<std::unique_ptr<File>> open(std::string_view path) override;
    // True for files and for folders.
    Result<bool> exists(std::string_view path) override;
    Result<Bytes> read_file(std::string_view path, std::size_t max_size) override;
    Status write_file_atomic(std::string_view path, ByteSpan bytes) override;
    // not_found when absent.
    Status remove(std::string_view path) override;
    // "" is the root.
    Result<std::vector<std::string>> list(std::string_view folder) override;

  private:
    struct Impl;
    explicit PosixDisk(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mutirao::os
