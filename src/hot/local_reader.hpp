// A reader of the same machine: maps a node's shards once, and from then on reads them in place
// without asking anybody. include/mutirao/hot.h connects it to a node's socket.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/shared_memory.hpp"
#include "hot/local_message.hpp"

namespace mutirao::hot {

// A shard's plaintext. It stays readable as long as this is held, whatever becomes of the node.
class MappedShard {
  public:
    explicit MappedShard(std::shared_ptr<const SharedBytes> memory) : memory_(std::move(memory)) {}
    ByteSpan bytes() const { return memory_->bytes(); }
    // Copies the bytes from `offset` on to `out`, whose size says how many; invalid_argument when
    // they end past the shard. Faster than memcpy from memory that no cache holds (bench/hot).
    Status copy(std::size_t offset, MutableByteSpan out) const;

  private:
    std::shared_ptr<const SharedBytes> memory_;
};

// An object that a reader has open. Any thread may call.
class LocalObject {
  public:
    LocalObject(std::shared_ptr<LocalLine> line, Clock& clock, const LocalOpened& opened);
    // Lets everything go that no MappedShard holds, and tells the node.
    ~LocalObject();
    LocalObject(const LocalObject&) = delete;
    LocalObject& operator=(const LocalObject&) = delete;

    std::uint32_t shards() const { return opened_.shards; }
    std::uint64_t size() const { return opened_.size; }              // bytes
    std::uint64_t shard_size() const { return opened_.shard_size; }  // see LocalOpened

    // The shard: a table lookup after the first time (well under 1 us), a call to the node and
    // perhaps a cold read (seconds) then. When the node says that readers hold too much memory,
    // shards that nobody uses are let go, and it is asked once more.
    // Errors: invalid_argument (no such shard); permission_denied when the 15 minutes of the read
    // are over, even for what is mapped: open the object again; resource_exhausted; unavailable
    // when the node has gone: what is mapped can still be had, the rest from another node.
    Result<MappedShard> map(std::uint32_t index);
    // Unmaps a shard unless a MappedShard holds it, and tells the node.
    void release(std::uint32_t index);

  private:
    Result<MappedShard> map_first_time(std::uint32_t index);
    void release_unused();

    const std::shared_ptr<LocalLine> line_;
    Clock& clock_;
    const LocalOpened opened_;
    const Duration until_;
    std::mutex asking_;  // held while the node is asked, so that it and the table agree
    std::mutex mutex_;   // guards table_
    std::vector<std::shared_ptr<const SharedBytes>> table_;
};

// Any thread may call. The clock must outlive it and its objects.
class LocalReader {
  public:
    // Greets the node. Errors are those of the line.
    static Result<std::unique_ptr<LocalReader>> greet(std::unique_ptr<LocalLine> line,
                                                      Clock& clock);

    // The key that a rights::KeyRequest must have as reply_to to be good for open().
    const FixedBytes<LocalBoxTag, 32>& box_key() const { return hello_.box_key; }
    // Opens an object with an encoded rights::KeyRequest; permission_denied without a licence.
    Result<std::unique_ptr<LocalObject>> open(ByteSpan credential);

  private:
    LocalReader(std::shared_ptr<LocalLine> line, Clock& clock, const LocalHello& hello)
        : line_(std::move(line)), clock_(clock), hello_(hello) {}

    const std::shared_ptr<LocalLine> line_;
    Clock& clock_;
    const LocalHello hello_;
};

}  // namespace mutirao::hot
