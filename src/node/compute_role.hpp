// The compute role: answers mutirao.v1.Compute with models that this node holds a licence for.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "compute/provider.hpp"
#include "hot/shard_cache.hpp"
#include "model/backend.hpp"
#include "node/identity.hpp"
#include "node/object_access.hpp"
#include "node/paid_receipts.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {

inline constexpr std::uint64_t kModelCacheMax = 512u << 20;  // bytes of checkpoints kept
inline constexpr std::size_t kUnpaidMax = 1024;              // answers whose voucher is awaited

// What the role works with; all must outlive it.
struct ComputePorts {
    Disk& disk;
    Clock& clock;
    LedgerClient& ledger;
    ObjectAccess& objects;
    std::function<Result<std::unique_ptr<model::Backend>>()> open_backend;
};

// Any thread may call serve().
class ComputeRole final : public compute::Models {
  public:
    ComputeRole(ComputePorts ports, const Identity& identity);
    ~ComputeRole() override;

    Result<Bytes> serve(std::string_view method, ByteSpan request) const {
        return service_.serve(method, request);
    }
    // What a provider does while nobody asks: call it about once a second, from one thread.
    Status tend() { return receipts_.tend(); }
    // A model that is loaded here, by asset id.
    Result<std::shared_ptr<compute::TextModel>> open(const Digest& model) override;

  private:
    struct Loaded {
        std::shared_ptr<compute::TextModel> model;
        std::uint64_t parameters = 0;
        std::unique_ptr<compute::Provider> provider;  // at this model's price
    };

    void add_methods();
    Status accept_licence(const Digest& model);
    Result<std::uint64_t> load(const Digest& model);
    Result<compute::Answer> infer(const compute::InferenceRequest& request);
    // The receipt of the answer that the voucher pays for.
    Result<compute::Receipt> check_voucher(const ledger::Voucher& voucher);

    ComputePorts ports_;
    const Identity identity_;
    Sender sender_;
    PaidReceipts receipts_;
    hot::ShardCache cache_{kModelCacheMax};
    wire::Service service_;
    std::mutex load_mutex_;                    // one load at a time
    std::unique_ptr<model::Backend> backend_;  // opened by the first load

    std::mutex mutex_;  // guards everything below
    std::map<Digest, Loaded> loaded_;
    std::map<Digest, compute::Receipt> unpaid_;  // by request
};

}  // namespace mutirao::node
