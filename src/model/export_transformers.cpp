#include <algorithm>
#include <boost/json.hpp>

#include "model/export_parts.hpp"
#include "model/exports.hpp"

namespace mutirao::model {

namespace {

namespace json = boost::json;

ExportedFile text_file(std::string name, const json::value& value) {
    return {std::move(name), to_bytes(as_bytes(json::serialize(value)))};
}

json::object config_json(const GptConfig& config) {
    return {{"architectures", {"LlamaForCausalLM"}},
            {"model_type", "llama"},
            {"vocab_size", config.vocabulary},
            {"hidden_size", config.width},
            {"intermediate_size", config.feed_forward_width()},
            {"num_hidden_layers", config.layers},
            {"num_attention_heads", config.heads},
            {"num_key_value_heads", config.heads},
            {"head_dim", config.width / config.heads},
            {"max_position_embeddings", config.context},
            {"hidden_act", "silu"},
            {"rms_norm_eps", kNormEpsilon},
            {"rope_theta", kRotaryBase},
            {"rope_parameters", {{"rope_type", "default"}, {"rope_theta", kRotaryBase}}},
            {"attention_bias", false},
            {"mlp_bias", false},
            {"tie_word_embeddings", false},
            {"bos_token_id", nullptr},
            {"eos_token_id", nullptr},
            {"pad_token_id", nullptr},
            {"torch_dtype", "float32"},
            {"dtype", "float32"}};
}

json::object bpe(json::object vocabulary, json::array merges) {
    return {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", std::move(vocabulary)},
            {"merges", std::move(merges)}};
}

json::object tokenizer_json(json::value normalizer, json::value pre_tokenizer, json::value decoder,
                            json::object model) {
    return {{"version", "1.0"},
            {"truncation", nullptr},
            {"padding", nullptr},
            {"added_tokens", json::array{}},
            {"normalizer", std::move(normalizer)},
            {"pre_tokenizer", std::move(pre_tokenizer)},
            {"post_processor", nullptr},
            {"decoder", std::move(decoder)},
            {"model", std::move(model)}};
}

json::object of_bytes() {
    json::object vocabulary;
    for (unsigned byte = 0; byte < kVocabulary; ++byte)
        vocabulary[byte_level_text(static_cast<std::uint8_t>(byte))] = byte;
    const json::object byte_level{{"type", "ByteLevel"},
                                  {"add_prefix_space", false},
                                  {"trim_offsets", false},
                                  {"use_regex", false}};
    return tokenizer_json(nullptr, byte_level, byte_level, bpe(std::move(vocabulary), {}));
}

// The library merges by listed pairs: every pair of pieces that makes a piece, the highest score
// first.
json::array merges_of(const Tokenizer& tokenizer) {
    using Piece = Tokenizer::Piece;
    std::map<std::string, Token, std::less<>> ids;
    std::vector<const Piece*> ranked;
    for (std::size_t id = 0; id < tokenizer.pieces().size(); ++id) {
        const auto& piece = tokenizer.pieces()[id];
        if (piece.kind != Piece::Kind::normal) continue;
        ids.emplace(piece.text, static_cast<Token>(id));
        ranked.push_back(&piece);
    }
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const Piece* a, const Piece* b) { return a->score > b->score; });
    json::array merges;
    for (const auto* piece : ranked)
        for (std::size_t cut = 1; cut < piece->text.size(); ++cut) {
            const auto left = piece->text.substr(0, cut), right = piece->text.substr(cut);
            if (ids.contains(left) && ids.contains(right))
                merges.push_back(json::array{left, right});
        }
    return merges;
}

json::object of_pieces(const Tokenizer& tokenizer) {
    json::object vocabulary;
    for (std::size_t id = 0; id < tokenizer.pieces().size(); ++id)
        vocabulary[tokenizer.pieces()[id].text] = id;
    auto model = bpe(std::move(vocabulary), merges_of(tokenizer));
    model["byte_fallback"] = true;
    const auto replace = [](const char* from, const char* to) {
        return json::object{{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
    };
    constexpr const char* kSpace = "\xE2\x96\x81";
    return tokenizer_json(
        replace(" ", kSpace), nullptr,
        json::object{
            {"type", "Sequence"},
            {"decoders", {replace(kSpace, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}}}},
        std::move(model));
}

}  // namespace

Result<std::vector<ExportedFile>> export_transformers(const Checkpoint& checkpoint) {
    TRY(const auto gpt, exported_gpt(checkpoint));
    std::vector<ExportedFile> files;
    files.push_back(text_file("config.json", config_json(gpt.config)));
    files.push_back({"model.safetensors", encode_tensors(checkpoint.layout(), checkpoint.parameters,
                                                         {{"format", "pt"}})});
    files.push_back(
        text_file("tokenizer.json", gpt.tokenizer ? of_pieces(*gpt.tokenizer) : of_bytes()));
    files.push_back(text_file("tokenizer_config.json",
                              json::object{{"tokenizer_class", "PreTrainedTokenizerFast"},
                                           {"clean_up_tokenization_spaces", false},
                                           {"model_max_length", gpt.config.context}}));
    if (gpt.tokenizer) files.push_back({"tokenizer.model", gpt.tokenizer->file()});
    return files;
}

}  // namespace mutirao::model
