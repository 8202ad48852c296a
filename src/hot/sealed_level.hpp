// The second level of the hot tier: shards as ciphertext on a Disk, least recently used ones making
// room. Plaintext never comes here. A file's bytes: docs/reference/hot-tier.md.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/ports.hpp"
#include "hot/open_object.hpp"

namespace mutirao::hot {

// The file of one shard: a head of 44 bytes, then the ciphertext.
struct SealedFile {
    static constexpr std::size_t kHeadSize = 4 + 8 + 32;
    static Bytes head(const ShardName& name, ByteSpan sealed);
    // The ciphertext, borrowed from `file`. corrupt unless these are the bytes that were written
    // for this name.
    static Result<ByteSpan> open(const ShardName& name, ByteSpan file);
};

// Any thread may call anything; one call at a time reaches the index, none holds it while the disk
// works.
class SealedLevel {
  public:
    // Takes in what an earlier process left in "hot/" of the disk, within `bytes_max`. The disk
    // must outlive it.
    static Result<std::unique_ptr<SealedLevel>> open(Disk& disk, std::uint64_t bytes_max);

    // The ciphertext that was put under this name; not_found, or corrupt (and then forgotten) when
    // the disk gives other bytes than were put.
    Result<Bytes> get(const ShardName& name);
    // Keeps it, others making room. What does not fit, and what is there already, changes nothing.
    // Not durable: after a power cut it is there or it is not, and never in part.
    Status put(const ShardName& name, ByteSpan sealed);
    void forget(const ShardName& name);

    std::uint64_t bytes() const;

  private:
    struct Entry {
        std::uint64_t size = 0;
        std::list<std::string>::iterator recency;
    };
    SealedLevel(Disk& disk, std::uint64_t bytes_max) : disk_(disk), bytes_max_(bytes_max) {}
    Status load();
    Status write(const std::string& path, const ShardName& name, ByteSpan sealed);
    void enter(const std::string& path, std::uint64_t size);
    std::list<std::string> make_room(std::uint64_t size);  // returns what to remove from the disk

    Disk& disk_;
    const std::uint64_t bytes_max_;
    mutable std::mutex mutex_;  // guards everything below
    std::unordered_map<std::string, Entry> entries_;
    std::list<std::string> recent_;  // paths, most recently used first
    std::uint64_t bytes_ = 0;
};

}  // namespace mutirao::hot
