// Who is who, from the ledger: nodes and their endpoints, committees of epochs, licences. Cached
// for a moment, because every fragment's journey asks.
#pragma once

#include <map>
#include <mutex>

#include "node/ledger_client.hpp"
#include "node/storage_calls.hpp"
#include "publish/nodes.hpp"
#include "rights/keeper.hpp"
#include "storage/storage_node.hpp"

namespace mutirao::node {

// Any thread may call.
class Directory final : public storage::Memberships, public rights::Licences {
  public:
    Directory(const LedgerClient& ledger, Clock& clock) : ledger_(ledger), clock_(clock) {}

    // Every registered node; at most a second old.
    Result<std::vector<ledger::NodeRecord>> nodes();
    Result<std::string> endpoint(const Address& node);
    // Whether an active node of this role has this account; one that registered a moment ago is
    // known too.
    Result<bool> has_role(const Address& account, ledger::Role role);
    // Active nodes of a role, by address.
    Result<std::vector<ledger::NodeRecord>> nodes_of(ledger::Role role);

    // Epochs never change, so they are kept.
    Result<publish::Committee> committee(std::uint64_t epoch);
    // unavailable while no storage node has joined.
    Result<publish::Committee> current_committee();
    // The committee that a certified block was dispersed to.
    Result<publish::Committee> committee_of(const BlockId& block);

    Result<std::shared_ptr<const placement::Placement>> placement(std::uint64_t epoch) override;
    Status may_read(const Digest& content, const Address& owner, const Address& requester,
                    const Digest& run) override;
    // Whether the ledger has a certificate of the block.
    Result<bool> certified(const BlockId& block);
    // Fine when the ledger shows the block as released by its payer.
    Status released(const BlockId& block);

    FindEndpoint find_endpoint() {
        return [this](const Address& node) { return endpoint(node); };
    }
    // Addresses of the current storage nodes: where key shares are.
    Result<std::vector<Address>> keepers();

  private:
    Result<std::vector<ledger::NodeRecord>> nodes_as_of(Duration age_max);

    const LedgerClient& ledger_;
    Clock& clock_;
    std::mutex mutex_;  // guards everything below; not held while the ledger is asked
    std::vector<ledger::NodeRecord> nodes_;
    Duration nodes_read_at_{0};
    bool nodes_known_ = false;
    std::map<std::uint64_t, publish::Committee> committees_;
};

}  // namespace mutirao::node
