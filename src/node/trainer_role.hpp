// The trainer role: answers mutirao.v1.Train, goes on with runs that a crash cut off, and joins
// runs that the ledger says it takes part in.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <set>

#include "gateway/metrics.hpp"
#include "ledger/contributions.hpp"
#include "node/directory.hpp"
#include "node/identity.hpp"
#include "node/licensed_object.hpp"
#include "node/pipelined_job.hpp"
#include "node/training_job.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {

inline constexpr std::size_t kJobsKept = 8;  // runs whose outcome is remembered

// What the role works with; all must outlive it.
struct TrainerPorts {
    Clock& clock;
    Random& random;
    Disk& disk;
    Network& network;
    Executor& executor;  // three threads for as long as a run lasts, and those that load its data
    LedgerClient& ledger;
    Directory& directory;
    ObjectAccess& objects;
    HotMembers& hot_members;
    std::function<Result<std::unique_ptr<model::Backend>>()> open_backend;
};

// Any thread may call serve().
class TrainerRole {
  public:
    TrainerRole(TrainerPorts ports, const Identity& identity);
    // Makes the running job fail soon; its executor threads then end.
    void cancel();
    // About once a second, from one thread.
    Status tend();
    // Of the runs it knows, oldest first. Any thread.
    std::vector<gateway::WorkerRun> figures();

    Result<Bytes> serve(std::string_view method, ByteSpan request) const {
        return service_.serve(method, request);
    }

  private:
    struct Report {
        Digest run;
        std::uint32_t round = 0;
        Digest shared;
        std::vector<ledger::AssetWeight> weights;  // empty: not measured
    };
    void add_methods();
    void add_exchange_methods();
    Result<JobPlan> plan_of(const v1::StartRunRequest& request);
    Status start(const v1::StartRunRequest& request);
    Status begin(JobPlan plan, const v1::StartRunRequest& request);
    Status go_on();
    Status join_open_runs();
    Status join(const ledger::Run& run);
    Result<RunObjects> open_objects(const Digest& run, const std::vector<Digest>& assets);
    void report(Report report);
    Status send_report(const Report& report);
    Status tell_of_cheaters();
    Status accuse(const Digest& run, const Address& trainer, std::uint32_t round);
    void send_reports();
    Result<std::shared_ptr<RunJob>> make_job(JobPlan plan, JobPorts ports,
                                             std::unique_ptr<RunStore> store);
    Result<std::shared_ptr<RunJob>> find(const train::RunId& id);
    // Calls `use` with the job that has a part in the group of that name.
    template <class Reply>
    Result<Reply> of_member(const std::string& group,
                            const std::function<Result<Reply>(RunMember&)>& use);
    template <class Reply>
    Result<Reply> of_seats(const std::string& run,
                           const std::function<Result<Reply>(StageSeats&)>& use);
    bool is_known(const train::RunId& id);

    TrainerPorts ports_;
    const Identity identity_;
    Sender sender_;
    wire::Service service_;
    Duration looked_at_{0};
    bool went_on_ = false;
    std::set<std::pair<Digest, std::uint32_t>> accused_;  // in runs, told to the ledger; of tend()
    std::mutex mutex_;                                    // guards what follows
    std::vector<std::shared_ptr<RunJob>> jobs_;           // oldest first; shared with their threads
    std::deque<Report> reports_;
    bool reporting_ = false;
    bool stopping_ = false;
};

// The digest of a run's settings that createRun puts on the ledger.
Digest spec_digest(ByteSpan settings);

}  // namespace mutirao::node
