#include "model/export_parts.hpp"

namespace mutirao::model {

namespace {

bool prints(unsigned byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

}  // namespace

Result<ExportedGpt> exported_gpt(const Checkpoint& checkpoint) {
    const auto* config = checkpoint.config.gpt();
    if (!config)
        return Error{ErrorKind::unimplemented,
                     "only texts' models have this format; a model of kind " +
                         std::string(checkpoint.config.kind_name()) +
                         " is exported as safetensors"};
    if (checkpoint.adapter)
        return Error{ErrorKind::invalid_argument,
                     "this is an adapter: merge it into its base first (mutirao model merge)"};
    ExportedGpt out{*config, std::nullopt};
    if (config->vocabulary == kVocabulary) return out;
    TRY(out.tokenizer, Tokenizer::from_file(checkpoint.preparation));
    if (out.tokenizer->vocabulary() != config->vocabulary)
        return Error{ErrorKind::invalid_argument, "the tokenizer is not of the model's vocabulary"};
    return out;
}

std::string byte_level_text(std::uint8_t byte) {
    unsigned sign = byte;
    if (!prints(byte)) {
        sign = 0x100;
        for (unsigned before = 0; before < byte; ++before) sign += !prints(before);
    }
    if (sign < 0x80) return {static_cast<char>(sign)};
    return {static_cast<char>(0xC0 | sign >> 6), static_cast<char>(0x80 | (sign & 0x3F))};
}

}  // namespace mutirao::model
