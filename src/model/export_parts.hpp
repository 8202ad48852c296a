// What both exports need. Internal to them.
#pragma once

#include <optional>

#include "model/checkpoint.hpp"
#include "model/tokenizer.hpp"

namespace mutirao::model {

inline constexpr double kNormEpsilon = 1e-5;
inline constexpr double kRotaryBase = 10000;

// The checkpoint's GPT and, where tokens are no bytes, its tokenizer.
struct ExportedGpt {
    const GptConfig& config;
    std::optional<Tokenizer> tokenizer;
};
Result<ExportedGpt> exported_gpt(const Checkpoint& checkpoint);

// How byte-level BPE writes a byte: itself where it prints, else U+0100 and up, in order (GPT-2's
// bytes_to_unicode). In UTF-8.
std::string byte_level_text(std::uint8_t byte);

}  // namespace mutirao::model
