// What execution has worked out before and would work out again: who signed a transaction, and how
// an epoch places its slots. Forgetting is always safe; results never depend on it. Internal to
// ledger; one thread at a time.
#pragma once

#include <deque>
#include <map>

#include "ledger/records.hpp"
#include "ledger/transaction.hpp"

namespace mutirao::ledger {

class Memo {
  public:
    // The signer of the transaction whose bytes hash to `hash`. About 50 us the first time.
    Result<Address> sender(const Transaction& tx, const Digest& hash);
    // The placement of an epoch that a committed block closed, so that its members are final. A
    // group's table costs about 0.8 us a member the first time. The pointer holds until the next
    // call.
    Result<const placement::Placement*> placement(const EpochRecord& epoch);

  private:
    std::map<Digest, Address> senders_;
    std::deque<Digest> sender_order_;
    std::map<std::uint64_t, placement::Placement> placements_;
};

inline constexpr std::size_t kSendersKept = 32768;  // 1.7 MB
inline constexpr std::size_t kPlacementsKept = 4;   // 128 KiB each

}  // namespace mutirao::ledger
