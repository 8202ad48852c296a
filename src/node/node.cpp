#include "node/node.hpp"

#include "base/log.hpp"
#include "crypto/kzg.hpp"
#include "node/inference_route.hpp"
#include "node/network_status.hpp"

namespace mutirao::node {
namespace {

constexpr unsigned kCodingThreads = 2;  // for one block; several are under way
constexpr int kLedgerTries = 6;         // a second between them

// The ledger may be busy, or about to begin.
Result<LedgerStatus> status_of_ledger(const LedgerClient& ledger, Clock& clock) {
    auto status = ledger.status();
    for (int tries = 1;
         tries < kLedgerTries && !status.ok() && status.error().kind == ErrorKind::unavailable;
         ++tries) {
        LOG_WARN("tries the ledger again: " + status.error().message);
        clock.sleep(std::chrono::seconds(1));
        status = ledger.status();
    }
    return status;
}

}  // namespace

Node::Node(NodePorts ports, ledger::Role role, Identity identity,
           const std::string& ledger_endpoint, const LedgerStatus& status)
    : ports_(std::move(ports)),
      role_(role),
      identity_(std::move(identity)),
      chain_id_(status.genesis.chain_id),
      ledger_(ports_.network, ledger_endpoint),
      directory_(ledger_, ports_.clock),
      storage_calls_(ports_.network, ports_.data, ports_.executor, directory_.find_endpoint()),
      key_shares_(ports_.network, ports_.random, ports_.executor, directory_.find_endpoint()),
      health_(ports_.clock),
      disperser_(storage_calls_, health_, ports_.clock, {.chain_id = chain_id_}),
      packer_(publishing()),
      retriever_(storage_calls_, health_, ports_.clock,
                 {.threads = {&ports_.executor, kCodingThreads}}),
      objects_(directory_, key_shares_, retriever_, ports_.clock),
      opener_(directory_, key_shares_, retriever_, identity_),
      hot_members_(hot_members_of(directory_)) {}

Node::~Node() = default;

publish::Publishing Node::publishing() {
    return {disperser_, memory_, ports_.executor, [this] { return directory_.current_committee(); },
            kCodingThreads};
}

Result<std::unique_ptr<Node>> Node::open(NodePorts ports, ledger::Role role,
                                         const std::string& ledger_endpoint) {
    TRY(auto identity, Identity::load_or_create(ports.disk, ports.random));
    auto status = status_of_ledger(LedgerClient(ports.network, ledger_endpoint), ports.clock);
    if (!status.ok()) return std::move(status).error().within("the ledger at " + ledger_endpoint);
    std::unique_ptr<Node> node(
        new Node(std::move(ports), role, std::move(identity), ledger_endpoint, *status));
    TRY_VOID(node->open_role());
    return node;
}

// Nodes that read objects keep them hot, for themselves and for others.
Status Node::open_hot() {
    if (role_ != ledger::Role::gateway && role_ != ledger::Role::compute &&
        role_ != ledger::Role::trainer)
        return {};
    TRY(hot_, HotService::open({ports_.memory ? *ports_.memory : heap_, ports_.disk, ports_.clock,
                                ports_.random, ports_.executor, opener_, hot_members_,
                                identity_.address(), identity_.box.public_key()}));
    return {};
}

Status Node::open_role() {
    TRY_VOID(open_hot());
    // The first commitment derives the KZG basis (0.2 s): better now than in the first upload.
    if (role_ == ledger::Role::storage || role_ == ledger::Role::gateway)
        ports_.executor.post([] { crypto::commit(std::vector<crypto::Scalar>(crypto::kSlots)); });
    switch (role_) {
        case ledger::Role::storage: {
            StorageView view{directory_, directory_,
                             [this](const BlockId& id) { return directory_.released(id); },
                             [this](const BlockId& id) { return directory_.certified(id); }};
            TRY(storage_, StorageRole::open(ports_.disk, ports_.clock, ports_.random, identity_,
                                            chain_id_, std::move(view)));
            audits_ = std::make_unique<AuditDuty>(
                ledger_, ports_.clock, identity_.account,
                [this](const BlockId& id, std::uint32_t slot, const Digest& draw) {
                    return storage_->prove_slot(id, slot, draw);
                });
            serve_ = [this](auto method, auto request) { return storage_->serve(method, request); };
            return {};
        }
        case ledger::Role::gateway: {
            TRY(gateway_, GatewayRole::open({ports_.disk, ports_.clock, ports_.random, ledger_,
                                             directory_, storage_calls_, key_shares_, objects_,
                                             publishing(), packer_, retriever_},
                                            identity_, chain_id_));
            inference_ = std::make_unique<PaidInference>(ledger_, directory_, ports_.network,
                                                         ports_.clock, ports_.random);
            status_ = std::make_unique<NetworkFacts>(ledger_, directory_, ports_.network,
                                                     ports_.clock, gateway_->catalogue());
            serve_ = [this](auto method, auto request) { return gateway_->serve(method, request); };
            return {};
        }
        case ledger::Role::compute:
            compute_ = std::make_unique<ComputeRole>(
                ComputePorts{ports_.disk, ports_.clock, ledger_, objects_, ports_.open_backend},
                identity_);
            serve_ = [this](auto method, auto request) { return compute_->serve(method, request); };
            return {};
        case ledger::Role::trainer:
            trainer_ = std::make_unique<TrainerRole>(
                TrainerPorts{ports_.clock, ports_.random, ports_.disk, ports_.network,
                             ports_.executor, ledger_, directory_, objects_, hot_members_,
                             ports_.open_backend},
                identity_);
            serve_ = [this](auto method, auto request) { return trainer_->serve(method, request); };
            return {};
        case ledger::Role::none: break;
    }
    return Error{ErrorKind::invalid_argument, "a node needs a role"};
}

Status Node::register_at(const std::string& endpoint, const std::string& domain) {
    ledger::NodeRecord record;
    record.address = identity_.address();
    record.role = role_;
    record.endpoint = endpoint;
    record.domain = domain;
    record.bls_key = identity_.bls.public_key();
    record.box_key = identity_.box.public_key();
    Sender sender(ledger_, identity_.account);
    TRY(auto sent, sender.send(ledger::register_node(record, identity_.bls.prove_possession())));
    return {};
}

Status Node::offer_storage(std::uint64_t wei_per_kib_day, std::uint64_t until_ms) {
    Sender sender(ledger_, identity_.account);
    TRY_VOID(sender.send(ledger::offer_storage(wei_per_kib_day, until_ms)));
    return {};
}

Status Node::tend() {
    if (trainer_) return trainer_->tend();
    if (compute_) return compute_->tend();
    if (!storage_) return {};
    TRY_VOID(storage_->tend());
    return audits_->tend();
}

void Node::cancel() {
    if (trainer_) trainer_->cancel();
}

gateway::InferenceRoute& Node::inference() {
    ENSURE(inference_ != nullptr, "only a gateway has HTTP faces");
    return *inference_;
}

std::string Node::trainer_metrics() {
    ENSURE(trainer_ != nullptr, "only a trainer has a worker's figures");
    return gateway::worker_metrics_text(trainer_->figures());
}

gateway::NetworkStatus& Node::status() {
    ENSURE(status_ != nullptr, "only a gateway has HTTP faces");
    return *status_;
}

void Node::set_http_address(const std::string& address) {
    ENSURE(gateway_ != nullptr, "only a gateway has HTTP faces");
    gateway_->set_http_address(address);
}

void Node::allow_measurements() {
    ENSURE(gateway_ != nullptr, "only a gateway measures");
    gateway_->allow_measurements();
}

}  // namespace mutirao::node
