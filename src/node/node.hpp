// A node: one role with everything it needs, wired over ports only, so that the simulator runs
// exactly what the command line runs.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/ports.hpp"
#include "gateway/openai.hpp"
#include "gateway/status_page.hpp"
#include "model/backend.hpp"
#include "node/admission.hpp"
#include "node/audit_duty.hpp"
#include "node/compute_role.hpp"
#include "node/gateway_role.hpp"
#include "node/hot_opener.hpp"
#include "node/hot_service.hpp"
#include "node/ledger_role.hpp"
#include "node/storage_role.hpp"
#include "node/trainer_role.hpp"

namespace mutirao::node {

struct NodePorts {
    Clock& clock;
    Random& random;
    Disk& disk;
    Network& network;    // control calls
    Network& data;       // fragments; may be the same
    Executor& executor;  // for dispersal and training
    // Opens the neural-network library; only trainers and compute nodes call it.
    std::function<Result<std::unique_ptr<model::Backend>>()> open_backend;
    SharedMemory* memory = nullptr;  // of hot shards; without it they stay in this process
};

// Any thread may call serve(). The ledger is a role of its own (ledger_role.hpp): it joins nobody.
class Node {
  public:
    // Reads the ledger's status, which is tried again for some seconds; unavailable when it does
    // not answer.
    static Result<std::unique_ptr<Node>> open(NodePorts ports, ledger::Role role,
                                              const std::string& ledger_endpoint);
    ~Node();

    Result<Bytes> serve(std::string_view method, ByteSpan request) const {
        if (hot_ && HotService::serves(method)) return hot_->serve(method, request);
        return serve_(method, request);
    }
    // Whether `caller` may call `method` of this node.
    Status admit(const net::Caller& caller, std::string_view method) {
        return may_call(directory_, caller, method);
    }
    // Tells the ledger where this node is reached; a storage node joins the membership.
    // `domain` is its failure domain, empty when it is one of its own.
    Status register_at(const std::string& endpoint, const std::string& domain = {});

    // A storage node says at which price it keeps blocks for a term, until `until_ms`.
    Status offer_storage(std::uint64_t wei_per_kib_day, std::uint64_t until_ms);

    // What a node does while nobody asks: call it about once a second, from one thread.
    Status tend();

    // Makes work that goes on in the executor end soon; call it before the executor is destroyed,
    // and destroy the executor before the node.
    void cancel();

    const Identity& identity() const { return identity_; }
    // What answers readers of this machine; null for nodes that keep no hot shards.
    LocalService* hot_door() { return hot_ ? &hot_->door() : nullptr; }
    // A gateway's HTTP faces; a broken assumption for other roles.
    gateway::InferenceRoute& inference();
    gateway::NetworkStatus& status();
    void set_http_address(const std::string& address);
    // A trainer's figures for Prometheus; a broken assumption for other roles. Any thread.
    std::string trainer_metrics();
    void allow_measurements();

  private:
    Node(NodePorts ports, ledger::Role role, Identity identity, const std::string& ledger_endpoint,
         const LedgerStatus& status);
    Status open_role();
    Status open_hot();
    publish::Publishing publishing();

    NodePorts ports_;
    const ledger::Role role_;
    const Identity identity_;
    const std::uint64_t chain_id_;
    LedgerClient ledger_;
    Directory directory_;
    NetworkStorageCalls storage_calls_;
    KeyShares key_shares_;
    publish::NodeHealth health_;
    publish::BlockMemory memory_;
    publish::Disperser disperser_;
    publish::Packer packer_;
    publish::Retriever retriever_;
    ObjectAccess objects_;
    HeapMemory heap_;
    KeeperOpener opener_;
    HotMembers hot_members_;

    std::unique_ptr<HotService> hot_;
    std::unique_ptr<StorageRole> storage_;
    std::unique_ptr<AuditDuty> audits_;  // of a storage node
    std::unique_ptr<GatewayRole> gateway_;
    std::unique_ptr<ComputeRole> compute_;
    std::unique_ptr<TrainerRole> trainer_;
    std::unique_ptr<gateway::InferenceRoute> inference_;
    std::unique_ptr<gateway::NetworkStatus> status_;
    Serve serve_;
};

}  // namespace mutirao::node
