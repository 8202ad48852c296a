// The publishing lane in one process: hundreds of real storage roles over simulated disks and
// calls, a real disperser and a real reader, and nodes that die, forget, lie and lose what was said
// to them. No ledger: who the nodes are is fixed. The same seed gives the same run.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/memory_disk.hpp"
#include "base/random.hpp"
#include "node/storage_calls.hpp"
#include "node/storage_role.hpp"
#include "publish/disperser.hpp"
#include "publish/retriever.hpp"
#include "sim/world.hpp"

namespace mutirao::sim {

// What a node does wrong.
enum class Fault {
    none,
    down,         // cannot be reached
    forgets,      // signs at once and stores nothing
    garbles,      // answers with flipped bits
    loses_words,  // one call in four never arrives, one answer in four gets lost
    full,         // its disk takes nothing more
};

// One thread.
class FragmentWorld {
  public:
    // Nodes and their keys are the same for all worlds of a size; what goes wrong is the seed's.
    FragmentWorld(std::uint32_t nodes, std::uint64_t seed);
    ~FragmentWorld();

    std::uint32_t size() const { return static_cast<std::uint32_t>(nodes_.size()); }
    Random& random() { return random_; }
    SimClock& clock() { return clock_; }
    const publish::Committee& committee() const;

    void set_fault(std::uint32_t node, Fault fault);
    // A power cut: what was not synced is gone but for some bytes, and the node starts again.
    void crash(std::uint32_t node);
    // Flips a bit somewhere in what a node stores.
    void rot(std::uint32_t node);
    // Whether a node, started again after a power cut, has all its slots of a block.
    bool holds_share(std::uint32_t node, const BlockId& id);

    Result<publish::Dispersal> disperse(std::shared_ptr<const block::CodedBlock> block);
    Result<Bytes> read(const BlockId& id);

  private:
    struct Network;  // of keys and addresses, shared by all worlds of a size
    struct Node {
        MemoryDisk disk;
        std::unique_ptr<node::StorageRole> role;
        std::map<BlockId, Bytes> forgotten;  // statements of what it signed and did not store
        Fault fault = Fault::none;
    };
    class View;

    static const Network& network_of(std::uint32_t nodes);
    void start(std::uint32_t node);
    Result<Bytes> serve(std::uint32_t node, std::string_view method, ByteSpan request);
    Result<Bytes> forget(std::uint32_t node, std::string_view method, ByteSpan request);

    const Network& shared_;
    SeededRandom random_;
    SimClock clock_;
    SimNetwork network_;
    InlineExecutor executor_;
    std::unique_ptr<View> view_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::unique_ptr<node::NetworkStorageCalls> calls_;
    std::unique_ptr<publish::NodeHealth> health_;
    std::unique_ptr<publish::Disperser> disperser_;
    std::unique_ptr<publish::Retriever> retriever_;
};

inline constexpr std::uint64_t kSimChain = 8021;

}  // namespace mutirao::sim
