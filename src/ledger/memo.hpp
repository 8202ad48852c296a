// What execution has worked out before and would work out again: who signed a transaction, who the
// nodes of an epoch are and how it places its slots, and which keys are good. Forgetting is always
// safe; results never depend on it. Internal to ledger; one thread at a time.
#pragma once

#include <deque>
#include <map>

#include "crypto/bls.hpp"
#include "ledger/records.hpp"
#include "ledger/transaction.hpp"

namespace mutirao::ledger {

// An epoch's nodes, and which of them holds which slot.
struct Committee {
    EpochRecord epoch;
    placement::Placement placement;
};

class Memo {
  public:
    // The signer of the transaction whose bytes hash to `hash`. About 50 us the first time.
    Result<Address> sender(const Transaction& tx, const Digest& hash);
    // An epoch that a committed block closed, so that its members are final. not_found when there
    // is none; invalid_argument when it has no nodes. Reading it costs about 1 us a member the
    // first time, and so does each group's table. The pointer holds until the next call.
    Result<const Committee*> committee(const StateView& state, std::uint64_t epoch);
    // A key that was registered, so that its possession was shown. About 0.1 ms the first time. The
    // pointer holds until the next call.
    Result<const crypto::BlsVerifiedKey*> key(const crypto::BlsPublicKey& key);

  private:
    std::map<Digest, Address> senders_;
    std::deque<Digest> sender_order_;
    std::map<std::uint64_t, Committee> committees_;
    std::map<crypto::BlsPublicKey, crypto::BlsVerifiedKey> keys_;
};

inline constexpr std::size_t kSendersKept = 32768;  // 1.7 MB
inline constexpr std::size_t kCommitteesKept = 4;   // 130 KiB each, and 200 bytes a member
inline constexpr std::size_t kKeysKept = 8192;      // 2.8 MB

}  // namespace mutirao::ledger
