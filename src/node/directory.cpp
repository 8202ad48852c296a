#include "node/directory.hpp"

#include <algorithm>

namespace mutirao::node {
namespace {

constexpr auto kNodesFresh = std::chrono::milliseconds(700);
// For who is looked for and not found: strangers may not make us ask the ledger more often.
constexpr auto kNodesFreshest = std::chrono::milliseconds(50);
constexpr std::size_t kNodesMax = 10'000;
constexpr std::size_t kCommitteesKept = 64;

}  // namespace

Result<std::vector<ledger::NodeRecord>> Directory::nodes() { return nodes_as_of(kNodesFresh); }

Result<bool> Directory::has_role(const Address& account, ledger::Role role) {
    for (const auto age_max : {kNodesFresh, kNodesFreshest}) {
        TRY(auto known, nodes_as_of(age_max));
        for (const auto& node : known)
            if (node.address == account && node.role == role && node.active) return true;
    }
    return false;
}

Result<std::vector<ledger::NodeRecord>> Directory::nodes_as_of(Duration age_max) {
    const auto now = clock_.monotonic();
    {
        const std::lock_guard lock(mutex_);
        if (nodes_known_ && now - nodes_read_at_ < age_max) return nodes_;
    }
    TRY(auto read, ledger::read_all<ledger::NodeRecord>(ledger_, ledger::key::nodes(), kNodesMax));
    const std::lock_guard lock(mutex_);
    nodes_ = read;
    nodes_read_at_ = now;
    nodes_known_ = true;
    return read;
}

Result<std::string> Directory::endpoint(const Address& node) {
    TRY(auto known, nodes());
    for (const auto& record : known)
        if (record.address == node && record.active) return record.endpoint;
    return Error{ErrorKind::not_found, "node " + node.hex() + " is not registered"};
}

Result<std::vector<ledger::NodeRecord>> Directory::nodes_of(ledger::Role role) {
    TRY(auto known, nodes());
    std::erase_if(known, [&](const auto& node) { return node.role != role || !node.active; });
    return known;
}

Result<publish::Committee> Directory::committee(std::uint64_t epoch) {
    {
        const std::lock_guard lock(mutex_);
        if (const auto at = committees_.find(epoch); at != committees_.end()) return at->second;
    }
    TRY(auto record, ledger::require<ledger::EpochRecord>(ledger_, ledger::key::epoch(epoch),
                                                          "epoch " + std::to_string(epoch)));
    TRY(auto placement, placement::Placement::make(record.membership()));
    publish::Committee out;
    out.placement = std::make_shared<const placement::Placement>(std::move(placement));
    for (const auto& member : record.members) {
        // The ledger took the key with its proof of possession.
        TRY(auto key, crypto::BlsVerifiedKey::possession_shown(member.bls_key));
        out.keys.push_back(std::move(key));
    }
    const std::lock_guard lock(mutex_);
    if (committees_.size() >= kCommitteesKept) committees_.erase(committees_.begin());
    committees_[epoch] = out;
    return out;
}

Result<publish::Committee> Directory::current_committee() {
    TRY(auto epoch, ledger::read_counter(ledger_, ledger::key::current_epoch()));
    if (epoch == 0)
        return Error{ErrorKind::unavailable, "no storage node has joined this network yet"};
    return committee(epoch);
}

Result<publish::Committee> Directory::committee_of(const BlockId& block) {
    TRY(auto record,
        ledger::require<ledger::CertifiedBlock>(ledger_, ledger::key::block(block),
                                                "certificate of block " + block.hex()));
    TRY(auto certificate, block::Certificate::decode(record.certificate));
    return committee(certificate.epoch);
}

Result<std::shared_ptr<const placement::Placement>> Directory::placement(std::uint64_t epoch) {
    TRY(auto found, committee(epoch));
    return found.placement;
}

Status Directory::may_read(const Digest& content, const Address& owner, const Address& requester,
                           const Digest& run) {
    const auto denied = [](const std::string& why) {
        return Status(Error{ErrorKind::permission_denied, why});
    };
    const auto asset = ledger::asset_id(owner, content);
    TRY(const auto owned, ledger::read<ledger::Asset>(ledger_, ledger::key::asset(asset)));
    if (owned && owned->owner == requester) return {};  // the asset was given to it
    TRY(auto licence, ledger::read<ledger::Licence>(
                          ledger_, ledger::key::licence(ledger::licence_id(asset, run))));
    if (!licence) return denied("no licence of this content was given for that run");
    if (licence->state == ledger::LicenceState::revoked)
        return denied("the owner has revoked the licence");
    if (licence->state != ledger::LicenceState::accepted)
        return denied("the licence was offered but is not paid for yet");
    if (!licence->is_live(clock_.unix_ms())) return denied("the licence has expired");
    if (licence->purpose == ledger::Purpose::infer) {
        if (ledger::subject_of(requester) != run)
            return denied("the licence is another provider's");
        return {};
    }
    TRY(auto record, ledger::require<ledger::Run>(ledger_, ledger::key::run(run), "such run"));
    const auto& trainers = record.trainers;
    if (requester != record.builder &&
        std::find(trainers.begin(), trainers.end(), requester) == trainers.end())
        return denied("the requester takes no part in that run");
    return {};
}

Result<bool> Directory::certified(const BlockId& block) {
    TRY(auto record, ledger::read<ledger::CertifiedBlock>(ledger_, ledger::key::block(block)));
    return record.has_value();
}

Status Directory::released(const BlockId& block) {
    TRY(auto record, ledger::read<ledger::CertifiedBlock>(ledger_, ledger::key::block(block)));
    if (!record || !record->released)
        return Error{ErrorKind::permission_denied,
                     "block " + block.hex() + " was not released by who paid for it"};
    return {};
}

Result<std::vector<Address>> Directory::keepers() {
    TRY(auto nodes, nodes_of(ledger::Role::storage));
    std::vector<Address> out;
    for (const auto& node : nodes) out.push_back(node.address);
    return out;
}

}  // namespace mutirao::node
