#include "model/checkpoint.hpp"

#include <algorithm>
#include <bit>
#include <boost/json.hpp>
#include <charconv>
#include <cstring>

namespace mutirao::model {

static_assert(std::endian::native == std::endian::little, "tensors are copied as they lie");

namespace {

namespace json = boost::json;

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kAlignment = 8;
constexpr const char* kMetadata = "__metadata__";
constexpr const char* kPreparation = "preparation";
constexpr const char* kFormat = "mutirao-model-2";

using Metadata = std::vector<std::pair<std::string, std::string>>;

Error broken(std::string reason) {
    return {ErrorKind::corrupt, "not a checkpoint of ours: " + std::move(reason)};
}

Error refused(std::string reason) { return {ErrorKind::invalid_argument, std::move(reason)}; }

std::size_t count_of(std::span<const Parameter> layout) {
    return layout.empty() ? 0 : layout.back().offset + layout.back().size;
}

json::array to_array(const auto& numbers) {
    json::array array;
    for (const auto number : numbers) array.emplace_back(std::uint64_t{number});
    return array;
}

json::object tensor(const char* type, const auto& shape, std::uint64_t begin, std::uint64_t end) {
    return {{"dtype", type},
            {"shape", to_array(shape)},
            {"data_offsets", to_array(std::array<std::uint64_t, 2>{begin, end})}};
}

// The file up to its tensors' bytes: `layout` in float32, and `last_size` bytes when there are any.
Bytes encode_header(std::span<const Parameter> layout, const Metadata& metadata,
                    std::size_t last_size) {
    json::object header;
    json::object texts;
    for (const auto& [key, value] : metadata) texts[key] = value;
    header[kMetadata] = std::move(texts);
    for (const auto& parameter : layout)
        header[parameter.name] = tensor("F32", parameter.shape, parameter.offset * sizeof(float),
                                        (parameter.offset + parameter.size) * sizeof(float));
    const std::size_t floats = count_of(layout) * sizeof(float);
    if (last_size > 0)
        header[kPreparation] =
            tensor("U8", std::array{std::uint64_t{last_size}}, floats, floats + last_size);
    std::string text = json::serialize(header);
    text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
    return std::move(Writer().u(std::uint64_t{text.size()}).raw(as_bytes(text))).take();
}

// `file` with the tensors' bytes behind it, and `last`.
Bytes with_tensors(Bytes file, std::span<const float> values, ByteSpan last) {
    const std::size_t begin = file.size(), floats = values.size() * sizeof(float);
    file.resize(begin + floats + last.size());
    std::memcpy(file.data() + begin, values.data(), floats);
    std::copy(last.begin(), last.end(), file.begin() + static_cast<std::ptrdiff_t>(begin + floats));
    return file;
}

Metadata metadata_of(const Checkpoint& checkpoint) {
    // Values of safetensors metadata are strings.
    Metadata out{{"format", kFormat}, {"kind", std::string(checkpoint.config.kind_name())}};
    for (const auto& [name, value] : checkpoint.config.fields())
        out.emplace_back(name, std::to_string(value));
    out.emplace_back("round", std::to_string(checkpoint.round));
    out.emplace_back("tokens", std::to_string(checkpoint.tokens));
    if (const auto& adapter = checkpoint.adapter) {
        out.emplace_back("lora_rank", std::to_string(adapter->lora.rank));
        out.emplace_back("lora_alpha", std::to_string(adapter->lora.alpha));
        out.emplace_back("lora_base", adapter->base.hex());
    }
    return out;
}

Result<std::string_view> metadata_text(const json::object& metadata, std::string_view key) {
    const auto* value = metadata.if_contains(key);
    const auto* text = value ? value->if_string() : nullptr;
    if (!text) return broken("its metadata has no text \"" + std::string(key) + "\"");
    return std::string_view(*text);
}

template <class T>
Result<T> metadata_number(const json::object& metadata, std::string_view key) {
    TRY(const auto text, metadata_text(metadata, key));
    T number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed == std::errc{} && end == text.data() + text.size()) return number;
    return broken("its metadata has no whole number \"" + std::string(key) + "\"");
}

Result<Checkpoint::Adapter> read_adapter(const json::object& metadata) {
    Checkpoint::Adapter adapter;
    TRY(adapter.lora.rank, metadata_number<std::uint32_t>(metadata, "lora_rank"));
    TRY(adapter.lora.alpha, metadata_number<std::uint32_t>(metadata, "lora_alpha"));
    TRY(const auto base, metadata_text(metadata, "lora_base"));
    auto digest = Digest::from_hex(base);
    if (!digest.ok()) return broken("its lora_base is no digest");
    adapter.base = *digest;
    return adapter;
}

Status check_shape(const Checkpoint& checkpoint) {
    TRY_VOID(checkpoint.config.validate());
    if (!checkpoint.adapter) return {};
    if (!checkpoint.config.gpt()) return refused("only a GPT has adapters");
    return checkpoint.adapter->lora.validate();
}

// Everything but the tensors.
Result<Checkpoint> read_metadata(const json::object& header) {
    const auto* value = header.if_contains(kMetadata);
    const auto* metadata = value ? value->if_object() : nullptr;
    if (!metadata) return broken("it has no metadata");
    TRY(const auto format, metadata_text(*metadata, "format"));
    if (format != kFormat) return broken("its format is not " + std::string(kFormat));
    TRY(const auto kind, metadata_text(*metadata, "kind"));
    Checkpoint checkpoint;
    auto config = ModelConfig::of_kind(kind);
    if (!config.ok()) return broken(config.error().message);
    checkpoint.config = *config;
    for (const auto& [name, unused] : config->fields()) {
        TRY(const auto number, metadata_number<std::uint32_t>(*metadata, name));
        TRY_VOID(checkpoint.config.set(name, number));
    }
    TRY(checkpoint.round, metadata_number<std::uint32_t>(*metadata, "round"));
    TRY(checkpoint.tokens, metadata_number<std::uint64_t>(*metadata, "tokens"));
    if (metadata->contains("lora_rank")) {
        TRY(checkpoint.adapter, read_adapter(*metadata));
    }
    if (auto valid = check_shape(checkpoint); !valid.ok()) return broken(valid.error().message);
    return checkpoint;
}

bool holds(const json::value* value, const std::vector<std::uint32_t>& numbers) {
    const auto* array = value ? value->if_array() : nullptr;
    if (!array || array->size() != numbers.size()) return false;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto* entry = array->at(i).if_int64();
        if (!entry || *entry != numbers[i]) return false;
    }
    return true;
}

struct Wanted {
    std::string name;
    const char* type;
    std::vector<std::uint32_t> shape;
    std::size_t size;  // bytes
};

// Where the tensor's bytes begin in `data`, once type, shape and size are what is wanted.
Result<std::size_t> tensor_begin(const json::object& header, const Wanted& wanted,
                                 std::size_t data_size) {
    const auto* value = header.if_contains(wanted.name);
    const auto* tensor = value ? value->if_object() : nullptr;
    if (!tensor) return broken("tensor " + wanted.name + " is missing");
    const auto* type = tensor->if_contains("dtype");
    if (!type || !type->is_string() || type->get_string() != wanted.type)
        return broken("tensor " + wanted.name + " is not of type " + wanted.type);
    if (!holds(tensor->if_contains("shape"), wanted.shape))
        return broken("tensor " + wanted.name + " has another shape");
    const auto* offsets = tensor->if_contains("data_offsets");
    const auto* pair = offsets ? offsets->if_array() : nullptr;
    if (!pair || pair->size() != 2 || !pair->at(0).is_int64() || !pair->at(1).is_int64())
        return broken("tensor " + wanted.name + " has no data_offsets");
    const auto begin = pair->at(0).get_int64(), end = pair->at(1).get_int64();
    const auto size = static_cast<std::int64_t>(wanted.size);
    if (begin < 0 || end < begin || end - begin != size ||
        end > static_cast<std::int64_t>(data_size))
        return broken("tensor " + wanted.name + " lies outside of the file");
    return static_cast<std::size_t>(begin);
}

Result<json::object> parse_header(ByteSpan text) {
    boost::system::error_code failed;
    auto value = json::parse(as_text(text), failed);
    if (failed) return broken("its header is no JSON: " + failed.message());
    if (!value.is_object()) return broken("its header is no JSON object");
    return std::move(value.get_object());
}

// What the file must hold, once its size agrees.
Result<std::vector<Wanted>> wanted_tensors(const json::object& header,
                                           std::span<const Parameter> layout,
                                           std::size_t data_size) {
    const std::size_t floats = count_of(layout) * sizeof(float);
    const bool prepared = header.contains(kPreparation);
    if (prepared ? data_size <= floats || data_size - floats > kPreparationMax
                 : data_size != floats)
        return broken("its data are " + std::to_string(data_size) + " bytes; its parameters take " +
                      std::to_string(floats));
    if (header.size() != layout.size() + 1 + prepared)
        return broken("it has tensors of another model");
    std::vector<Wanted> wanted;
    for (const auto& parameter : layout)
        wanted.push_back({parameter.name, "F32", parameter.shape, parameter.size * sizeof(float)});
    if (prepared)
        wanted.push_back({kPreparation,
                          "U8",
                          {static_cast<std::uint32_t>(data_size - floats)},
                          data_size - floats});
    return wanted;
}

}  // namespace

std::vector<Parameter> Checkpoint::layout() const {
    return adapter ? lora_layout(*config.gpt(), adapter->lora) : parameter_layout(config);
}

Result<Bytes> encode_checkpoint(const Checkpoint& checkpoint) {
    TRY_VOID(check_shape(checkpoint));
    const auto count = count_of(checkpoint.layout());
    if (checkpoint.parameters.size() != count)
        return refused("a checkpoint of " + std::to_string(checkpoint.parameters.size()) +
                       " parameters for a model of " + std::to_string(count));
    return encode_checkpoint_piece(checkpoint, 0, checkpoint.parameters);
}

Result<Bytes> encode_checkpoint_piece(const Checkpoint& head, std::size_t offset,
                                      std::span<const float> values) {
    TRY_VOID(check_shape(head));
    const auto layout = head.layout();
    const auto count = count_of(layout);
    if (offset > count || values.size() > count - offset)
        return refused("parameters that the model has not");
    if (head.preparation.size() > kPreparationMax)
        return refused("a tokenizer or schema of more than 16 MiB");
    const bool is_last = offset + values.size() == count;
    return with_tensors(
        offset == 0 ? encode_header(layout, metadata_of(head), head.preparation.size()) : Bytes{},
        values, is_last ? ByteSpan(head.preparation) : ByteSpan());
}

Result<Checkpoint> decode_checkpoint(ByteSpan file) {
    Reader reader(file);
    TRY(const auto header_size, reader.u<std::uint64_t>());
    if (header_size > kCheckpointHeaderMax || header_size > reader.remaining())
        return broken("its header would be " + std::to_string(header_size) + " bytes");
    TRY(const auto header_text, reader.raw(header_size));
    TRY(const auto header, parse_header(header_text));
    TRY(const auto data, reader.raw(reader.remaining()));

    TRY(auto checkpoint, read_metadata(header));
    const auto layout = checkpoint.layout();
    TRY(const auto wanted, wanted_tensors(header, layout, data.size()));
    std::vector<std::pair<std::size_t, std::size_t>> extents;
    checkpoint.parameters.resize(count_of(layout));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        TRY(const auto begin, tensor_begin(header, wanted[i], data.size()));
        extents.emplace_back(begin, begin + wanted[i].size);
        const auto bytes = data.subspan(begin, wanted[i].size);
        if (i < layout.size())
            std::memcpy(checkpoint.parameters.data() + layout[i].offset, bytes.data(),
                        bytes.size());
        else
            checkpoint.preparation = to_bytes(bytes);
    }
    // Sizes add up to the whole, so distinct starts without overlap mean no gap either.
    std::sort(extents.begin(), extents.end());
    for (std::size_t i = 1; i < extents.size(); ++i)
        if (extents[i].first != extents[i - 1].second) return broken("its tensors overlap");
    return checkpoint;
}

Result<Checkpoint> merge_checkpoints(const Checkpoint& base, const Checkpoint& adapter) {
    if (base.adapter) return refused("the base is itself an adapter: merge it into its base first");
    if (!adapter.adapter) return refused("the second checkpoint is no adapter");
    if (base.config != adapter.config)
        return refused("base and adapter are of models of different shapes");
    Checkpoint merged = base;
    merged.parameters = merge_adapters(*base.config.gpt(), adapter.adapter->lora, base.parameters,
                                       adapter.parameters);
    merged.round += adapter.round;
    merged.tokens += adapter.tokens;
    return merged;
}

Bytes encode_tensors(std::span<const Parameter> layout, std::span<const float> values,
                     const Metadata& metadata) {
    ENSURE(values.size() == count_of(layout));
    return with_tensors(encode_header(layout, metadata, 0), values, {});
}

}  // namespace mutirao::model
