#include "node/trainer_role.hpp"

#include <algorithm>
#include <map>

#include "base/log.hpp"
#include "crypto/hash.hpp"
#include "ledger/convictions.hpp"
#include "node/wire/fields.hpp"

namespace mutirao::node {
namespace {

using wire::fixed_field;
using wire::to_field;

constexpr auto kLookInterval = std::chrono::seconds(3);  // for runs that this trainer is part of
constexpr auto kPlanDeadline = std::chrono::seconds(3);
constexpr std::size_t kRunsMax = 4096;
constexpr std::size_t kReportsMax = 1024;

v1::ProgressReply progress_reply(const RunJob& job) {
    const auto progress = job.progress();
    v1::ProgressReply out;
    out.set_phase(progress.phase);
    out.set_error(progress.error);
    out.set_rounds_total(progress.rounds_total);
    out.set_round(progress.round);
    out.set_healed(progress.healed);
    out.set_left_out(progress.left_out);
    for (const auto worker : progress.cheaters) out.add_cheaters(worker);
    out.set_epsilon(progress.epsilon);
    out.set_audited(progress.audited);
    out.set_parameters(progress.parameters);
    out.set_stages(progress.stages);
    out.set_stage(progress.stage);
    out.set_serves(progress.serves);
    out.set_taken_over(progress.taken_over);
    out.set_state_hash(to_field(progress.state_hash.span()));
    for (const auto tokens : progress.asset_tokens) out.add_asset_tokens(tokens);
    for (const auto& name : job.checkpoints().names()) {
        auto& checkpoint = *out.add_checkpoints();
        checkpoint.set_round(name.round);
        checkpoint.set_blob(to_field(name.blob.span()));
    }
    for (const auto& round : progress.rounds) {
        auto& report = *out.add_rounds();
        report.set_round(round.round);
        report.set_train_loss(round.train_loss);
        report.set_held_out_loss(round.held_out_loss);
        report.set_tokens(round.tokens);
        report.set_bytes_sent(round.bytes_sent);
        report.set_allreduce_bytes(round.allreduce_bytes);
        report.set_tokens_per_second(round.tokens_per_second);
        report.set_steps_seconds(round.steps_seconds);
        report.set_counted_seconds(round.counted_seconds);
    }
    return out;
}

gateway::WorkerRun figures_of(const RunJob& job) {
    const auto progress = job.progress();
    gateway::WorkerRun out{.run = job.id().hex(),
                           .under_way = !progress.ended(),
                           .failed = progress.phase == "failed",
                           .rounds_total = progress.rounds_total,
                           .healed = progress.healed,
                           .left_out = progress.left_out,
                           .cheaters = progress.cheaters.size()};
    if (progress.rounds.empty() || progress.rounds.back().round == 0) return out;
    const auto& last = progress.rounds.back();
    out.last = {.round = last.round,
                .training_loss = last.train_loss,
                .tokens_per_second = last.tokens_per_second,
                .tokens = last.tokens,
                .bytes_sent = last.bytes_sent};
    if (last.held_out_loss > 0) out.last->held_out_loss = last.held_out_loss;
    return out;
}

Result<v1::CheckpointReply> checkpoint_part(const KeptCheckpoints& checkpoints,
                                            const v1::CheckpointRequest& request) {
    TRY(const auto blob, fixed_field<Digest>(request.blob()));
    TRY(const auto bytes,
        request.list() ? checkpoints.list(blob) : checkpoints.chunk(blob, request.chunk()));
    v1::CheckpointReply out;
    out.set_data(to_field(bytes));
    return out;
}

Result<std::vector<Digest>> assets_of(const v1::StartRunRequest& request) {
    std::vector<Digest> assets;
    for (const auto& field : request.assets()) {
        TRY(auto asset, fixed_field<Digest>(field));
        assets.push_back(asset);
    }
    return assets;
}

// As the ledger wants them: in the order of assets, each once.
std::vector<ledger::AssetWeight> weights_of(const std::vector<Digest>& assets,
                                            const std::vector<std::uint32_t>& weights) {
    std::map<Digest, std::uint32_t> sums;
    for (std::size_t i = 0; i < weights.size(); ++i)
        if (weights[i] > 0) sums[assets[i]] += weights[i];
    std::vector<ledger::AssetWeight> out;
    for (const auto& [asset, ppm] : sums) out.push_back({asset, ppm});
    return out;
}

}  // namespace

Digest spec_digest(ByteSpan settings) {
    return crypto::blake3_keyed(crypto::domain_key("run settings"), settings);
}

TrainerRole::TrainerRole(TrainerPorts ports, const Identity& identity)
    : ports_(std::move(ports)), identity_(identity), sender_(ports_.ledger, identity.account) {
    add_methods();
    add_exchange_methods();
}

void TrainerRole::cancel() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& job : jobs_) job->cancel();
}

std::vector<gateway::WorkerRun> TrainerRole::figures() {
    std::vector<gateway::WorkerRun> out;
    const std::lock_guard lock(mutex_);
    for (const auto& job : jobs_) out.push_back(figures_of(*job));
    return out;
}

Result<std::shared_ptr<RunJob>> TrainerRole::find(const train::RunId& id) {
    const std::lock_guard lock(mutex_);
    for (const auto& job : jobs_)
        if (job->id() == id) return job;
    return Error{ErrorKind::not_found, "this trainer has not begun run " + id.hex()};
}

bool TrainerRole::is_known(const train::RunId& id) { return find(id).ok(); }

Result<RunObjects> TrainerRole::open_objects(const Digest& run, const std::vector<Digest>& assets) {
    RunObjects objects;
    for (const auto& id : assets) {
        TRY(auto asset, ledger::require<ledger::Asset>(ports_.ledger, ledger::key::asset(id),
                                                       "asset " + id.hex()));
        auto object =
            LicensedObject::open({ports_.clock, ports_.network, ports_.objects, ports_.hot_members},
                                 identity_, asset.content, run);
        if (!object.ok()) return std::move(object).error().within("\"" + asset.title + "\"");
        objects.push_back(std::move(object).value());
    }
    return objects;
}

// What the ledger says of the run, and what the caller says of the rest.
Result<JobPlan> TrainerRole::plan_of(const v1::StartRunRequest& request) {
    TRY(const auto id, fixed_field<train::RunId>(request.run()));
    TRY(auto run, ledger::require<ledger::Run>(ports_.ledger, ledger::key::run(Digest{id.bytes}),
                                               "run " + id.hex() + " on the ledger"));
    if (run.spec != spec_digest(as_bytes(request.spec())))
        return Error{ErrorKind::permission_denied, "the settings are not those of the run"};
    const auto self = std::find(run.trainers.begin(), run.trainers.end(), identity_.address());
    if (self == run.trainers.end() ||
        static_cast<std::size_t>(request.peers_size()) != run.trainers.size() ||
        request.assets_size() == 0)
        return Error{ErrorKind::permission_denied,
                     "this trainer, its peers or the data do not fit "
                     "the run on the ledger"};
    JobPlan plan;
    Reader in(as_bytes(request.spec()));
    TRY(plan.settings, train::RunSettings::decode(in));
    TRY_VOID(in.finish());
    plan.member = {.run = id,
                   .worker = static_cast<std::uint32_t>(self - run.trainers.begin()),
                   .trainers = run.trainers,
                   .endpoints = {request.peers().begin(), request.peers().end()}};
    plan.checkpoint_every = request.checkpoint_every();
    if (plan.settings.quorum > run.trainers.size() || run.trainers.size() > train::kWorkersMax)
        return Error{ErrorKind::invalid_argument,
                     "the settings want a quorum of " + std::to_string(plan.settings.quorum) +
                         " workers; the run has " + std::to_string(run.trainers.size())};
    return plan;
}

Status TrainerRole::start(const v1::StartRunRequest& request) {
    TRY(auto plan, plan_of(request));
    return begin(std::move(plan), request);
}

Status TrainerRole::begin(JobPlan plan, const v1::StartRunRequest& request) {
    const auto id = plan.member.run;
    const Digest run_id{id.bytes};
    TRY(auto assets, assets_of(request));
    const std::lock_guard lock(mutex_);
    for (const auto& known : jobs_) {
        if (known->id() == id)
            return Error{ErrorKind::already_exists, "this trainer has begun the run already"};
        if (!known->progress().ended())
            return Error{ErrorKind::resource_exhausted, "this trainer is busy with another run"};
    }
    if (stopping_) return Error{ErrorKind::unavailable, "this trainer is stopping"};
    TRY(auto store, RunStore::open(ports_.disk, id));
    TRY_VOID(store->keep_plan(wire::serialize(request)));
    JobPorts ports{ports_.clock,
                   ports_.random,
                   ports_.network,
                   ports_.executor,
                   identity_.account,
                   [this, run_id, assets] { return open_objects(run_id, assets); },
                   ports_.open_backend,
                   [this, run_id, assets](std::uint32_t round, const Digest& shared,
                                          const std::vector<std::uint32_t>& weights) {
                       report({run_id, round, shared, weights_of(assets, weights)});
                   }};
    TRY(const auto job, make_job(std::move(plan), std::move(ports), std::move(store)));
    jobs_.push_back(job);
    if (jobs_.size() > kJobsKept) {
        jobs_.front()->cancel();
        jobs_.erase(jobs_.begin());
    }
    ports_.executor.post([job] { job->serve(); });
    ports_.executor.post([job] { job->witness(); });
    ports_.executor.post([job] { job->run(); });
    return {};
}

Result<std::shared_ptr<RunJob>> TrainerRole::make_job(JobPlan plan, JobPorts ports,
                                                      std::unique_ptr<RunStore> store) {
    TRY(auto work, store->work());
    if (plan.settings.stages == 1)
        return std::shared_ptr<RunJob>(std::make_shared<TrainingJob>(
            std::move(plan), std::move(ports), std::move(store), std::move(work)));
    TRY(auto job, PipelinedJob::make(std::move(plan), std::move(ports), std::move(store),
                                     std::move(work), [this](const train::RunId& group) {
                                         return RunStore::open(ports_.disk, group);
                                     }));
    return std::shared_ptr<RunJob>(std::move(job));
}

// Runs that were under way when this process ended last.
Status TrainerRole::go_on() {
    TRY(const auto runs, RunStore::unfinished(ports_.disk));
    for (const auto& id : runs) {
        if (is_known(id)) continue;
        TRY(const auto store, RunStore::open(ports_.disk, id));
        TRY(const auto bytes, store->plan());
        v1::StartRunRequest request;
        TRY_VOID(wire::parse(bytes, request));
        TRY(const auto run,
            ledger::read<ledger::Run>(ports_.ledger, ledger::key::run(Digest{id.bytes})));
        if (!run || run->state != ledger::RunState::open) {
            TRY_VOID(store->finish());
            continue;
        }
        LOG_INFO("goes on with run " + id.hex());
        TRY_VOID(start(request));
        break;
    }
    return {};
}

Status TrainerRole::tend() {
    if (!went_on_) {
        TRY_VOID(go_on());
        went_on_ = true;
    }
    TRY_VOID(tell_of_cheaters());
    const auto now = ports_.clock.monotonic();
    if (now - looked_at_ < kLookInterval) return {};
    looked_at_ = now;
    return join_open_runs();
}

// The ledger convicts whom enough trainers accuse (ledger/convictions.hpp).
Status TrainerRole::tell_of_cheaters() {
    std::vector<std::shared_ptr<RunJob>> jobs;
    {
        const std::lock_guard lock(mutex_);
        jobs = jobs_;
    }
    for (const auto& job : jobs) {
        const auto* member = job->member_of(job->id());
        if (member == nullptr) continue;
        const Digest run{job->id().bytes};
        for (const auto& [worker, round] : member->caught()) {
            if (accused_.contains({run, worker})) continue;
            auto told = accuse(run, member->trainer(worker), round);
            const bool may_work_later =
                !told.ok() && (told.error().kind == ErrorKind::unavailable ||
                               told.error().kind == ErrorKind::timeout);
            if (!may_work_later) accused_.insert({run, worker});
            TRY_VOID(std::move(told));
        }
    }
    return {};
}

Status TrainerRole::accuse(const Digest& run, const Address& trainer, std::uint32_t round) {
    TRY(const auto known,
        ledger::read<ledger::Conviction>(ports_.ledger, ledger::key::conviction(run, trainer)));
    if (known && std::ranges::find(known->accusers, identity_.address()) != known->accusers.end())
        return {};  // before a restart
    auto sent = sender_.send(ledger::accuse_trainer(run, trainer, round));
    return sent.ok() ? Status() : Status(std::move(sent).error());
}

Status TrainerRole::join_open_runs() {
    {
        const std::lock_guard lock(mutex_);
        for (const auto& job : jobs_) {
            if (!job->progress().ended()) return {};
        }
    }
    TRY(const auto runs,
        ledger::read_all<ledger::Run>(ports_.ledger, ledger::key::runs(), kRunsMax));
    for (const auto& run : runs) {
        const bool is_ours =
            std::ranges::find(run.trainers, identity_.address()) != run.trainers.end();
        if (run.state != ledger::RunState::open || !is_ours || is_known(train::RunId{run.id.bytes}))
            continue;
        // Nobody may have begun it yet.
        if (join(run).ok()) return {};
    }
    return {};
}

// As one of the others was told to begin it; the ledger confirms the settings.
Status TrainerRole::join(const ledger::Run& run) {
    v1::PlanRequest request;
    request.set_run(to_field(run.id.span()));
    Status status = Error{ErrorKind::unavailable, "nobody else trains in the run"};
    for (const auto& trainer : run.trainers) {
        if (trainer == identity_.address()) continue;
        const auto endpoint = ports_.directory.endpoint(trainer);
        if (!endpoint.ok() || endpoint->empty()) continue;
        const auto plan = wire::call<v1::StartRunRequest>(
            ports_.network, *endpoint, "/mutirao.v1.Train/Plan", request, kPlanDeadline);
        if (!plan.ok() || plan->run() != request.run()) continue;
        status = start(*plan);
        if (status.ok()) break;
    }
    return status;
}

// One after another, since the ledger takes each trainer's rounds in their order.
void TrainerRole::report(Report report) {
    const std::lock_guard lock(mutex_);
    reports_.push_back(std::move(report));
    if (reports_.size() > kReportsMax) reports_.pop_front();
    if (reporting_ || stopping_) return;
    reporting_ = true;
    ports_.executor.post([this] { send_reports(); });
}

Status TrainerRole::send_report(const Report& report) {
    if (!report.weights.empty()) {
        auto sent = sender_.send(
            ledger::report_contributions(report.run, report.round, report.shared, report.weights));
        if (sent.ok()) return {};
        // Of an asset that is not licensed for the run, which every trainer is told alike.
        const auto kind = sent.error().kind;
        if (kind != ErrorKind::permission_denied && kind != ErrorKind::not_found)
            return std::move(sent).error();
        LOG_WARN("contributions to run " + report.run.hex() +
                 " are not told: " + sent.error().message);
    }
    auto sent = sender_.send(ledger::report_round(report.run, report.round, report.shared));
    if (!sent.ok()) return std::move(sent).error();
    return {};
}

void TrainerRole::send_reports() {
    for (;;) {
        Report next;
        {
            const std::lock_guard lock(mutex_);
            if (reports_.empty() || stopping_) {
                reporting_ = false;
                return;
            }
            next = reports_.front();
            reports_.pop_front();
        }
        const auto sent = send_report(next);
        // A round may have been told before a crash.
        if (!sent.ok() && sent.error().kind != ErrorKind::already_exists)
            LOG_WARN("round " + std::to_string(next.round) + " of run " + next.run.hex() +
                     " is not on the ledger: " + sent.error().message);
    }
}

void TrainerRole::add_methods() {
    service_.on<v1::StartRunRequest, v1::StartRunReply>(
        "/mutirao.v1.Train/Start", [this](const auto& in) -> Result<v1::StartRunReply> {
            TRY_VOID(start(in));
            return v1::StartRunReply{};
        });
    service_.on<v1::PlanRequest, v1::StartRunRequest>(
        "/mutirao.v1.Train/Plan", [this](const auto& in) -> Result<v1::StartRunRequest> {
            TRY(auto id, fixed_field<train::RunId>(in.run()));
            TRY(auto job, find(id));
            TRY(auto bytes, job->begun_with());
            v1::StartRunRequest out;
            TRY_VOID(wire::parse(bytes, out));
            return out;
        });
    service_.on<v1::ProgressRequest, v1::ProgressReply>(
        "/mutirao.v1.Train/Progress", [this](const auto& in) -> Result<v1::ProgressReply> {
            TRY(auto id, fixed_field<train::RunId>(in.run()));
            TRY(auto job, find(id));
            return progress_reply(*job);
        });
    service_.on<v1::CheckpointRequest, v1::CheckpointReply>(
        "/mutirao.v1.Train/Checkpoint", [this](const auto& in) -> Result<v1::CheckpointReply> {
            TRY(auto id, fixed_field<train::RunId>(in.run()));
            TRY(auto job, find(id));
            return checkpoint_part(job->checkpoints(), in);
        });
}

template <class Reply>
Result<Reply> TrainerRole::of_member(const std::string& group,
                                     const std::function<Result<Reply>(RunMember&)>& use) {
    TRY(const auto id, fixed_field<train::RunId>(group));
    std::shared_ptr<RunJob> job;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& each : jobs_)
            if (each->member_of(id) != nullptr) job = each;
    }
    if (!job) return Error{ErrorKind::not_found, "this trainer has not begun run " + id.hex()};
    return use(*job->member_of(id));
}

template <class Reply>
Result<Reply> TrainerRole::of_seats(const std::string& run,
                                    const std::function<Result<Reply>(StageSeats&)>& use) {
    TRY(const auto id, fixed_field<train::RunId>(run));
    TRY(const auto job, find(id));
    if (job->seats() == nullptr)
        return Error{ErrorKind::invalid_argument, "the run's model is not cut into stages"};
    return use(*job->seats());
}

void TrainerRole::add_exchange_methods() {
    service_.on<v1::ExchangeRequest, v1::ExchangeReply>(
        "/mutirao.v1.Train/Exchange", [this](const auto& in) {
            return of_member<v1::ExchangeReply>(in.run(),
                                                [&](auto& member) { return member.exchange(in); });
        });
    service_.on<v1::ChunkRequest, v1::ChunkReply>("/mutirao.v1.Train/Chunk", [this](
                                                                                 const auto& in) {
        return of_member<v1::ChunkReply>(in.run(), [&](auto& member) { return member.chunk(in); });
    });
    service_.on<v1::GiveRequest, v1::GiveReply>("/mutirao.v1.Train/Give", [this](const auto& in) {
        return of_member<v1::GiveReply>(in.run(), [&](auto& member) { return member.give(in); });
    });
    service_.on<v1::PushRequest, v1::PushReply>("/mutirao.v1.Train/Push", [this](const auto& in) {
        return of_seats<v1::PushReply>(in.run(), [&](auto& seats) { return seats.push(in); });
    });
    service_.on<v1::SeatRequest, v1::SeatReply>("/mutirao.v1.Train/Seat", [this](const auto& in) {
        return of_seats<v1::SeatReply>(in.run(), [&](auto& seats) { return seats.seat(in); });
    });
}

}  // namespace mutirao::node
