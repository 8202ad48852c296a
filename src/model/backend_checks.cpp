#include "model/backend_checks.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace mutirao::model {

namespace {

Error refused(std::string reason) { return {ErrorKind::invalid_argument, std::move(reason)}; }

Error unknown_token(Token token, const GptConfig& config) {
    return refused("token " + std::to_string(token) + " is not in a vocabulary of " +
                   std::to_string(config.vocabulary));
}

Status check_values(const GptConfig& config, ByteSpan batch) {
    if (config.vocabulary == kVocabulary) return {};  // every byte is a token
    for (const Token token : tokens_of(config, batch))
        if (token >= config.vocabulary) return unknown_token(token, config);
    return {};
}

Status check_values(const ImageConfig& config, ByteSpan batch) {
    const std::size_t size = config.example().size();
    for (std::size_t at = size - 1; at < batch.size(); at += size)
        if (batch[at] >= config.classes)
            return refused("a picture is of class " + std::to_string(batch[at]) + " of " +
                           std::to_string(config.classes));
    return {};
}

Status check_values(const TabularConfig& config, ByteSpan batch) {
    const std::size_t columns = config.features + 1;
    for (std::size_t i = 0; i < batch.size() / sizeof(float); ++i) {
        const float value = float_at(batch, i);
        if (!std::isfinite(value)) return refused("a row of the table holds a number not finite");
        const bool is_class = config.outputs > 1 && i % columns == config.features;
        if (is_class && !(value >= 0 && value < static_cast<float>(config.outputs) &&
                          value == std::floor(value)))
            return refused("a row of the table is of a class that is not 0 to " +
                           std::to_string(config.outputs - 1));
    }
    return {};
}

}  // namespace

Error wrong_size(std::string_view what, std::uint64_t got, std::uint64_t wanted) {
    return refused(std::string(what) + " has " + std::to_string(got) + " values, not " +
                   std::to_string(wanted));
}

Status check_batch(const ModelConfig& config, const Batch& batch) {
    if (batch.rows == 0 || batch.rows > kBatchRowsMax)
        return refused("a batch of " + std::to_string(batch.rows) + " rows, not 1 to " +
                       std::to_string(kBatchRowsMax));
    const std::uint64_t wanted = std::uint64_t{batch.rows} * config.example_size();
    if (batch.tokens.size() != wanted) return wrong_size("the batch", batch.tokens.size(), wanted);
    return std::visit([&](const auto& kind) { return check_values(kind, batch.tokens); },
                      config.kind());
}

Status check_parameters(const ModelConfig& config, std::size_t parameters) {
    TRY_VOID(config.validate());
    if (parameters != config.parameter_count())
        return wrong_size("the list of parameters", parameters, config.parameter_count());
    return {};
}

std::vector<Token> tokens_of(const GptConfig& config, ByteSpan bytes) {
    if (config.example().item_size == 1) return {bytes.begin(), bytes.end()};
    std::vector<Token> tokens(bytes.size() / 2);
    for (std::size_t i = 0; i < tokens.size(); ++i)
        tokens[i] = static_cast<Token>(bytes[2 * i] | bytes[2 * i + 1] << 8);
    return tokens;
}

Result<std::vector<Token>> window_of(const GptConfig& config, std::span<const Token> tokens) {
    static constexpr Token kLineFeed[] = {'\n'};
    if (tokens.empty()) tokens = kLineFeed;
    tokens = tokens.last(std::min<std::size_t>(tokens.size(), config.context));
    for (const Token token : tokens)
        if (token >= config.vocabulary) return unknown_token(token, config);
    return std::vector<Token>(tokens.begin(), tokens.end());
}

float float_at(ByteSpan bytes, std::size_t index) {
    float value;
    std::memcpy(&value, bytes.data() + index * sizeof(float), sizeof(float));
    return value;
}

}  // namespace mutirao::model
