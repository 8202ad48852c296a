// What has come of blobs that are still being fetched, on the disk: a fetch that a crash cut off
// goes on with it.
//
// One file a blob, `part-ID`: {index u32, 0xffffffff for the list; size u32; bytes}, little-endian,
// as they came. It is not synced and proves nothing: each chunk is checked again when it is taken
// up, and what is torn or damaged is fetched again. Blobs of fewer than kChunksKeptFrom chunks are
// not kept: fetching them again costs less.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/ports.hpp"
#include "train/blob.hpp"

namespace mutirao::node {

inline constexpr std::size_t kChunksKeptFrom = 8;  // 2 MiB

// One thread at a time. Cost: each chunk is written once more.
class KeptChunks {
  public:
    // In a folder of the disk's, beside other files; the disk must outlive this.
    KeptChunks(Disk& disk, std::string folder) : disk_(disk), folder_(std::move(folder)) {}

    // Gives a fetch that has nothing yet what is here of its blob.
    Status take_up(const Digest& id, train::BlobFetch& fetch);
    // A chunk that the fetch has taken.
    Status keep(const Digest& id, const train::BlobFetch& fetch, std::uint32_t chunk,
                ByteSpan bytes);
    // The blob is whole, or nobody wants it any more.
    Status drop(const Digest& id);
    Status drop_all_but(const std::set<Digest>& wanted);

  private:
    std::string path(const Digest& id) const { return folder_ + "/part-" + id.hex(); }

    Disk& disk_;
    const std::string folder_;
    std::map<Digest, std::unique_ptr<File>> open_;
};

}  // namespace mutirao::node
