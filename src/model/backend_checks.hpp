// What every backend asks of the sizes and values that it is given.
#pragma once

#include "model/backend.hpp"

namespace mutirao::model {

// invalid_argument with both numbers.
Error wrong_size(std::string_view what, std::uint64_t got, std::uint64_t wanted);

// invalid_argument unless the batch has 1 to kBatchRowsMax rows of config's examples, each of whose
// tokens, classes and features is one that the model knows.
Status check_batch(const ModelConfig& config, const Batch& batch);

// A valid shape, and as many parameters as it has.
Status check_parameters(const ModelConfig& config, std::size_t parameters);

// The tokens of `bytes`, one or two bytes each.
std::vector<Token> tokens_of(const GptConfig& config, ByteSpan bytes);

// The last `context` of them, or one line feed when there are none. invalid_argument when one is
// not in the vocabulary.
Result<std::vector<Token>> window_of(const GptConfig& config, std::span<const Token> tokens);

// A class or target, and features, of an example of a table.
float float_at(ByteSpan bytes, std::size_t index);

}  // namespace mutirao::model
