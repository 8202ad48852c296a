#include "ledger/memo.hpp"

namespace mutirao::ledger {

Result<Address> Memo::sender(const Transaction& tx, const Digest& hash) {
    if (const auto known = senders_.find(hash); known != senders_.end()) return known->second;
    TRY(auto sender, tx.sender());
    senders_.emplace(hash, sender);
    sender_order_.push_back(hash);
    if (sender_order_.size() > kSendersKept) {
        senders_.erase(sender_order_.front());
        sender_order_.pop_front();
    }
    return sender;
}

Result<const placement::Placement*> Memo::placement(const EpochRecord& epoch) {
    auto at = placements_.find(epoch.epoch);
    if (at == placements_.end()) {
        TRY(auto made, placement::Placement::make(epoch.membership()));
        // The oldest epoch is the least likely to be asked for again.
        if (placements_.size() >= kPlacementsKept) placements_.erase(placements_.begin());
        at = placements_.emplace(epoch.epoch, std::move(made)).first;
    }
    return &at->second;
}

}  // namespace mutirao::ledger
