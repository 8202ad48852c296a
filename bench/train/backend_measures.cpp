#include "train/backend_measures.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "base/ensure.hpp"
#include "base/random.hpp"
#include "model/fresh_start_bench.hpp"
#include "model/nano_backend.hpp"
#include "model/torch_backend.hpp"
#include "train/methods.hpp"

namespace mutirao::bench {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLarge = model::kFreshModel;
constexpr std::uint32_t kBatch = 16;
constexpr int kStarts = 5;  // the fastest counts
constexpr const char* kNano = "nano";
constexpr const char* kLibtorch = "libtorch";

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

Row start_row(bool torch, const std::string& missing) {
    const auto fastest = [](const char* backend) {
        const auto times = model::fresh_starts(kStarts, backend);
        ENSURE(!times.empty(), std::string("a fresh process made no model of ") + backend);
        return times.front();
    };
    return {"nano, from a process's start to a model of 3.3 M parameters",
            fastest(kNano),
            "ms",
            kLibtorch,
            torch ? std::optional(fastest(kLibtorch)) : std::nullopt,
            Goal{Goal::Of::value_at_most, 100},
            missing};
}

}  // namespace

bool make_fresh_model(std::string_view backend) {
    const auto opened = backend == kLibtorch ? open_libtorch() : model::make_nano_backend();
    return opened && model::make_fresh_model(*opened);
}

std::vector<Row> backend_rows(int steps, bool peers) {
    const auto parameters = model::initial_parameters(kLarge, 1);
    auto nano = model::make_nano_backend();
    auto torch = peers ? open_libtorch() : nullptr;
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
                        tokens_a_second(contenders[0]), "tokens/s", kLibtorch,
                        torch ? std::optional(tokens_a_second(contenders[1])) : std::nullopt,
                        Goal{Goal::Of::ratio_at_least, 0.8}, missing});
    }
    rows.push_back(start_row(torch != nullptr, missing));
    return rows;
}

Outcome large_outcome(train::RunSettings settings, const Bytes& text) {
    settings.model = kLarge;
    settings.batch = kBatch;
    settings.local_steps = 1;
    settings.rounds = settings.fragments;
    settings.warmup_steps = 1;
    settings.learning_rate = settings.final_learning_rate = 1e-3f;
    return run({settings, kWorkers, false, 1}, text);
}

}  // namespace mutirao::bench
