#include "node/training_job.hpp"

#include <algorithm>

#include "model/checkpoint.hpp"
#include "train/traffic.hpp"

namespace mutirao::node {
namespace {

constexpr std::uint32_t kRoundsAheadMax = 4;  // payloads of later rounds that are kept
constexpr std::uint32_t kHeldOutRows = 48;    // windows that the held-out loss is measured on
constexpr auto kPayloadWait = std::chrono::minutes(2);

model::Optimizer optimizer_of(train::InnerOptimizer inner) {
    return inner == train::InnerOptimizer::muon ? model::Optimizer::muon : model::Optimizer::adamw;
}

// Where the low-rank codec finds matrices.
std::vector<train::Matrix> matrices_of(const model::GptConfig& config) {
    std::vector<train::Matrix> matrices;
    for (const auto& parameter : model::parameter_layout(config))
        if (parameter.shape.size() == 2)
            matrices.push_back({parameter.offset, parameter.shape[0], parameter.shape[1]});
    return matrices;
}

}  // namespace

TrainingJob::TrainingJob(JobPlan plan, JobPorts ports)
    : plan_(std::move(plan)), ports_(std::move(ports)) {
    progress_.rounds_total = plan_.settings.rounds_total();
}

void TrainingJob::set_phase(const std::string& phase) {
    const std::lock_guard lock(mutex_);
    progress_.phase = phase;
}

void TrainingJob::cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
}

JobProgress TrainingJob::progress() const {
    const std::lock_guard lock(mutex_);
    return progress_;
}

Result<Bytes> TrainingJob::checkpoint() const {
    const std::lock_guard lock(mutex_);
    if (checkpoint_.empty())
        return Error{ErrorKind::not_found,
                     "the run has no checkpoint yet: it is " + progress_.phase};
    return checkpoint_;
}

Status TrainingJob::receive(ByteSpan bytes) {
    TRY(auto payload, train::decode_payload(bytes));
    if (payload.run != plan_.identity.run || payload.worker >= plan_.identity.workers ||
        payload.worker == plan_.identity.worker)
        return Error{ErrorKind::permission_denied, "the payload is of another run or worker"};
    const std::lock_guard lock(mutex_);
    const auto done = static_cast<std::uint32_t>(progress_.rounds.size());
    if (payload.round > done + kRoundsAheadMax)
        return Error{ErrorKind::resource_exhausted,
                     "this worker is too many rounds behind; send the payload again later"};
    // Sending again is harmless: the first copy stays.
    inbox_[payload.round].try_emplace(payload.worker, std::move(payload));
    changed_.notify_all();
    return {};
}

void TrainingJob::run() {
    const auto status = train();
    const std::lock_guard lock(mutex_);
    progress_.phase = status.ok() ? "finished" : "failed";
    if (!status.ok()) progress_.error = status.error().message;
}

Result<double> TrainingJob::held_out_loss(model::Model& model,
                                          const train::Sampler& sampler) const {
    const auto tokens = sampler.held_out(kHeldOutRows);
    const auto window = model.config().context + 1;
    TRY(auto loss, model.loss({static_cast<std::uint32_t>(tokens.size() / window), tokens}));
    return static_cast<double>(loss);
}

Status TrainingJob::local_steps(model::Model& model, train::TrainingRun& run,
                                train::Sampler& sampler) {
    const auto& settings = plan_.settings;
    TRY_VOID(model.set_parameters(run.start_parameters()));
    double loss_sum = 0;
    std::uint64_t tokens = 0;
    const std::uint32_t steps = run.local_steps();
    for (std::uint32_t i = 0; i < steps; ++i) {
        const std::uint64_t step = std::uint64_t{run.round()} * settings.local_steps + i;
        const auto batch = sampler.training_batch(plan_.identity.worker, step, settings.batch);
        TRY(auto loss, model.train_step({settings.batch, batch}, settings.learning_rate_at(step)));
        loss_sum += static_cast<double>(loss);
        tokens += std::uint64_t{settings.batch} * settings.model.context;
        const std::lock_guard lock(mutex_);
        if (cancelled_) return Error{ErrorKind::unavailable, "the run was cancelled"};
    }
    if (steps > 0) last_train_loss_ = loss_sum / steps;  // closing rounds have none
    tokens_ += tokens;
    std::vector<float> local(model.parameter_count());
    TRY_VOID(model.get_parameters(local));
    const auto round = run.round();
    TRY(auto payload, run.finish_round(local, tokens, last_train_loss_));
    for (std::uint32_t worker = 0; worker < plan_.identity.workers; ++worker) {
        if (worker == plan_.identity.worker) continue;
        TRY_VOID(ports_.push(plan_.peers[worker], payload));
        bytes_sent_ += payload.size();
    }
    TRY(auto own, train::decode_payload(payload));
    const std::lock_guard lock(mutex_);
    inbox_[round].try_emplace(plan_.identity.worker, std::move(own));
    return {};
}

Result<std::vector<train::Payload>> TrainingJob::wait_for_round(std::uint32_t round) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPayloadWait,
                      [&] { return cancelled_ || inbox_[round].size() == plan_.identity.workers; });
    if (cancelled_) return Error{ErrorKind::unavailable, "the run was cancelled"};
    std::vector<train::Payload> payloads;
    for (const auto& [worker, payload] : inbox_[round]) payloads.push_back(payload);
    return payloads;
}

Status TrainingJob::exchange(train::TrainingRun& run) {
    const auto round = run.due();
    if (!round) return {};
    TRY(auto payloads, wait_for_round(*round));
    TRY_VOID(run.apply(payloads));
    const std::lock_guard lock(mutex_);
    inbox_.erase(*round);
    return {};
}

Status TrainingJob::train() {
    if (plan_.settings.quorum != 0 && plan_.settings.quorum != plan_.identity.workers)
        return Error{ErrorKind::unimplemented,
                     "rounds of a quorum need trainers that agree on who counts, which they do not "
                     "do yet: use settings whose quorum is 0"};
    set_phase("reading");
    TRY(auto texts, ports_.read_texts());
    TRY(auto backend, ports_.open_backend());
    const auto& settings = plan_.settings;
    const model::GptConfig config{settings.model.layers, settings.model.width, settings.model.heads,
                                  settings.model.context};
    const auto initial = model::initial_parameters(config, settings.seed);
    model::OptimizerSettings optimizer;
    optimizer.optimizer = optimizer_of(settings.inner);
    TRY(auto model, backend->create(config, optimizer, initial));
    std::vector<train::Corpus> corpora;
    for (const auto& text : texts) corpora.push_back({text, 0});
    TRY(auto sampler, train::Sampler::make(std::move(corpora), config.context, settings.seed));
    TRY(auto run, train::TrainingRun::make(settings, plan_.identity, initial, matrices_of(config)));

    const bool measures = plan_.identity.worker == 0;
    const auto report = [&]() -> Status {
        RoundReport out;
        out.train_loss = last_train_loss_;
        if (measures) {
            TRY_VOID(model->set_parameters(run.shared_parameters()));
            TRY(out.held_out_loss, held_out_loss(*model, sampler));
        }
        out.tokens = tokens_;
        out.bytes_sent = bytes_sent_;
        const std::uint64_t steps =
            std::uint64_t{std::min(run.round(), settings.rounds)} * settings.local_steps;
        out.allreduce_bytes = train::allreduce_bytes(initial.size(), steps);
        const auto seconds =
            std::chrono::duration<double>(ports_.clock.monotonic() - training_started_).count();
        out.tokens_per_second = seconds > 0 ? static_cast<double>(tokens_) / seconds : 0;
        const std::lock_guard lock(mutex_);
        out.round = static_cast<std::uint32_t>(progress_.rounds.size());
        progress_.rounds.push_back(out);
        progress_.asset_tokens.assign(sampler.tokens_used().begin(), sampler.tokens_used().end());
        progress_.state_hash = run.shared_hash();
        return {};
    };

    {
        const std::lock_guard lock(mutex_);
        progress_.phase = "training";
        progress_.parameters = initial.size();
    }
    training_started_ = ports_.clock.monotonic();
    TRY_VOID(report());
    while (!run.finished()) {
        const bool stepped = run.wants_steps();
        if (stepped) TRY_VOID(local_steps(*model, run, sampler));
        TRY_VOID(exchange(run));
        if (stepped) TRY_VOID(report());
    }
    // With a delayed schedule the last outer steps come after the last report: measure once more.
    TRY_VOID(model->set_parameters(run.shared_parameters()));
    if (measures) {
        TRY(auto last, held_out_loss(*model, sampler));
        const std::lock_guard lock(mutex_);
        progress_.rounds.back().held_out_loss = last;
    }
    model::Checkpoint checkpoint{config, {}, settings.rounds, tokens_ * plan_.identity.workers};
    checkpoint.parameters.assign(run.shared_parameters().begin(), run.shared_parameters().end());
    TRY(auto file, model::encode_checkpoint(checkpoint));
    const std::lock_guard lock(mutex_);
    checkpoint_ = std::move(file);
    progress_.state_hash = run.shared_hash();
    return {};
}

}  // namespace mutirao::node
