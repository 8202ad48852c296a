// What has been worked out before and would be worked out again: what a transaction says and who
// signed it, which signatures inside calls are good, who the nodes of an epoch are and how it
// places its slots, and which keys are good. Forgetting is always safe; results never depend on it.
// Any thread.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <shared_mutex>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "crypto/bls.hpp"
#include "ledger/gathering.hpp"
#include "ledger/records.hpp"
#include "ledger/transaction.hpp"

namespace mutirao::ledger {

// A transaction about which everything holds that does not depend on the state.
struct Admitted {
    Transaction tx;
    Digest hash;
    Address sender;
    std::uint64_t gas = 0;
    Bytes raw = {};  // as it was sent
};
using AdmittedPtr = std::shared_ptr<const Admitted>;

// An epoch's nodes, and which of them holds which slot.
struct Committee {
    EpochRecord epoch;
    placement::Placement placement;
};
using CommitteePtr = std::shared_ptr<const Committee>;

inline constexpr std::size_t kAdmittedKept = 32768;          // transactions
inline constexpr std::size_t kAdmittedBytesKept = 64 << 20;  // of them, as they were sent
inline constexpr std::size_t kClaimsKept = 65536;            // 5 MiB
inline constexpr std::size_t kCommitteesKept = 4;            // 130 KiB each, and 200 bytes a member
inline constexpr std::size_t kKeysKept = 8192;               // 2.8 MB

class Memo {
  public:
    // Null when it is not known. `id` is blake3 of the transaction's bytes.
    AdmittedPtr admitted(const Digest& id) const;
    void remember(const Digest& id, AdmittedPtr admitted);

    // Whether something signed was found good: its hash, keyed by what it is.
    bool is_good(const Digest& claim) const;
    void remember_good(const Digest& claim) { remember_good({&claim, 1}); }
    void remember_good(std::span<const Digest> claims);

    // An epoch that a committed block closed, so that its members are final. not_found when there
    // is none; invalid_argument when it has no nodes. Reading it costs about 1 us a member the
    // first time, and so does each group's table.
    Result<CommitteePtr> committee(const StateView& state, std::uint64_t epoch);
    // Null when nobody asked for it before.
    CommitteePtr known_committee(std::uint64_t epoch) const;
    // Certificates whose signatures several threads want to know of.
    Gathering& certificates() { return gathering_; }
    // A key that was registered, so that its possession was shown. About 0.1 ms the first time.
    Result<crypto::BlsVerifiedKey> key(const crypto::BlsPublicKey& key);

  private:
    // Whoever runs a block asks for claims and committees while many threads bring transactions: a
    // lock each, which those who only look share. All are held for look-ups only.
    Gathering gathering_;
    mutable std::shared_mutex admitted_mutex_;  // guards the three below
    std::unordered_map<Digest, AdmittedPtr> admitted_;
    std::deque<Digest> admitted_order_;
    std::size_t admitted_bytes_ = 0;
    mutable std::shared_mutex claims_mutex_;  // guards the two below
    std::unordered_set<Digest> claims_;
    std::deque<Digest> claims_order_;
    mutable std::shared_mutex mutex_;  // guards everything below
    std::map<std::uint64_t, CommitteePtr> committees_;
    std::map<crypto::BlsPublicKey, crypto::BlsVerifiedKey> keys_;
};

}  // namespace mutirao::ledger
