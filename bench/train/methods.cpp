#include "train/methods.hpp"

namespace mutirao::bench {

namespace {

using train::CodecKind;
using train::InnerOptimizer;
using train::RunSettings;
using train::Schedule;

constexpr std::uint32_t kLocalSteps = 20;  // between two exchanges of a parameter
constexpr std::uint32_t kFragments = 4;
constexpr std::uint32_t kFrugalSteps = 10, kFrugalFragments = 18;  // each parameter every 180

RunSettings base(std::uint32_t steps, std::uint32_t local_steps) {
    RunSettings settings;
    settings.model = model::GptConfig{.layers = 2, .width = 64, .heads = 2, .context = 64};
    settings.batch = 8;
    settings.local_steps = local_steps;
    settings.rounds = steps / local_steps;
    settings.warmup_steps = 20;
    settings.outer = {.learning_rate = 0.7f, .momentum = 0.5f};
    return settings;
}

Method make(std::string name, RunSettings settings, Exchange exchange = Exchange::all_gather) {
    const bool muon = settings.inner == InnerOptimizer::muon;
    return {std::move(name),
            {.settings = std::move(settings), .workers = kWorkers},
            exchange,
            muon ? std::vector{4e-3f, 8e-3f, 16e-3f} : std::vector{1e-3f, 2e-3f, 4e-3f}};
}

Method all_reduce(std::string name, std::uint32_t steps, InnerOptimizer inner) {
    auto settings = base(steps, 1);
    settings.inner = inner;
    settings.codec.kind = CodecKind::bf16;
    auto method = make(std::move(name), settings, Exchange::ring);
    method.experiment.all_reduce = true;
    return method;
}

// Two bits of every value, exchanged piece by piece beside the steps.
Method ours(std::string name, std::uint32_t steps, std::uint32_t local_steps,
            std::uint32_t fragments) {
    auto settings = base(steps, local_steps);
    settings.fragments = fragments;
    settings.schedule = Schedule::delay_keep;
    settings.codec = {.kind = CodecKind::dense2, .block = 1024};
    settings.outer = {.learning_rate = 1, .momentum = 0.5f};
    return make(std::move(name), settings);
}

// Each of two stages has its own codec, error feedback and outer optimizer, as in the paper; its
// links between stages are fast, so nothing is lost there.
Method dilocox(std::string name, std::uint32_t steps, Schedule schedule) {
    auto settings = base(steps, kLocalSteps);
    settings.inner = InnerOptimizer::adamw;
    settings.codec = {.kind = CodecKind::low_rank, .rank = 8};
    settings.schedule = schedule;
    settings.stages = 2;
    settings.micro_batches = 4;
    settings.activations = train::ActivationCodec::float32;
    return make(std::move(name), settings, Exchange::ring);
}

}  // namespace

std::vector<Method> methods(std::uint32_t steps) {
    std::vector<Method> all;
    all.push_back(ours(kOurs, steps, kLocalSteps / kFragments, kFragments));
    all.push_back(ours(kOursFrugal, steps, kFrugalSteps, kFrugalFragments));
    // After so long a turn an error that is carried on, and momentum, are of another time.
    all.back().experiment.settings.error_decay = 0;
    all.back().experiment.settings.outer.momentum = 0.3f;
    all.push_back(all_reduce(kAllReduce, steps, InnerOptimizer::adamw));
    all.push_back(all_reduce(kAllReduceMuon, steps, InnerOptimizer::muon));

    auto opendiloco = base(steps, kLocalSteps);
    opendiloco.inner = InnerOptimizer::adamw;
    opendiloco.codec.kind = CodecKind::bf16;
    all.push_back(make("opendiloco", opendiloco, Exchange::ring));

    auto cocktail = base(steps, 1);
    cocktail.inner = InnerOptimizer::adamw;
    cocktail.codec = {.kind = CodecKind::topk2, .kept = 33};
    cocktail.outer = {.learning_rate = 1, .momentum = 0};
    all.push_back(make("cocktail", cocktail));

    all.push_back(dilocox(kDilocox, steps, Schedule::delay_restart));
    all.push_back(dilocox(kDilocoxKeep, steps, Schedule::delay_keep));
    return all;
}

Experiment with(const Method& method, float rate, std::uint64_t seed) {
    auto experiment = method.experiment;
    experiment.settings.learning_rate = rate;
    experiment.settings.final_learning_rate = rate / 10;
    experiment.settings.seed = seed;
    return experiment;
}

}  // namespace mutirao::bench
