// A keeper of key shares: gives each out only to the content's owner or to the holder of a live
// licence, sealed to that reader, and writes down that it did. compute_rights.md section 3.
//
// On its Disk: the shares (share_log.hpp) and "answers.log" (append-only; synced before an answer
// leaves).
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "base/bytes.hpp"
#include "base/ports.hpp"
#include "rights/kept_share.hpp"
#include "rights/key_request.hpp"
#include "rights/share_log.hpp"

namespace mutirao::rights {

struct ReleasedShare {
    std::uint8_t index = 0;
    std::uint8_t threshold = 0;
    Bytes sealed;  // to the request's reply_to
};

// Opens a released share with the key that `request` asked to be answered to. permission_denied
// when it was not sealed for this request.
Result<crypto::KeyShare> open_share(const ReleasedShare& released, const KeyRequest& request,
                                    const crypto::BoxSecretKey& key);

// What the ledger says about licences. Called from many threads at once.
class Licences {
  public:
    virtual ~Licences() = default;
    // Fine when the requester holds a live licence of the owner's content for `run` (never zero);
    // else permission_denied with the reason, or unavailable when the ledger cannot be asked.
    virtual Status may_read(const Digest& content, const Address& owner, const Address& requester,
                            const Digest& run) = 0;
};

// Any thread may call anything.
class Keeper {
  public:
    // Reads the log of answers; a torn end counts for nothing.
    static Result<std::unique_ptr<Keeper>> open(Disk& disk, Random& random, Licences& licences);

    // Durable when it returns; those who keep at the same time share a sync. Keeping the same again
    // changes nothing. already_exists for another owner, threshold, share or
    // manifest of a kept content.
    Status keep(const KeptShare& share) { return keep_all({&share, 1}); }
    // The same for many, with one sync. At an error those before it may be kept.
    Status keep_all(std::span<const KeptShare> shares);

    // not_found, naming the content, when nothing is kept of it.
    Result<Bytes> manifest(const Digest& content) const;

    // permission_denied as KeyRequest::verify and Licences say, or when a requester who is not the
    // owner names no run; already_exists for a request answered before: sign a new one.
    Result<ReleasedShare> release(const KeyRequest& request, std::uint64_t now_unix_ms);

    // Removes the share for good (share_log.hpp says when its bytes leave the disk).
    // permission_denied unless the owner signed.
    Status forget(const KeyRequest& request, std::uint64_t now_unix_ms);

    // How often the content's share was released.
    std::uint64_t releases(const Digest& content) const;

  private:
    Keeper(Disk& disk, Random& random, Licences& licences)
        : disk_(disk), random_(random), licences_(licences) {}

    Status load_log();
    // Writes the answer down, durably, before it leaves. With mutex_ held.
    Status write_down(const KeyRequest& request, std::uint64_t now_unix_ms);
    void enter(const Digest& request, KeyAction action, const Digest& content,
               std::uint64_t expires_unix_ms);

    Disk& disk_;
    Random& random_;
    Licences& licences_;

    std::unique_ptr<ShareLog> shares_;
    mutable std::mutex mutex_;  // guards everything below, and writes
    std::unique_ptr<File> log_;
    std::uint64_t log_size_ = 0;
    std::map<Digest, std::uint64_t> releases_;  // content -> count
    std::map<Digest, std::uint64_t> answered_;  // request -> when it expires
};

}  // namespace mutirao::rights
