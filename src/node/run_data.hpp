// What a training run's licensed objects hold, made ready for its model.
#pragma once

#include <optional>

#include "model/start.hpp"
#include "node/run_objects.hpp"
#include "train/sampler.hpp"
#include "train/settings.hpp"

namespace mutirao::node {

struct RunData {
    // The checkpoint that settings.base names: one of the objects, told by its BLAKE3 digest.
    std::optional<model::Checkpoint> base;
    // What the examples of each object that is trained on are cut from, by shards (RunShards): its
    // bytes as they are, behind a head where it has one; a table's rows as examples; or texts that
    // windows are encoded of. Texts of Shards::drawn bytes in all are encoded beforehand.
    std::shared_ptr<train::DataSource> source;
    train::Windows windows;
    std::vector<Bytes> examples;      // that the source reads, of texts that were encoded
    std::vector<std::size_t> object;  // which one each is
    RunObjects objects;               // all of them
    Bytes preparation;                // for the checkpoint
    Bytes judge;                      // examples of the object that settings.judge names, if any

    // The same examples for who looks at other workers' rounds: large data by shards of its own, so
    // that those of this worker's next steps stay at hand.
    std::shared_ptr<train::DataSource> source_of_others;

    // Of the preparation, zero when there is none: workers whose ones differ do not train together.
    Digest digest() const;
    // A sampler over the examples; and one for other workers' steps.
    Result<train::Sampler> sampler(const train::RunSettings& settings) const;
    Result<train::Sampler> sampler_of_others(const train::RunSettings& settings) const;
    // At most `rows` of the judge's examples, spread over all of it. invalid_argument when it is
    // too small; wants a judge.
    Result<Bytes> judging(const train::RunSettings& settings, std::uint32_t rows) const;
    // Fresh parameters, the base's, or its adapters.
    Result<model::Start> start(model::Backend& backend, const train::RunSettings& settings) const;
    // The checkpoint of the parameters that the run's workers share after `round` rounds. Equal at
    // all of them: of tokens it has those that full rounds train on.
    model::Checkpoint checkpoint(const train::RunSettings& settings,
                                 std::span<const float> parameters, std::uint32_t round,
                                 std::size_t workers) const;
    // By object, from the sampler's count; the base's own share is 0.
    std::vector<std::uint64_t> tokens_by_object(const train::Sampler& sampler) const;
    // Held-out loss in nats a byte where the model writes text, whatever its tokens.
    Result<double> loss_per_byte(const train::RunSettings& settings, ByteSpan examples,
                                 double loss) const;
};

// What a judge may have: few of its examples are looked at.
inline constexpr std::size_t kJudgeBytesMax = 16 << 20;

// not_found when no object is the base or the judge; otherwise as dataset::prepare(), and the
// objects' own. What is returned may be moved; it is of no use without `ports`.
Result<RunData> read_run_data(const train::RunSettings& settings, RunObjects objects,
                              ShardPorts ports);

}  // namespace mutirao::node
