#include "train/churn.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "model/nano_backend.hpp"
#include "train/results.hpp"
#include "train/round.hpp"
#include "train/sampler.hpp"

namespace mutirao::bench {

namespace {

constexpr std::uint64_t kSeed = 1;
constexpr float kRate = 8e-3f;

class ChurnRun {
  public:
    ChurnRun(const Experiment& experiment, const Churn& churn, const Bytes& text)
        : settings_(experiment.settings),
          churn_(churn),
          config_(settings_.model),
          sampler_(train::Sampler::make({{text, 0}}, config_.example(), settings_.seed).value()),
          initial_(model::initial_parameters(config_, settings_.seed)),
          held_out_(sampler_.held_out(experiment.held_out_rows)),
          chance_(kSeed),
          workers_(churn.workers) {
        for (std::uint32_t w = 0; w < workers_.size(); ++w) {
            workers_[w].model = model::make_nano_backend()->create(config_, {}, initial_).value();
            workers_[w].run =
                train::TrainingRun::make(settings_, {{}, w, churn_.workers}, initial_).value();
        }
    }

    ChurnOutcome go() {
        const auto total = settings_.rounds_total();
        for (std::uint32_t round = 0; round < total; ++round) {
            bring_back();
            lose_one(round);
            for (std::uint32_t w = 0; w < workers_.size(); ++w)
                if (is_there(w)) local_round(w, round);
            // A lost worker's payload is missed where it is due, one round later, and then no more.
            now_ += round < settings_.rounds ? 1 : 0;
            apply_due();
            if (victim_ < workers_.size()) {
                workers_[victim_].run.reset();
                workers_[victim_].back_at = lost_at_ + churn_.restart + churn_.fetch;
                victim_ = kNobody;
                now_ += churn_.grace;
            }
        }
        while (!present().run->finished()) apply_due();
        const auto computed = static_cast<double>(useful_) / settings_.local_steps;
        outcome_.utilisation = computed / (now_ * static_cast<double>(workers_.size()));
        auto& first = present();
        ENSURE(first.model->set_parameters(first.run->shared_parameters()).ok());
        const auto rows = static_cast<std::uint32_t>(held_out_.size() / config_.example_size());
        outcome_.loss = first.model->loss({rows, held_out_}).value();
        return outcome_;
    }

  private:
    static constexpr std::uint32_t kNobody = ~0u;
    struct Worker {
        std::unique_ptr<model::Model> model;
        std::optional<train::TrainingRun> run;  // none while it is away
        double back_at = 0;
    };

    bool is_there(std::uint32_t index) const {
        return workers_[index].run.has_value() && index != victim_;
    }
    Worker& present() {
        std::uint32_t index = 0;
        while (!is_there(index)) ++index;
        return workers_[index];
    }

    // Whose restart and fetch are over goes on from a peer's state, with a fresh inner optimizer.
    void bring_back() {
        for (std::uint32_t w = 0; w < workers_.size(); ++w) {
            auto& worker = workers_[w];
            if (worker.run || worker.back_at > now_) continue;
            worker.run = train::TrainingRun::resume(settings_, {{}, w, churn_.workers},
                                                    present().run->state())
                             .value();
            worker.model = model::make_nano_backend()->create(config_, {}, initial_).value();
            ++outcome_.joined;
        }
    }

    // At any moment of the round, whose steps are lost with it.
    void lose_one(std::uint32_t round) {
        const auto every = churn_.rounds_between_losses;
        if (every == 0 || round % every != every / 2 || round >= settings_.rounds) return;
        victim_ = static_cast<std::uint32_t>(chance_.below(workers_.size()));
        if (!workers_[victim_].run) {
            victim_ = kNobody;
            return;
        }
        constexpr std::uint64_t kParts = 1000;
        lost_at_ = now_ + static_cast<double>(chance_.below(kParts)) / kParts;
        ++outcome_.lost;
    }

    void local_round(std::uint32_t index, std::uint32_t round) {
        auto& [model, run, back_at] = workers_[index];
        ENSURE(model->set_parameters(run->start_parameters()).ok());
        const auto first = std::uint64_t{round} * settings_.local_steps;
        for (std::uint64_t step = first; step < first + run->local_steps(); ++step) {
            const auto batch = sampler_.training_batch(index, step, settings_.batch);
            (void)model->train_step({settings_.batch, batch}, settings_.learning_rate_at(step))
                .value();
        }
        useful_ += run->local_steps();
        std::vector<float> local(initial_.size());
        ENSURE(model->get_parameters(local).ok());
        const auto payload = run->finish_round(local, 1, 0).value();
        sent_[round].push_back(train::decode_payload(payload).value());
    }

    // All that are there take the same set: what was sent of the round that is due.
    void apply_due() {
        const auto due = present().run->due();
        if (!due) return;
        const Digest* agreed = nullptr;
        for (std::uint32_t w = 0; w < workers_.size(); ++w) {
            if (!is_there(w)) continue;
            const auto applied = workers_[w].run->apply(sent_[*due]);
            ENSURE(applied.ok(), applied.error().message);
            if (agreed == nullptr) agreed = &workers_[w].run->shared_hash();
            ENSURE(*agreed == workers_[w].run->shared_hash(), "two workers hold other parameters");
        }
        sent_.erase(*due);
    }

    const train::RunSettings settings_;
    const Churn churn_;
    const model::ModelConfig config_;
    train::Sampler sampler_;
    const std::vector<float> initial_;
    const Bytes held_out_;
    SeededRandom chance_;
    std::vector<Worker> workers_;
    std::map<std::uint32_t, std::vector<train::Payload>> sent_;  // by round
    ChurnOutcome outcome_;
    double now_ = 0, lost_at_ = 0;
    std::uint32_t victim_ = kNobody;
    std::uint64_t useful_ = 0;
};

}  // namespace

ChurnOutcome run_with_churn(const Experiment& experiment, const Churn& churn, const Bytes& text) {
    return ChurnRun(experiment, churn, text).go();
}

void churn_rows(std::uint32_t steps, const Bytes& text, std::vector<Row>& rows) {
    Experiment experiment;
    for (const auto& method : methods(steps))
        if (method.name == kOurs) experiment = with(method, kRate, kSeed);
    Churn churn;
    experiment.settings.quorum = churn.workers / 2 + 1;
    const auto disturbed = run_with_churn(experiment, churn, text);
    auto calm = churn;
    calm.rounds_between_losses = 0;
    const auto quiet = run_with_churn(experiment, calm, text);
    const std::string how =
        std::to_string(disturbed.lost) + " lost in " + std::to_string(experiment.settings.rounds) +
        " rounds, " + std::to_string(disturbed.joined) +
        " came back; real rounds and models, time simulated in rounds: " + digits(churn.grace, 1) +
        " of grace, " + digits(churn.restart, 0) + " to restart, " + digits(churn.fetch, 0) +
        " to fetch the state";
    rows.push_back(
        {"10 workers, one of them lost every 10 rounds: share of all compute that counts",
         100 * disturbed.utilisation, "%", "nobody lost", 100 * quiet.utilisation,
         Goal{Goal::Of::value_at_least, 85}, how});
    rows.push_back({"the same: held-out loss",
                    disturbed.loss,
                    "nats/byte",
                    "nobody lost",
                    quiet.loss,
                    {},
                    ""});
}

}  // namespace mutirao::bench
