#include "node/run_contributions.hpp"

#include <algorithm>

#include "train/originality.hpp"

namespace mutirao::node {
namespace {

// Half a batch keeps a measured step cheap (contribution.hpp); with fewer, chance decides.
constexpr std::uint32_t kHeldOutRowsMin = 8;

Result<std::vector<std::uint32_t>> originality_of(const RunData& data) {
    std::uint64_t total = 0;
    for (const auto index : data.object) total += data.objects[index]->size();
    std::vector<train::Fingerprint> owners;
    for (const auto index : data.object) {
        auto& owner = owners.emplace_back(train::sampling_shift(total));
        TRY_VOID(
            read_through(*data.objects[index], [&owner](ByteSpan piece) { owner.add(piece); }));
    }
    return train::originality(owners);
}

}  // namespace

Result<RunContributions> RunContributions::make(const train::RunSettings& settings,
                                                const RunData& data, const train::Sampler& sampler,
                                                std::size_t parameters) {
    RunContributions out(settings, data);
    if (settings.contributions_every == 0) return out;
    const auto rows = std::max(settings.batch / 2, kHeldOutRowsMin);
    TRY(auto held_out, sampler.read_held_out(rows));
    auto owners = sampler.held_out_owners(rows);
    if (settings.judge) {
        TRY(held_out, data.judging(settings, rows));
        owners.assign(held_out.size() / settings.model.example_size(), train::kNobody);
    }
    TRY(auto originality, originality_of(data));
    out.measuring_.emplace(
        Measuring{train::ContributionMeter(static_cast<std::uint32_t>(data.object.size()),
                                           parameters, settings.contributions_every),
                  std::move(held_out), std::move(owners), std::move(originality)});
    return out;
}

Status RunContributions::before_step(model::Model& model, const train::Sampler& sampler,
                                     std::uint32_t worker, std::uint64_t step, ByteSpan batch) {
    if (!measuring_ || !measuring_->meter.measures(step)) return {};
    const auto owners = sampler.training_owners(worker, step, settings_.batch);
    return measuring_->meter.measure(
        [&model](std::uint32_t rows, ByteSpan examples, std::span<float> out) {
            return model.gradient({rows, examples}, out);
        },
        {batch, owners}, {measuring_->held_out, measuring_->held_out_owners},
        settings_.learning_rate_at(step));
}

Result<std::optional<train::MeasuredStep>> RunContributions::parts(const train::Sampler& sampler,
                                                                   std::uint32_t pipeline,
                                                                   std::uint64_t step,
                                                                   ByteSpan batch) const {
    using Measured = std::optional<train::MeasuredStep>;
    if (!measuring_ || !measuring_->meter.measures(step)) return Measured();
    const auto owners = sampler.training_owners(pipeline, step, settings_.batch);
    train::MeasuredStep out;
    TRY(out.parts,
        train::owner_parts({batch, owners}, {measuring_->held_out, measuring_->held_out_owners},
                           object_.size()));
    out.held_out = measuring_->held_out;
    out.held_out_rows = static_cast<std::uint32_t>(measuring_->held_out_owners.size());
    out.batch_rows = settings_.batch;
    out.learning_rate = settings_.learning_rate_at(step);
    return Measured(std::move(out));
}

Status RunContributions::add(const train::CreditPasses& passes) {
    const auto& step = passes.measured();
    return measuring_->meter.add(step.parts, passes.products(), step.batch_rows, step.held_out_rows,
                                 step.learning_rate);
}

std::vector<std::int64_t> RunContributions::take() {
    return measuring_ ? measuring_->meter.take() : std::vector<std::int64_t>();
}

std::vector<std::uint32_t> RunContributions::weights(
    std::span<const train::Payload> payloads) const {
    if (!measuring_) return {};
    std::vector<std::vector<std::int64_t>> reports;
    for (const auto& payload : payloads)
        if (payload.credits.size() == object_.size()) reports.push_back(payload.credits);
    if (reports.empty()) return {};
    const auto by_owner =
        train::payment_weights(train::merge_credits(reports), measuring_->originality);
    if (!by_owner.ok()) return {};
    std::vector<std::uint32_t> out(objects_, 0);
    for (std::size_t i = 0; i < object_.size(); ++i) out[object_[i]] = (*by_owner)[i];
    return out;
}

}  // namespace mutirao::node
