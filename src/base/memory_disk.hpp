// A Disk in memory that fails on command: full, torn by a power cut at a chosen byte or operation,
// or unable to sync. For tests and the simulator; any thread may call.
//
// What survives a power cut is what a real disk promises: of each file, everything that was synced,
// and as many of the bytes appended since as the test asks to keep, or any of their pages. Creation
// by open() is durable with the file's first sync; truncate(), remove() and write_file_atomic() are
// durable at once.
#pragma once

#include <map>
#include <mutex>
#include <optional>

#include "base/ports.hpp"

namespace mutirao {

class MemoryDisk final : public Disk {
  public:
    MemoryDisk();
    ~MemoryDisk() override;

    Result<std::unique_ptr<File>> open(std::string_view path) override;
    Result<bool> exists(std::string_view path) override;
    Result<Bytes> read_file(std::string_view path, std::size_t max_size) override;
    Status write_file_atomic(std::string_view path, ByteSpan bytes) override;
    Status remove(std::string_view path) override;
    Result<std::vector<std::string>> list(std::string_view folder) override;

    // Bytes that all files together may hold (default: no limit). An append beyond it writes what
    // fits and fails with resource_exhausted.
    void set_capacity(std::uint64_t bytes);

    // From now on `bytes` more bytes reach the disk; at the next one the power goes, in the middle
    // of the append. From then on every call fails with io.
    void cut_power_after_bytes(std::uint64_t bytes);
    // From now on `operations` more changing calls (creating open, append, truncate, sync, atomic
    // write, remove) complete; the power goes before the next one.
    void cut_power_after_operations(std::uint64_t operations);
    bool power_is_cut() const;
    // The machine starts again (with or without a cut before). Of every file the synced part and
    // the first `unsynced_bytes_kept` bytes after it remain. Files opened before fail from now on;
    // every armed fault is disarmed, capacity stays.
    void restart(std::uint64_t unsynced_bytes_kept = 0);
    // The same, but what remains of a file's unsynced bytes is a length drawn from `chance`, and of
    // that any pages: those that were not written yet are zeros, as file systems leave them.
    void restart_with_holes(Random& chance, std::uint64_t page_size = 4096);

    // While set, sync() fails with io and nothing becomes durable.
    void fail_syncs(bool fail);

    // Flips one bit of a stored file, synced or not. False when there is no such bit.
    bool flip_bit(std::string_view path, std::uint64_t bit);

    std::uint64_t bytes_stored() const;   // in all files now
    std::uint64_t bytes_written() const;  // since the beginning
    std::uint64_t operations() const;     // changing calls since the beginning
    std::uint64_t syncs() const;          // completed since the beginning

  private:
    class OpenFile;
    struct Content {
        Bytes bytes;
        std::size_t synced = 0;  // how many of them survive a power cut
        bool durable = false;    // whether the file itself does
    };

    Status begin_operation();
    Status append(Content& content, std::span<const ByteSpan> pieces);
    void begin_again();
    std::uint64_t stored() const;

    mutable std::mutex mutex_;  // guards everything below
    std::map<std::string, std::shared_ptr<Content>, std::less<>> files_;
    std::uint64_t capacity_;
    std::optional<std::uint64_t> bytes_left_;
    std::optional<std::uint64_t> operations_left_;
    bool cut_ = false;
    bool fail_syncs_ = false;
    std::uint64_t generation_ = 0;  // of open files; a restart begins the next one
    std::uint64_t bytes_written_ = 0;
    std::uint64_t operations_ = 0;
    std::uint64_t syncs_ = 0;
};

}  // namespace mutirao
