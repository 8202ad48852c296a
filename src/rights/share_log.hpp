// A keeper's shares on disk: "keys/shares.log", append-only records with an index in memory, so
// that many shares are safe with one sync.
//
//   record  "MKEY" | size of what follows u32 | 1 kept, 2 forgotten | content (32)
//           | KeptShare, if kept | BLAKE3_keyed(K_kept share, all before) (32)
//
// A damaged record costs only itself; a torn end is cut off. A forgotten share's bytes leave the
// disk when the log is written anew: at once while it is small, else when half of it is dead.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <span>

#include "base/ports.hpp"
#include "base/shared_sync.hpp"
#include "rights/kept_share.hpp"

namespace mutirao::rights {

// Any thread may call. The disk must outlive it.
class ShareLog {
  public:
    // Reads the whole log.
    static Result<std::unique_ptr<ShareLog>> open(Disk& disk);

    // not_found, naming the content; corrupt when it is damaged.
    Result<KeptShare> find(const Digest& content) const;
    // Durable when it returns. The same again changes nothing; already_exists when another share of
    // the content is kept. A damaged one is replaced.
    Status keep(const KeptShare& share) { return keep_all({&share, 1}); }
    // The same for many with one sync. At an error those before are kept, durably or not; asking
    // again is harmless.
    Status keep_all(std::span<const KeptShare> shares);
    // Durable when it returns. not_found when none is kept.
    Status forget(const Digest& content);

  private:
    struct Place {
        std::uint64_t offset = 0;
        std::uint32_t size = 0;  // of the record
    };

    explicit ShareLog(Disk& disk) : disk_(disk) {}
    Status load();
    Status enter(const KeptShare& share);
    Status append(ByteSpan record);                     // with mutex_ held
    Status sync();                                      // without
    Status write_anew();                                // with mutex_ held
    Result<Bytes> record_at(const Place& place) const;  // with mutex_ held

    Disk& disk_;
    SharedSync syncs_;
    mutable std::mutex mutex_;    // guards everything below
    std::shared_ptr<File> file_;  // shared with syncs in flight
    std::uint64_t size_ = 0;      // up to the last whole record
    std::uint64_t dead_ = 0;      // bytes of records that count no more
    std::map<Digest, Place> places_;
};

}  // namespace mutirao::rights
