#include "ledger/memo.hpp"

namespace mutirao::ledger {

AdmittedPtr Memo::admitted(const Digest& id) const {
    const std::shared_lock lock(admitted_mutex_);
    const auto at = admitted_.find(id);
    return at == admitted_.end() ? nullptr : at->second;
}

void Memo::remember(const Digest& id, AdmittedPtr admitted) {
    const auto size = admitted->raw.size();
    std::vector<AdmittedPtr> forgotten;  // destroyed after the lock
    const std::lock_guard lock(admitted_mutex_);
    if (!admitted_.try_emplace(id, std::move(admitted)).second) return;
    admitted_order_.push_back(id);
    admitted_bytes_ += size;
    while (admitted_order_.size() > kAdmittedKept || admitted_bytes_ > kAdmittedBytesKept) {
        const auto oldest = admitted_.find(admitted_order_.front());
        admitted_bytes_ -= oldest->second->raw.size();
        forgotten.push_back(std::move(oldest->second));
        admitted_.erase(oldest);
        admitted_order_.pop_front();
    }
}

bool Memo::is_good(const Digest& claim) const {
    const std::shared_lock lock(claims_mutex_);
    return claims_.contains(claim);
}

void Memo::remember_good(std::span<const Digest> claims) {
    if (claims.empty()) return;
    const std::lock_guard lock(claims_mutex_);
    for (const auto& claim : claims) {
        if (!claims_.insert(claim).second) continue;
        claims_order_.push_back(claim);
        if (claims_order_.size() > kClaimsKept) {
            claims_.erase(claims_order_.front());
            claims_order_.pop_front();
        }
    }
}

CommitteePtr Memo::known_committee(std::uint64_t epoch) const {
    const std::shared_lock lock(mutex_);
    const auto at = committees_.find(epoch);
    return at == committees_.end() ? nullptr : at->second;
}

Result<CommitteePtr> Memo::committee(const StateView& state, std::uint64_t epoch) {
    if (auto known = known_committee(epoch)) return known;
    const auto name = "epoch " + std::to_string(epoch);
    TRY(auto record, require<EpochRecord>(state, key::epoch(epoch), name));
    if (record.members.empty()) return Error{ErrorKind::invalid_argument, name + " has no nodes"};
    TRY(auto placement, placement::Placement::make(record.membership()));
    auto made =
        std::make_shared<const Committee>(Committee{std::move(record), std::move(placement)});
    const std::lock_guard lock(mutex_);
    // The oldest epoch is the least likely to be asked for again.
    if (committees_.size() >= kCommitteesKept) committees_.erase(committees_.begin());
    return committees_.insert_or_assign(epoch, std::move(made)).first->second;
}

Result<crypto::BlsVerifiedKey> Memo::key(const crypto::BlsPublicKey& key) {
    {
        const std::shared_lock lock(mutex_);
        if (const auto at = keys_.find(key); at != keys_.end()) return at->second;
    }
    TRY(auto point, crypto::BlsVerifiedKey::possession_shown(key));
    const std::lock_guard lock(mutex_);
    if (keys_.size() >= kKeysKept) keys_.clear();
    keys_.emplace(key, point);
    return point;
}

}  // namespace mutirao::ledger
