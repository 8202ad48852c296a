// Texts of a run that are larger than a trainer's memory and learnt in pieces of a vocabulary:
// these are learnt from a sample, and examples are encoded when they are read.
#pragma once

#include "model/config.hpp"
#include "node/run_objects.hpp"
#include "train/sampler.hpp"

namespace mutirao::node {

inline constexpr std::uint64_t kTextSample = 32 << 20;  // bytes of all owners together, about

struct RunTexts {
    Bytes preparation;  // the tokenizer's file
    train::Windows windows;
};

// `preparation` is that of the checkpoint that training goes on from; empty: it is learnt. Equal
// for equal texts in the same order and the same seed. Errors are those of dataset::prepare().
// Cost: reads the sample, 7 s of learning; with a preparation a megabyte.
Result<RunTexts> read_texts(const model::GptConfig& config, const RunObjects& owners,
                            std::uint64_t seed, ByteSpan preparation, const ShardPorts& ports);

}  // namespace mutirao::node
