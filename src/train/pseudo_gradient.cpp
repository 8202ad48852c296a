#include "train/pseudo_gradient.hpp"

#include <string>

#include "train/codec_frame.hpp"
#include "train/codec_kinds.hpp"

namespace mutirao::train {

namespace {

constexpr std::uint32_t kBlockMin = 16;
constexpr std::uint32_t kBlockMax = 65536;
constexpr std::uint32_t kKeptMax = 1024;
constexpr std::uint32_t kRankMax = 4096;

}  // namespace

std::vector<Matrix> matrices_of(std::span<const model::Parameter> layout) {
    std::vector<Matrix> matrices;
    for (const auto& parameter : layout)
        if (parameter.shape.size() == 2)
            matrices.push_back({parameter.offset, parameter.shape[0], parameter.shape[1]});
    return matrices;
}

std::string_view to_string(CodecKind kind) {
    switch (kind) {
        case CodecKind::bf16: return "bf16";
        case CodecKind::int4: return "int4";
        case CodecKind::topk2: return "topk2";
        case CodecKind::int8: return "int8";
        case CodecKind::dense2: return "dense2";
        case CodecKind::low_rank: return "low_rank";
        case CodecKind::fixed32: return "fixed32";
    }
    return "unknown";
}

Status CodecSettings::validate() const {
    if (kind > CodecKind::fixed32)
        return Error{ErrorKind::invalid_argument, "there is no codec of this number"};
    if (block < kBlockMin || block > kBlockMax || !std::has_single_bit(block))
        return Error{
            ErrorKind::invalid_argument,
            "a codec block is a power of two from 16 to 65536, not " + std::to_string(block)};
    if (kept < 1 || kept > kKeptMax)
        return Error{ErrorKind::invalid_argument,
                     "a codec keeps 1 to 1024 of 4096 values, not " + std::to_string(kept)};
    if (rank < 1 || rank > kRankMax)
        return Error{ErrorKind::invalid_argument,
                     "a codec's rank is 1 to 4096, not " + std::to_string(rank)};
    return {};
}

namespace {

Status check_matrices(std::span<const Matrix> matrices, std::uint64_t parameters) {
    std::uint64_t end = 0;
    for (const auto& matrix : matrices) {
        const std::uint64_t size = std::uint64_t{matrix.rows} * matrix.columns;
        if (size == 0 || matrix.offset < end || matrix.offset > parameters ||
            size > parameters - matrix.offset)
            return Error{ErrorKind::invalid_argument, "the matrix at parameter " +
                                                          std::to_string(matrix.offset) +
                                                          " overlaps another or leaves the list"};
        end = matrix.offset + size;
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<PseudoGradientCodec>> make_codec(const CodecSettings& settings,
                                                        std::uint64_t parameters,
                                                        std::span<const Matrix> matrices) {
    TRY_VOID(settings.validate());
    if (parameters < 1 || parameters > kParametersMax)
        return Error{ErrorKind::invalid_argument, "a codec for " + std::to_string(parameters) +
                                                      " parameters, not 1 to " +
                                                      std::to_string(kParametersMax)};
    TRY_VOID(check_matrices(matrices, parameters));
    switch (settings.kind) {
        case CodecKind::bf16: return make_bf16_codec(parameters);
        case CodecKind::int4:
        case CodecKind::int8: return make_whole_codec(parameters, settings.kind, settings.block);
        case CodecKind::dense2: return make_dense2_codec(parameters, settings.block);
        case CodecKind::low_rank: return make_low_rank_codec(parameters, settings.rank, matrices);
        case CodecKind::topk2: return make_topk2_codec(parameters, settings.kept);
        case CodecKind::fixed32: return make_fixed32_codec(parameters);
    }
    return Error{ErrorKind::invalid_argument, "there is no codec of this number"};
}

void write_codec_header(Writer& writer, CodecKind kind, std::uint32_t setting,
                        std::uint64_t parameters) {
    writer.u(kCodecVersion).u(static_cast<std::uint8_t>(kind)).u(setting).u(parameters);
}

Result<Magnitudes> read_magnitudes(Reader& reader) {
    TRY(const auto low, reader.u<std::uint16_t>());
    TRY(const auto high, reader.u<std::uint16_t>());
    const Magnitudes out{from_bf16(low), from_bf16(high)};
    if (low >> 15 || high >> 15 || !std::isfinite(out.high) || !(out.low <= out.high))
        return codec_broken("levels are not two ascending positive numbers");
    return out;
}

void TwoLevels::add(float value) {
    const bool high = is_high(value);
    sums_[high] += static_cast<double>(std::abs(value));
    ++counts_[high];
}

Magnitudes TwoLevels::means() const {
    const auto low = static_cast<float>(sums_[0] / counts_[0]);
    return {low, counts_[1] ? static_cast<float>(sums_[1] / counts_[1]) : low};
}

Error codec_broken(const char* reason) {
    return {ErrorKind::corrupt, std::string("pseudo-gradient: ") + reason};
}

Result<Reader> read_codec_header(ByteSpan bytes, CodecKind kind, std::uint32_t setting,
                                 std::uint64_t parameters, std::size_t size) {
    Reader reader(bytes);
    TRY(const auto version, reader.u<std::uint8_t>());
    TRY(const auto got_kind, reader.u<std::uint8_t>());
    TRY(const auto got_setting, reader.u<std::uint32_t>());
    TRY(const auto got_parameters, reader.u<std::uint64_t>());
    if (version != kCodecVersion) return codec_broken("its version is not 1");
    if (got_kind != static_cast<std::uint8_t>(kind)) return codec_broken("it is of another codec");
    if (got_setting != setting) return codec_broken("its codec has another setting");
    if (got_parameters != parameters) return codec_broken("it is for another model size");
    if (reader.remaining() != size) return codec_broken("it has another length");
    return reader;
}

Result<std::vector<float>> read_floats(Reader& reader, std::uint64_t count, const char* what) {
    if (count > reader.remaining() / sizeof(float))
        return Error{ErrorKind::corrupt, std::string(what) + ": it ends early"};
    std::vector<float> list(count);
    for (auto& value : list) {
        TRY(const auto bits, reader.u<std::uint32_t>());
        value = std::bit_cast<float>(bits);
        if (!std::isfinite(value))
            return Error{ErrorKind::corrupt, std::string(what) + ": a number is not finite"};
    }
    return list;
}

Status check_finite(std::span<const float> values) {
    for (std::size_t i = 0; i < values.size(); ++i)
        if (!std::isfinite(values[i]))
            return Error{ErrorKind::corrupt, "training diverged: value " + std::to_string(i) +
                                                 " of the pseudo-gradient is not finite"};
    return {};
}

}  // namespace mutirao::train
