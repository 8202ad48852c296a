#include "sim/world.hpp"

namespace mutirao::sim {
namespace {

constexpr auto kCallTime = std::chrono::microseconds(200);
constexpr std::uint32_t kMillion = 1'000'000;
const std::string kLedger = "ledger";

ledger::Amount mut(std::uint64_t whole) { return *ledger::Amount::parse(std::to_string(whole)); }

}  // namespace

void SimNetwork::set_down(const std::string& name, bool down) {
    if (down)
        down_.insert(name);
    else
        down_.erase(name);
}

Result<Bytes> SimNetwork::call(const std::string& peer, std::string_view method, ByteSpan request,
                               Duration deadline) {
    ++calls_;
    clock_.sleep(kCallTime);
    const auto at = nodes_.find(peer);
    if (at == nodes_.end() || down_.contains(peer))
        return Error{ErrorKind::unavailable, "peer " + peer + " cannot be reached"};
    if (loss_ppm_ != 0 && random_.below(kMillion) < loss_ppm_) {
        clock_.sleep(deadline);
        return Error{ErrorKind::timeout, "the call to " + peer + " got lost"};
    }
    return at->second(method, request);
}

World::~World() = default;

Status World::start_ledger(const Address& founder, const std::vector<Address>& nodes) {
    auto& disk = *(disks_[kLedger] = std::make_unique<MemoryDisk>());
    ledger::Genesis genesis;
    genesis.time_ms = clock_.unix_ms();
    genesis.allocations.push_back({founder, mut(1'000'000)});
    for (const auto& node : nodes) genesis.allocations.push_back({node, mut(10)});
    TRY_VOID(disk.write_file_atomic(node::kGenesisFile, ledger::encode_record(genesis)));
    TRY(auto identity, node::Identity::load_or_create(disk, random_));
    consensus::EngineOptions options;
    options.proposer = identity.bls;
    TRY(ledger_, node::LedgerRole::open(disk, clock_, std::move(options)));
    // A block follows every transaction at once: nobody waits in a simulation.
    network_.serve(kLedger, [this](std::string_view method, ByteSpan request) -> Result<Bytes> {
        auto reply = ledger_->serve(method, request);
        // The second block is there only if the first left something to draw.
        for (int i = 0; i < 2 && method == "/mutirao.v1.Ledger/Submit"; ++i)
            TRY_VOID(ledger_->tick());
        return reply;
    });
    return {};
}

Status World::start_node(const std::string& name, ledger::Role role) {
    auto& disk = *disks_.at(name);
    node::NodePorts ports{
        clock_,
        random_,
        disk,
        network_,
        network_,
        executor_,
        []() -> Result<std::unique_ptr<model::Backend>> {
            return Error{ErrorKind::unimplemented, "training in the simulator is not built yet"};
        }};
    TRY(auto node, node::Node::open(std::move(ports), role, kLedger));
    auto& running = *(nodes_[name] = std::move(node));
    network_.serve(name, [&running](std::string_view method, ByteSpan request) {
        return running.serve(method, request);
    });
    network_.set_down(name, false);
    return running.register_at(name);
}

Result<std::unique_ptr<World>> World::make(std::uint64_t seed, std::uint32_t storage_nodes,
                                           const Address& founder) {
    std::unique_ptr<World> world(new World(seed));
    for (std::uint32_t i = 1; i <= storage_nodes; ++i)
        world->roles_["storage-" + std::to_string(i)] = ledger::Role::storage;
    world->roles_["gateway"] = ledger::Role::gateway;
    std::vector<Address> addresses;
    for (const auto& [name, role] : world->roles_) {
        auto& disk = *(world->disks_[name] = std::make_unique<MemoryDisk>());
        TRY(auto identity, node::Identity::load_or_create(disk, world->random_));
        addresses.push_back(identity.address());
    }
    TRY_VOID(world->start_ledger(founder, addresses));
    for (const auto& [name, role] : world->roles_) TRY_VOID(world->start_node(name, role));
    return world;
}

Status World::restart(const std::string& name) {
    network_.set_down(name, true);
    network_.serve(name, {});
    nodes_.erase(name);
    disks_.at(name)->restart();
    return start_node(name, roles_.at(name));
}

Result<Digest> World::state_hash() {
    TRY(auto status, node::LedgerClient(network_, kLedger).status());
    return status.state_hash;
}

}  // namespace mutirao::sim
