// The storage role: answers mutirao.v1.Storage and mutirao.v1.Keeper.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>

#include "node/identity.hpp"
#include "node/wire/service.hpp"
#include "rights/keeper.hpp"
#include "storage/storage_node.hpp"

namespace mutirao::node {

// What a storage node asks the ledger. All must outlive the role; called from many threads.
struct StorageView {
    storage::Memberships& memberships;
    rights::Licences& licences;
    // Fine when the ledger shows the block as released by its payer; permission_denied otherwise.
    std::function<Status(const BlockId&)> released;
    // Whether the ledger has a certificate of the block, released or not.
    std::function<Result<bool>(const BlockId&)> certified;
};

// A block that nobody has certified on the ledger for so long is forgotten: its disperser died
// before paying, or only measured.
inline constexpr Duration kUncertifiedLife = std::chrono::hours(2);

// Any thread may call serve().
class StorageRole {
  public:
    // Opens the store and the key shares under `disk`.
    static Result<std::unique_ptr<StorageRole>> open(Disk& disk, Clock& clock, Random& random,
                                                     const Identity& identity,
                                                     std::uint64_t chain_id, StorageView view);

    Result<Bytes> serve(std::string_view method, ByteSpan request) const {
        return service_.serve(method, request);
    }
    storage::Usage usage() const { return node_.usage(); }
    Result<block::SlotProof> prove_slot(const BlockId& id, std::uint32_t slot,
                                        const Digest& draw) const {
        return node_.prove_slot(id, slot, draw);
    }
    // Looks after what is stored: a little scrubbing and compaction, and now and then a look for
    // blocks that were never certified. Call it about once a second, from one thread.
    Status tend();

  private:
    StorageRole(std::unique_ptr<storage::FragmentStore> store,
                std::unique_ptr<rights::Keeper> keeper, Clock& clock,
                storage::NodeIdentity identity, StorageView view);
    Status forget_uncertified();
    void add_storage_methods();
    void add_fragment_methods();
    void add_keeper_methods();

    const std::unique_ptr<storage::FragmentStore> store_;
    const std::unique_ptr<rights::Keeper> keeper_;
    Clock& clock_;
    const Address address_;
    StorageView view_;
    storage::StorageNode node_;
    wire::Service service_;

    // Of the one thread that tends:
    std::map<BlockId, Duration> uncertified_;  // as far as is known, and since when
    std::set<BlockId> certified_;
    Duration looked_{-1};
};

}  // namespace mutirao::node
