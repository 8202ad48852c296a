#include <bit>
#include <cstring>

#include "model/export_parts.hpp"
#include "model/exports.hpp"

namespace mutirao::model {

namespace {

constexpr std::uint32_t kVersion = 3;
constexpr std::size_t kAlignment = 32;
constexpr std::uint32_t kFloat32Tensor = 0;
enum class Type : std::uint32_t { u32 = 4, i32 = 5, f32 = 6, boolean = 7, text = 8, array = 9 };

void put_text(Writer& out, std::string_view text) {
    out.u(std::uint64_t{text.size()}).raw(as_bytes(text));
}
void put_float(Writer& out, float value) { out.u(std::bit_cast<std::uint32_t>(value)); }

// Keys and values, counted.
class Metadata {
  public:
    void text(std::string_view key, std::string_view value) {
        put_text(begin(key, Type::text), value);
    }
    void number(std::string_view key, std::uint32_t value) { begin(key, Type::u32).u(value); }
    void real(std::string_view key, double value) {
        put_float(begin(key, Type::f32), static_cast<float>(value));
    }
    void flag(std::string_view key, bool value) {
        begin(key, Type::boolean).u(std::uint8_t{value});
    }
    Writer& array(std::string_view key, Type of, std::size_t count) {
        return begin(key, Type::array).u(static_cast<std::uint32_t>(of)).u(std::uint64_t{count});
    }

    std::uint64_t count() const { return count_; }
    const Bytes& bytes() const { return out_.bytes(); }

  private:
    Writer& begin(std::string_view key, Type type) {
        ++count_;
        put_text(out_, key);
        return out_.u(static_cast<std::uint32_t>(type));
    }
    Writer out_;
    std::uint64_t count_ = 0;
};

void add_shape(Metadata& out, const GptConfig& config, const std::string& name) {
    out.text("general.architecture", "llama");
    out.text("general.name", name);
    out.number("general.file_type", 0);  // all float32
    out.number("general.alignment", kAlignment);
    out.number("llama.vocab_size", config.vocabulary);
    out.number("llama.context_length", config.context);
    out.number("llama.embedding_length", config.width);
    out.number("llama.block_count", config.layers);
    out.number("llama.feed_forward_length", config.feed_forward_width());
    out.number("llama.attention.head_count", config.heads);
    out.number("llama.attention.head_count_kv", config.heads);
    out.number("llama.rope.dimension_count", config.width / config.heads);
    out.real("llama.rope.freq_base", kRotaryBase);
    out.real("llama.attention.layer_norm_rms_epsilon", kNormEpsilon);
}

void add_bytes(Metadata& out) {
    out.text("tokenizer.ggml.model", "gpt2");
    out.text("tokenizer.ggml.pre", "gpt-2");
    auto& tokens = out.array("tokenizer.ggml.tokens", Type::text, kVocabulary);
    for (unsigned byte = 0; byte < kVocabulary; ++byte)
        put_text(tokens, byte_level_text(static_cast<std::uint8_t>(byte)));
    auto& kinds = out.array("tokenizer.ggml.token_type", Type::i32, kVocabulary);
    for (unsigned byte = 0; byte < kVocabulary; ++byte)
        kinds.u(static_cast<std::uint32_t>(Tokenizer::Piece::Kind::normal));
    out.array("tokenizer.ggml.merges", Type::text, 0);
}

void add_pieces(Metadata& out, const Tokenizer& tokenizer) {
    const auto& pieces = tokenizer.pieces();
    out.text("tokenizer.ggml.model", "llama");
    out.text("tokenizer.ggml.pre", "default");
    auto& tokens = out.array("tokenizer.ggml.tokens", Type::text, pieces.size());
    for (const auto& piece : pieces) put_text(tokens, piece.text);
    auto& scores = out.array("tokenizer.ggml.scores", Type::f32, pieces.size());
    for (const auto& piece : pieces) put_float(scores, piece.score);
    auto& kinds = out.array("tokenizer.ggml.token_type", Type::i32, pieces.size());
    for (const auto& piece : pieces) kinds.u(static_cast<std::uint32_t>(piece.kind));
    out.number("tokenizer.ggml.unknown_token_id", 0);
    out.flag("tokenizer.ggml.add_space_prefix", false);
}

// "model.layers.3.mlp.up_proj.weight" -> "blk.3.ffn_up.weight"
std::string gguf_name(const std::string& name) {
    constexpr std::pair<std::string_view, std::string_view> kWhole[] = {
        {"model.embed_tokens.weight", "token_embd.weight"},
        {"model.norm.weight", "output_norm.weight"},
        {"lm_head.weight", "output.weight"}};
    for (const auto& [theirs, ours] : kWhole)
        if (name == theirs) return std::string(ours);
    constexpr std::pair<std::string_view, std::string_view> kParts[] = {
        {"input_layernorm.", "attn_norm."},    {"self_attn.q_proj.", "attn_q."},
        {"self_attn.k_proj.", "attn_k."},      {"self_attn.v_proj.", "attn_v."},
        {"self_attn.o_proj.", "attn_output."}, {"post_attention_layernorm.", "ffn_norm."},
        {"mlp.gate_proj.", "ffn_gate."},       {"mlp.up_proj.", "ffn_up."},
        {"mlp.down_proj.", "ffn_down."}};
    constexpr std::string_view kLayers = "model.layers.";
    const auto dot = name.find('.', kLayers.size());
    const auto part = name.substr(dot + 1);
    for (const auto& [theirs, ours] : kParts)
        if (part.starts_with(theirs))
            return "blk." + name.substr(kLayers.size(), dot - kLayers.size()) + "." +
                   std::string(ours) + "weight";
    ENSURE(false, "a tensor without a name in GGUF");
    return {};
}

// llama.cpp turns neighbouring rows of queries and keys by one angle, we (and Hugging Face) the
// rows i and i + half: rows change places within each head.
std::vector<float> interleaved(const GptConfig& config, std::span<const float> rows) {
    const std::size_t width = config.width, head = width / config.heads, half = head / 2;
    std::vector<float> out(rows.size());
    for (std::size_t row = 0; row < width; ++row) {
        const std::size_t within = row % head;
        const std::size_t to = row - within + 2 * (within % half) + within / half;
        std::memcpy(out.data() + to * width, rows.data() + row * width, width * sizeof(float));
    }
    return out;
}

std::size_t aligned(std::size_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

Result<Bytes> export_gguf(const Checkpoint& checkpoint, const std::string& name) {
    TRY(const auto gpt, exported_gpt(checkpoint));
    Metadata metadata;
    add_shape(metadata, gpt.config, name);
    gpt.tokenizer ? add_pieces(metadata, *gpt.tokenizer) : add_bytes(metadata);
    // Left out, tokens that texts have would begin and end them: byte 0 and <unk> no text has.
    metadata.number("tokenizer.ggml.bos_token_id", 0);
    metadata.number("tokenizer.ggml.eos_token_id", 0);

    const auto layout = checkpoint.layout();
    Writer out;
    out.raw(as_bytes("GGUF")).u(kVersion).u(std::uint64_t{layout.size()}).u(metadata.count());
    out.raw(metadata.bytes());
    std::size_t offset = 0;
    for (const auto& parameter : layout) {
        put_text(out, gguf_name(parameter.name));
        out.u(static_cast<std::uint32_t>(parameter.shape.size()));
        // The innermost extent first.
        for (std::size_t i = parameter.shape.size(); i-- > 0;)
            out.u(std::uint64_t{parameter.shape[i]});
        out.u(kFloat32Tensor).u(std::uint64_t{offset});
        offset += aligned(parameter.size * sizeof(float));
    }
    Bytes file = std::move(out).take();
    file.resize(aligned(file.size()));
    file.reserve(file.size() + offset);
    for (const auto& parameter : layout) {
        const std::span<const float> values(checkpoint.parameters.data() + parameter.offset,
                                            parameter.size);
        const bool turned =
            parameter.name.ends_with("q_proj.weight") || parameter.name.ends_with("k_proj.weight");
        const auto moved = turned ? interleaved(gpt.config, values) : std::vector<float>();
        const auto* begin =
            reinterpret_cast<const std::uint8_t*>(turned ? moved.data() : values.data());
        file.insert(file.end(), begin, begin + parameter.size * sizeof(float));
        file.resize(aligned(file.size()));
    }
    return file;
}

}  // namespace mutirao::model
