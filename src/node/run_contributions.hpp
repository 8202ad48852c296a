// What the objects of a run did for its model: measured by each trainer on its own steps, told in
// its payloads, and merged from those that count in a round, which all trainers hold. So all of
// them tell the ledger the same weights.
#pragma once

#include "model/backend.hpp"
#include "node/run_data.hpp"
#include "train/credit_passes.hpp"

namespace mutirao::node {

// One thread at a time. Does nothing when settings.contributions_every is 0.
class RunContributions {
  public:
    // `parameters` are those that are trained here; 0 for a stage, whose gradients are elsewhere.
    // Cost, where they are measured: reads all objects once. invalid_argument when the judge is too
    // small; other errors are the objects'.
    static Result<RunContributions> make(const train::RunSettings& settings, const RunData& data,
                                         const train::Sampler& sampler, std::size_t parameters);

    // Before the train step of `batch`, which is training_batch() of the same worker and step.
    Status before_step(model::Model& model, const train::Sampler& sampler, std::uint32_t worker,
                       std::uint64_t step, ByteSpan batch);
    // The same where the model is cut into stages: what goes through the pipeline before a step;
    // nothing where it is not measured. And what came out.
    Result<std::optional<train::MeasuredStep>> parts(const train::Sampler& sampler,
                                                     std::uint32_t pipeline, std::uint64_t step,
                                                     ByteSpan batch) const;
    Status add(const train::CreditPasses& passes);
    // This worker's credits since the last call, for its payload.
    std::vector<std::int64_t> take();
    // Object by object, in millionths of the round: the same from the same payloads. Empty when
    // nothing was measured, or nobody's data lowered the held-out loss. Credits of another number
    // of owners than the run has do not count.
    std::vector<std::uint32_t> weights(std::span<const train::Payload> payloads) const;
    // Whether weights() may have given them: one an object, or none.
    bool fits(std::span<const std::uint32_t> weights) const {
        return weights.empty() || weights.size() == objects_;
    }

  private:
    RunContributions(const train::RunSettings& settings, const RunData& data)
        : settings_(settings), object_(data.object), objects_(data.objects.size()) {}

    struct Measuring {
        train::ContributionMeter meter;
        Bytes held_out;
        std::vector<std::uint32_t> held_out_owners;
        std::vector<std::uint32_t> originality;  // owner by owner
    };
    train::RunSettings settings_;
    std::vector<std::size_t> object_;  // of each owner
    std::size_t objects_;
    std::optional<Measuring> measuring_;
};

}  // namespace mutirao::node
