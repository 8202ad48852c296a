// A whole network in one process and one thread: the real nodes over simulated clock, disks, chance
// and network. The same seed gives the same run, byte for byte, so any failure can be replayed.
//
// Faults that it injects: a node that is down (every call to it is `unavailable`), a call that gets
// lost (the callee never sees it), a disk that is full, a node that restarts with what its disk
// had.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/memory_disk.hpp"
#include "base/random.hpp"
#include "node/ledger_role.hpp"
#include "node/node.hpp"

namespace mutirao::sim {

// Stands still unless somebody sleeps or advances it.
class SimClock final : public Clock {
  public:
    Duration monotonic() override { return now_; }
    std::uint64_t unix_ms() override {
        return kEpochMs + static_cast<std::uint64_t>(
                              std::chrono::duration_cast<std::chrono::milliseconds>(now_).count());
    }
    void sleep(Duration duration) override { now_ += duration; }

  private:
    static constexpr std::uint64_t kEpochMs = 1'750'000'000'000;  // some day in 2025
    Duration now_{0};
};

// Runs every task at once, in the caller.
class InlineExecutor final : public Executor {
  public:
    void post(std::function<void()> task) override { task(); }
};

// Calls are function calls; each takes a fixed time on the clock.
class SimNetwork final : public Network {
  public:
    SimNetwork(SimClock& clock, Random& random) : clock_(clock), random_(random) {}

    void serve(const std::string& name, Serve serve) { nodes_[name] = std::move(serve); }
    void set_down(const std::string& name, bool down);
    // Of a million calls, how many get lost.
    void set_loss_ppm(std::uint32_t ppm) { loss_ppm_ = ppm; }

    Result<Bytes> call(const std::string& peer, std::string_view method, ByteSpan request,
                       Duration deadline) override;
    std::uint64_t calls() const { return calls_; }

  private:
    SimClock& clock_;
    Random& random_;
    std::map<std::string, Serve> nodes_;
    std::set<std::string> down_;
    std::uint32_t loss_ppm_ = 0;
    std::uint64_t calls_ = 0;
};

// One ledger, storage nodes "storage-1" ..., and one gateway, all registered. One thread.
class World {
  public:
    // `founder` owns the supply. The error of whatever did not start.
    static Result<std::unique_ptr<World>> make(std::uint64_t seed, std::uint32_t storage_nodes,
                                               const Address& founder);
    ~World();

    SimClock& clock() { return clock_; }
    SimNetwork& network() { return network_; }
    Random& random() { return random_; }
    MemoryDisk& disk(const std::string& name) { return *disks_.at(name); }
    // Stops a node as a power cut would, and starts it again with what its disk had synced.
    Status restart(const std::string& name);
    // What a node does while nobody asks.
    Status tend(const std::string& name) { return nodes_.at(name)->tend(); }
    node::Node& node(const std::string& name) { return *nodes_.at(name); }
    // Of the ledger: equal for equal seeds.
    Result<Digest> state_hash();

  private:
    World(std::uint64_t seed) : random_(seed), network_(clock_, random_) {}
    Status start_ledger(const Address& founder, const std::vector<Address>& nodes);
    Status start_node(const std::string& name, ledger::Role role);

    SimClock clock_;
    SeededRandom random_;
    SimNetwork network_;
    InlineExecutor executor_;
    std::map<std::string, std::unique_ptr<MemoryDisk>> disks_;
    std::map<std::string, ledger::Role> roles_;
    std::unique_ptr<node::LedgerRole> ledger_;
    std::map<std::string, std::unique_ptr<node::Node>> nodes_;
};

}  // namespace mutirao::sim
