// The trainer role: answers mutirao.v1.Train.
#pragma once

#include <memory>
#include <mutex>

#include "node/identity.hpp"
#include "node/object_access.hpp"
#include "node/training_job.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {

inline constexpr std::size_t kJobsKept = 8;              // runs whose outcome is remembered
inline constexpr std::size_t kCheckpointPart = 8 << 20;  // bytes a call

// What the role works with; all must outlive it.
struct TrainerPorts {
    Clock& clock;
    Network& network;
    Executor& executor;  // one thread is taken for as long as a run lasts
    LedgerClient& ledger;
    ObjectAccess& objects;
    std::function<Result<std::unique_ptr<model::Backend>>()> open_backend;
};

// Any thread may call serve().
class TrainerRole {
  public:
    TrainerRole(TrainerPorts ports, const Identity& identity);
    // Makes the running job fail soon; its executor thread then ends.
    void cancel();

    Result<Bytes> serve(std::string_view method, ByteSpan request) const {
        return service_.serve(method, request);
    }

  private:
    void add_methods();
    Status start(const train::RunId& id, ByteSpan spec, std::vector<std::string> peers,
                 std::vector<Digest> assets);
    Result<std::vector<Bytes>> read_texts(const Digest& run, const std::vector<Digest>& assets);
    Status push(const std::string& peer, ByteSpan payload);
    Result<std::shared_ptr<TrainingJob>> find(const train::RunId& id);

    TrainerPorts ports_;
    const Identity identity_;
    wire::Service service_;
    std::mutex mutex_;                                // guards jobs_ and stopping_
    std::vector<std::shared_ptr<TrainingJob>> jobs_;  // oldest first; shared with their threads
    bool stopping_ = false;
};

// The digest of a run's settings that createRun puts on the ledger.
Digest spec_digest(ByteSpan settings);

}  // namespace mutirao::node
