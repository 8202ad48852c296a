// The status page's facts, gathered from the ledger, the nodes and the trainers.
#pragma once

#include <chrono>

#include "gateway/status_page.hpp"
#include "node/directory.hpp"
#include "publish/catalogue.hpp"

namespace mutirao::node {

// Any thread may call; a snapshot is at most a second old. All references must outlive it.
class NetworkFacts final : public gateway::NetworkStatus {
  public:
    NetworkFacts(LedgerClient& ledger, Directory& directory, Network& network, Clock& clock,
                 const publish::Catalogue& catalogue)
        : ledger_(ledger),
          directory_(directory),
          network_(network),
          clock_(clock),
          catalogue_(catalogue) {}

    gateway::StatusSnapshot snapshot() override;

  private:
    gateway::StatusSnapshot gather();
    void add_nodes(gateway::StatusSnapshot& out);
    void add_chain(gateway::StatusSnapshot& out);
    void add_certificates(gateway::StatusSnapshot& out);
    void add_assets(gateway::StatusSnapshot& out);
    void add_training(gateway::StatusSnapshot& out, const ledger::Run& run);

    LedgerClient& ledger_;
    Directory& directory_;
    Network& network_;
    Clock& clock_;
    const publish::Catalogue& catalogue_;
    std::mutex mutex_;  // guards everything below, and lets one thread gather at a time
    gateway::StatusSnapshot last_;
    Duration gathered_at_{0};
    bool gathered_ = false;
};

// "storage", "compute", ...: how a role is called in words.
std::string_view role_name(ledger::Role role);

}  // namespace mutirao::node
