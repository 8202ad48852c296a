#include "node/trainer_role.hpp"

#include <algorithm>

#include "crypto/hash.hpp"
#include "mutirao/v1/train.pb.h"
#include "node/wire/fields.hpp"

namespace mutirao::node {
namespace {

using wire::fixed_field;
using wire::to_field;

constexpr auto kPushDeadline = std::chrono::seconds(20);
constexpr auto kPushPatience = std::chrono::seconds(120);
constexpr auto kPushPause = std::chrono::milliseconds(200);

}  // namespace

Digest spec_digest(ByteSpan settings) {
    return crypto::blake3_keyed(crypto::domain_key("run settings"), settings);
}

TrainerRole::TrainerRole(TrainerPorts ports, const Identity& identity)
    : ports_(std::move(ports)), identity_(identity) {
    add_methods();
}

void TrainerRole::cancel() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& job : jobs_) job->cancel();
}

Result<std::shared_ptr<TrainingJob>> TrainerRole::find(const train::RunId& id) {
    const std::lock_guard lock(mutex_);
    for (const auto& job : jobs_)
        if (job->id() == id) return job;
    return Error{ErrorKind::not_found, "this trainer has not begun run " + id.hex()};
}

Result<std::vector<Bytes>> TrainerRole::read_texts(const Digest& run,
                                                   const std::vector<Digest>& assets) {
    std::vector<Bytes> texts;
    for (const auto& id : assets) {
        TRY(auto asset, ledger::require<ledger::Asset>(ports_.ledger, ledger::key::asset(id),
                                                       "asset " + id.hex()));
        auto text = ports_.objects.read(asset.content, run, identity_.account, identity_.box);
        if (!text.ok()) return std::move(text).error().within("\"" + asset.title + "\"");
        texts.push_back(std::move(text).value());
    }
    return texts;
}

Status TrainerRole::push(const std::string& peer, ByteSpan payload) {
    v1::PushRequest request;
    request.set_payload(to_field(payload));
    const auto until = ports_.clock.monotonic() + kPushPatience;
    for (;;) {
        auto reply = wire::call<v1::PushReply>(ports_.network, peer, "/mutirao.v1.Train/Push",
                                               request, kPushDeadline);
        if (reply.ok()) return {};
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) return Error{ErrorKind::unavailable, "this trainer is stopping"};
        }
        // The peer may not have begun yet, or may be restarting.
        if (ports_.clock.monotonic() >= until)
            return std::move(reply).error().within("trainer " + peer);
        ports_.clock.sleep(kPushPause);
    }
}

Status TrainerRole::start(const train::RunId& id, ByteSpan spec, std::vector<std::string> peers,
                          std::vector<Digest> assets) {
    const Digest run_id{id.bytes};
    TRY(auto run, ledger::require<ledger::Run>(ports_.ledger, ledger::key::run(run_id),
                                               "run " + id.hex() + " on the ledger"));
    if (run.spec != spec_digest(spec))
        return Error{ErrorKind::permission_denied, "the settings are not those of the run"};
    const auto self = std::find(run.trainers.begin(), run.trainers.end(), identity_.address());
    if (self == run.trainers.end() || peers.size() != run.trainers.size() || assets.empty())
        return Error{ErrorKind::permission_denied,
                     "this trainer, its peers or the data do not fit "
                     "the run on the ledger"};
    JobPlan plan;
    plan.identity = {id, static_cast<std::uint32_t>(self - run.trainers.begin()),
                     static_cast<std::uint32_t>(run.trainers.size())};
    Reader in(spec);
    TRY(plan.settings, train::RunSettings::decode(in));
    TRY_VOID(in.finish());
    plan.peers = std::move(peers);
    JobPorts ports{
        ports_.clock,
        [this, run_id, assets = std::move(assets)] { return read_texts(run_id, assets); },
        ports_.open_backend,
        [this](const std::string& peer, ByteSpan payload) { return push(peer, payload); }};
    auto job = std::make_shared<TrainingJob>(std::move(plan), std::move(ports));
    {
        const std::lock_guard lock(mutex_);
        for (const auto& known : jobs_) {
            if (known->id() == id)
                return Error{ErrorKind::already_exists, "this trainer has begun the run already"};
            const auto phase = known->progress().phase;
            if (phase != "finished" && phase != "failed")
                return Error{ErrorKind::resource_exhausted,
                             "this trainer is busy with another run"};
        }
        jobs_.push_back(job);
        if (jobs_.size() > kJobsKept) jobs_.erase(jobs_.begin());
    }
    ports_.executor.post([job] { job->run(); });
    return {};
}

void TrainerRole::add_methods() {
    service_.on<v1::StartRunRequest, v1::StartRunReply>(
        "/mutirao.v1.Train/Start", [this](const auto& in) -> Result<v1::StartRunReply> {
            TRY(auto id, fixed_field<train::RunId>(in.run()));
            std::vector<Digest> assets;
            for (const auto& field : in.assets()) {
                TRY(auto asset, fixed_field<Digest>(field));
                assets.push_back(asset);
            }
            TRY_VOID(start(id, as_bytes(in.spec()), {in.peers().begin(), in.peers().end()},
                           std::move(assets)));
            return v1::StartRunReply{};
        });
    service_.on<v1::PushRequest, v1::PushReply>(
        "/mutirao.v1.Train/Push", [this](const auto& in) -> Result<v1::PushReply> {
            TRY(auto payload, train::decode_payload(as_bytes(in.payload())));
            TRY(auto job, find(payload.run));
            TRY_VOID(job->receive(as_bytes(in.payload())));
            return v1::PushReply{};
        });
    service_.on<v1::ProgressRequest, v1::ProgressReply>(
        "/mutirao.v1.Train/Progress", [this](const auto& in) -> Result<v1::ProgressReply> {
            TRY(auto id, fixed_field<train::RunId>(in.run()));
            TRY(auto job, find(id));
            const auto progress = job->progress();
            v1::ProgressReply out;
            out.set_phase(progress.phase);
            out.set_error(progress.error);
            out.set_rounds_total(progress.rounds_total);
            out.set_parameters(progress.parameters);
            out.set_state_hash(to_field(progress.state_hash.span()));
            for (const auto tokens : progress.asset_tokens) out.add_asset_tokens(tokens);
            if (auto checkpoint = job->checkpoint(); checkpoint.ok())
                out.set_checkpoint_size(checkpoint->size());
            for (const auto& round : progress.rounds) {
                auto& report = *out.add_rounds();
                report.set_round(round.round);
                report.set_train_loss(round.train_loss);
                report.set_held_out_loss(round.held_out_loss);
                report.set_tokens(round.tokens);
                report.set_bytes_sent(round.bytes_sent);
                report.set_allreduce_bytes(round.allreduce_bytes);
                report.set_tokens_per_second(round.tokens_per_second);
            }
            return out;
        });
    service_.on<v1::CheckpointRequest, v1::CheckpointReply>(
        "/mutirao.v1.Train/Checkpoint", [this](const auto& in) -> Result<v1::CheckpointReply> {
            TRY(auto id, fixed_field<train::RunId>(in.run()));
            TRY(auto job, find(id));
            TRY(auto checkpoint, job->checkpoint());
            if (in.offset() > checkpoint.size() || in.size() > kCheckpointPart)
                return Error{ErrorKind::invalid_argument, "the checkpoint has " +
                                                              std::to_string(checkpoint.size()) +
                                                              " bytes; at most 8 MiB a call"};
            v1::CheckpointReply out;
            out.set_data(to_field(
                ByteSpan(checkpoint)
                    .subspan(in.offset(),
                             std::min<std::size_t>(in.size(), checkpoint.size() - in.offset()))));
            return out;
        });
}

}  // namespace mutirao::node
