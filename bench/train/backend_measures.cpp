#include "train/backend_measures.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "base/random.hpp"
#include "model/nano_backend.hpp"
#include "model/torch_backend.hpp"
#include "train/methods.hpp"

namespace mutirao::bench {

namespace {

using Clock = std::chrono::steady_clock;
constexpr model::GptConfig kLarge{4, 256, 4, 128};
constexpr std::uint32_t kBatch = 16;
constexpr int kStarts = 5;  // the best counts; libtorch can be loaded only once

double since(Clock::time_point began) {
    return std::chrono::duration<double>(Clock::now() - began).count();
}

struct Contender {
    std::unique_ptr<model::Model> model;
    double best = 1e9;  // seconds a step
};

double tokens_a_second(const Contender& contender) {
    return kBatch * kLarge.context / contender.best;
}

// libtorch reads its environment when it is loaded.
std::unique_ptr<model::Backend> open_libtorch() {
    for (const auto& [name, value] : model::kWorkerEnvironment) ::setenv(name, value, 0);
    const std::string folder = TORCH_PLUGIN_FOLDER;
    const auto path = model::find_torch_plugin({&folder, 1});
    if (!path.ok()) return nullptr;
    auto backend = model::load_torch_backend(*path);
    return backend.ok() ? std::move(backend).value() : nullptr;
}

}  // namespace

std::vector<Row> backend_rows(int steps, bool peers) {
    const auto parameters = model::initial_parameters(kLarge, 1);
    double nano_start = 1e9;
    for (int i = 0; i < kStarts; ++i) {
        const auto began = Clock::now();
        (void)model::make_nano_backend()->create(kLarge, {}, parameters).value();
        nano_start = std::min(nano_start, since(began));
    }
    auto nano = model::make_nano_backend();
    const auto began = Clock::now();
    auto torch = peers ? open_libtorch() : nullptr;
    if (torch) (void)torch->create(kLarge, {}, parameters).value();
    const double torch_start = since(began);

    const std::string missing = torch ? "" : "libtorch's plug-in was not asked for, or not found";
    std::vector<Row> rows;
    Bytes tokens(kBatch * (kLarge.context + 1));
    SeededRandom(1).fill(tokens);
    for (const auto& [optimizer, name] :
         {std::pair{model::Optimizer::adamw, "AdamW"}, std::pair{model::Optimizer::muon, "Muon"}}) {
        std::vector<Contender> contenders;
        for (auto* backend : {nano.get(), torch.get()})
            if (backend)
                contenders.push_back(
                    {backend->create(kLarge, {.optimizer = optimizer}, parameters).value()});
        for (int step = 0; step <= steps; ++step)
            for (auto& each : contenders) {
                const auto start = Clock::now();
                (void)each.model->train_step({kBatch, tokens}, 1e-3f).value();
                if (step > 0) each.best = std::min(each.best, since(start));
            }
        rows.push_back({std::string("nano, ") + name + ", 3.3 M parameters, one thread",
                        tokens_a_second(contenders[0]), "tokens/s", "libtorch",
                        torch ? std::optional(tokens_a_second(contenders[1])) : std::nullopt,
                        Goal{Goal::Of::ratio_at_least, 0.8}, missing});
    }
    rows.push_back({"nano, from nothing to a model of 3.3 M parameters", nano_start * 1e3, "ms",
                    "libtorch", torch ? std::optional(torch_start * 1e3) : std::nullopt,
                    Goal{Goal::Of::value_at_most, 100}, missing});
    return rows;
}

Outcome large_outcome(train::RunSettings settings, const Bytes& text) {
    settings.model = {kLarge.layers, kLarge.width, kLarge.heads, kLarge.context};
    settings.batch = kBatch;
    settings.local_steps = 1;
    settings.rounds = settings.fragments;
    settings.warmup_steps = 1;
    settings.learning_rate = settings.final_learning_rate = 1e-3f;
    return run({settings, kWorkers, false, 1}, text);
}

}  // namespace mutirao::bench
