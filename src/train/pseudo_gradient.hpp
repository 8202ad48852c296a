// Codecs for pseudo-gradients (the change that a worker's local steps made), from 2 bytes a
// parameter down to about a thirtieth of one. All are lossy; ErrorFeedback carries what a codec
// dropped into the next round.
//
//   bf16   the upper half of each float, rounded to nearest even: the all-reduce baseline
//   int4   blocks of `block` values share one float scale (largest magnitude / 7); each value is a
//          whole number from -7 to 7 of it
//   topk2  chunks of 4096 values keep their `kept` largest magnitudes: a 12-bit index and a 2-bit
//          value each, and two float levels a chunk (SparseLoCo, arXiv 2508.15706, wire layout
//          ours)
//   int8   as int4, from -127 to 127
//   dense2 blocks of `block` values share two magnitudes; each value is a sign and which of them
//          (MuLoCo, ICML 2026, shows that two bits and Muon lose almost nothing)
//   fixed32  whole multiples of 2^-20, which add up exactly (fixed_point.hpp)
//   low_rank  each matrix as two factors of `rank` columns in int4, the rest in int4 (PowerSGD, as
//          DiLoCoX uses it)
//
// Bytes are canonical: a decoder refuses what the encoder would not have written, scales that are
// not finite, and a parameter count other than its own. Same input, same bytes, on every machine
// with IEEE floats. Objects are immutable; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/codec.hpp"
#include "model/config.hpp"

namespace mutirao::train {

enum class CodecKind : std::uint8_t {
    bf16 = 0,
    int4 = 1,
    topk2 = 2,
    int8 = 3,
    dense2 = 4,
    low_rank = 5,
    fixed32 = 6
};
std::string_view to_string(CodecKind kind);

inline constexpr std::uint64_t kParametersMax = 512ull << 20;
inline constexpr std::uint32_t kChunk = 4096;  // of topk2; 12 bits address it

struct CodecSettings {
    CodecKind kind = CodecKind::int4;
    // int4, int8, dense2: values that share a scale, a power of two, 16 to 65536
    std::uint32_t block = 256;
    std::uint32_t kept = 64;  // topk2: of each 4096, 1 to 1024
    std::uint32_t rank = 16;  // low_rank: 1 to 4096

    bool operator==(const CodecSettings&) const = default;
    Status validate() const;
};

class PseudoGradientCodec {
  public:
    virtual ~PseudoGradientCodec() = default;
    // Values that are not finite are an error (corrupt): training has diverged.
    virtual Result<Bytes> encode(std::span<const float> values) const = 0;
    // Overwrites all of `out`.
    virtual Status decode(ByteSpan bytes, std::span<float> out) const = 0;
    // The exact size of what encode() gives for the codec's parameter count.
    virtual std::size_t encoded_size() const = 0;
};

// Where a matrix lies in the flat list, row-major.
struct Matrix {
    std::uint64_t offset = 0;
    std::uint32_t rows = 0, columns = 0;

    bool operator==(const Matrix&) const = default;
};
// Those of a model.
std::vector<Matrix> matrices_of(std::span<const model::Parameter> layout);

// A codec for vectors of `parameters` values (1 to kParametersMax). `matrices`, which only low_rank
// looks at, ascend and do not overlap. invalid_argument otherwise.
Result<std::unique_ptr<PseudoGradientCodec>> make_codec(const CodecSettings& settings,
                                                        std::uint64_t parameters,
                                                        std::span<const Matrix> matrices = {});

}  // namespace mutirao::train
