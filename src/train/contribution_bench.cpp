// What measuring contributions costs: the time of a measured step beside a plain one. Prints one
// line.
#include <chrono>
#include <iostream>

#include "base/random.hpp"
#include "model/nano_backend.hpp"
#include "train/contribution.hpp"
#include "train/sampler.hpp"
#include "train/test_texts.hpp"

int main() {
    using namespace mutirao;
    using namespace mutirao::train;
    using Steady = std::chrono::steady_clock;
    constexpr std::uint32_t kRows = 16, kHeldOut = 8, kOwners = 4, kSteps = 20;
    const model::GptConfig config{2, 128, 2, 64};
    std::vector<std::string> texts;
    for (std::uint32_t i = 0; i < kOwners; ++i) texts.push_back(portuguese(60000, i));
    std::vector<Corpus> owners;
    for (const auto& text : texts) owners.push_back({as_bytes(text)});
    auto sampler = Sampler::make(owners, config.context, 1).value();
    auto model = model::make_nano_backend()
                     ->create(config, {}, model::initial_parameters(config, 1))
                     .value();
    const Gradient gradient = [&](std::uint32_t rows, ByteSpan examples, std::span<float> out) {
        return model->gradient({rows, examples}, out);
    };
    ContributionMeter meter(kOwners, model->parameter_count(), 1);
    const auto held_out = sampler.held_out(kHeldOut);
    const auto held_out_owners = sampler.held_out_owners(kHeldOut);
    Steady::duration steps{0}, measures{0};
    for (std::uint64_t step = 0; step < kSteps; ++step) {
        const auto batch = sampler.training_batch(0, step, kRows);
        const auto row_owners = sampler.training_owners(0, step, kRows);
        const auto began = Steady::now();
        ENSURE(
            meter.measure(gradient, {batch, row_owners}, {held_out, held_out_owners}, 1e-3f).ok());
        const auto between = Steady::now();
        ENSURE(model->train_step({kRows, batch}, 1e-3f).ok());
        measures += between - began;
        steps += Steady::now() - between;
    }
    const double ratio = std::chrono::duration<double>(measures) / steps;
    std::cout << kOwners << " owners, " << kRows << " rows, " << kHeldOut
              << " held out: a measurement takes " << ratio << " steps; every 40 steps "
              << 100 * ratio / 40 << " % of a run\n";
}
