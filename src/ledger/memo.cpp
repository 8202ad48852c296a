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

Result<const Committee*> Memo::committee(const StateView& state, std::uint64_t epoch) {
    auto at = committees_.find(epoch);
    if (at == committees_.end()) {
        const auto name = "epoch " + std::to_string(epoch);
        TRY(auto record, require<EpochRecord>(state, key::epoch(epoch), name));
        if (record.members.empty())
            return Error{ErrorKind::invalid_argument, name + " has no nodes"};
        TRY(auto placement, placement::Placement::make(record.membership()));
        // The oldest epoch is the least likely to be asked for again.
        if (committees_.size() >= kCommitteesKept) committees_.erase(committees_.begin());
        at = committees_.emplace(epoch, Committee{std::move(record), std::move(placement)}).first;
    }
    return &at->second;
}

Result<const crypto::BlsVerifiedKey*> Memo::key(const crypto::BlsPublicKey& key) {
    auto at = keys_.find(key);
    if (at == keys_.end()) {
        TRY(auto point, crypto::BlsVerifiedKey::possession_shown(key));
        if (keys_.size() >= kKeysKept) keys_.clear();
        at = keys_.emplace(key, point).first;
    }
    return &at->second;
}

}  // namespace mutirao::ledger
