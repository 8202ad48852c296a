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

Error broken(std::string reason) {
    return {ErrorKind::corrupt, "not a checkpoint of ours: " + std::move(reason)};
}

json::array to_array(const auto& numbers) {
    json::array array;
    for (const auto number : numbers) array.emplace_back(std::uint64_t{number});
    return array;
}

std::string make_header(const Checkpoint& checkpoint) {
    const auto& config = checkpoint.config;
    json::object header;
    // Values of safetensors metadata are strings.
    header[kMetadata] = {{"format", "mutirao-gpt-1"},
                         {"layers", std::to_string(config.layers)},
                         {"width", std::to_string(config.width)},
                         {"heads", std::to_string(config.heads)},
                         {"context", std::to_string(config.context)},
                         {"round", std::to_string(checkpoint.round)},
                         {"tokens", std::to_string(checkpoint.tokens)}};
    for (const auto& parameter : parameter_layout(config)) {
        const std::array<std::uint64_t, 2> offsets{
            parameter.offset * sizeof(float), (parameter.offset + parameter.size) * sizeof(float)};
        header[parameter.name] = {{"dtype", "F32"},
                                  {"shape", to_array(parameter.shape)},
                                  {"data_offsets", to_array(offsets)}};
    }
    std::string text = json::serialize(header);
    text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
    return text;
}

template <class T>
Result<T> metadata_number(const json::object& metadata, const char* key) {
    const auto* value = metadata.if_contains(key);
    const auto* text = value ? value->if_string() : nullptr;
    T number = 0;
    if (text) {
        const auto [end, failed] =
            std::from_chars(text->data(), text->data() + text->size(), number);
        if (failed == std::errc{} && end == text->data() + text->size()) return number;
    }
    return broken(std::string("its metadata has no whole number \"") + key + "\"");
}

// Everything but the tensors.
Result<Checkpoint> read_metadata(const json::object& header) {
    const auto* value = header.if_contains(kMetadata);
    const auto* metadata = value ? value->if_object() : nullptr;
    if (!metadata) return broken("it has no metadata");
    Checkpoint checkpoint;
    auto& config = checkpoint.config;
    TRY(config.layers, metadata_number<std::uint32_t>(*metadata, "layers"));
    TRY(config.width, metadata_number<std::uint32_t>(*metadata, "width"));
    TRY(config.heads, metadata_number<std::uint32_t>(*metadata, "heads"));
    TRY(config.context, metadata_number<std::uint32_t>(*metadata, "context"));
    TRY(checkpoint.round, metadata_number<std::uint32_t>(*metadata, "round"));
    TRY(checkpoint.tokens, metadata_number<std::uint64_t>(*metadata, "tokens"));
    if (auto valid = config.validate(); !valid.ok()) return broken(valid.error().message);
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

// Where the tensor's bytes begin in `data`, once type, shape and size are what the layout wants.
Result<std::size_t> tensor_begin(const json::object& header, const Parameter& wanted,
                                 std::size_t data_size) {
    const auto* value = header.if_contains(wanted.name);
    const auto* tensor = value ? value->if_object() : nullptr;
    if (!tensor) return broken("tensor " + wanted.name + " is missing");
    const auto* type = tensor->if_contains("dtype");
    if (!type || !type->is_string() || type->get_string() != "F32")
        return broken("tensor " + wanted.name + " is not of type F32");
    if (!holds(tensor->if_contains("shape"), wanted.shape))
        return broken("tensor " + wanted.name + " has another shape");
    const auto* offsets = tensor->if_contains("data_offsets");
    const auto* pair = offsets ? offsets->if_array() : nullptr;
    if (!pair || pair->size() != 2 || !pair->at(0).is_int64() || !pair->at(1).is_int64())
        return broken("tensor " + wanted.name + " has no data_offsets");
    const auto begin = pair->at(0).get_int64(), end = pair->at(1).get_int64();
    const auto size = static_cast<std::int64_t>(wanted.size * sizeof(float));
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

}  // namespace

Result<Bytes> encode_checkpoint(const Checkpoint& checkpoint) {
    TRY_VOID(checkpoint.config.validate());
    const auto count = checkpoint.config.parameter_count();
    if (checkpoint.parameters.size() != count)
        return Error{ErrorKind::invalid_argument,
                     "a checkpoint of " + std::to_string(checkpoint.parameters.size()) +
                         " parameters for a model of " + std::to_string(count)};
    const std::string header = make_header(checkpoint);
    const std::size_t data_begin = kLengthBytes + header.size();
    Bytes file = std::move(Writer().u(std::uint64_t{header.size()}).raw(as_bytes(header))).take();
    file.resize(data_begin + count * sizeof(float));
    std::memcpy(file.data() + data_begin, checkpoint.parameters.data(), count * sizeof(float));
    return file;
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
    const auto layout = parameter_layout(checkpoint.config);
    const auto count = checkpoint.config.parameter_count();
    if (data.size() != count * sizeof(float))
        return broken("its data are " + std::to_string(data.size()) + " bytes, not " +
                      std::to_string(count * sizeof(float)));
    if (header.size() != layout.size() + 1) return broken("it has tensors of another model");

    checkpoint.parameters.resize(count);
    std::vector<std::size_t> begins;
    for (const auto& parameter : layout) {
        TRY(const auto begin, tensor_begin(header, parameter, data.size()));
        std::memcpy(checkpoint.parameters.data() + parameter.offset, data.data() + begin,
                    parameter.size * sizeof(float));
        begins.push_back(begin);
    }
    // Sizes add up to the whole, so distinct starts without overlap mean no gap either.
    std::vector<std::pair<std::size_t, std::size_t>> extents;
    for (std::size_t i = 0; i < layout.size(); ++i)
        extents.emplace_back(begins[i], begins[i] + layout[i].size * sizeof(float));
    std::sort(extents.begin(), extents.end());
    for (std::size_t i = 1; i < extents.size(); ++i)
        if (extents[i].first != extents[i - 1].second) return broken("its tensors overlap");
    return checkpoint;
}

}  // namespace mutirao::model
