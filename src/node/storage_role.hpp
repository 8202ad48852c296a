// The storage role: answers mutirao.v1.Storage and mutirao.v1.Keeper.
#pragma once

#include <functional>
#include <memory>

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
};

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
    // Looks after what is stored: a little scrubbing and compaction. Call it about once a second,
    // from one thread; the second call of a pair that has nothing to do costs nothing.
    Status tend();

  private:
    StorageRole(std::unique_ptr<storage::FragmentStore> store,
                std::unique_ptr<rights::Keeper> keeper, Clock& clock, Random& random,
                storage::NodeIdentity identity, StorageView view);
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
};

}  // namespace mutirao::node
