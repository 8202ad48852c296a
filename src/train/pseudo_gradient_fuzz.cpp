#include <vector>

#include "train/pseudo_gradient.hpp"

using namespace mutirao;
using namespace mutirao::train;

// The first byte picks codec and model size. Whatever decodes must be finite.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const CodecSettings settings{
        .kind = static_cast<CodecKind>(data[0] % 7), .block = 16, .kept = 512, .rank = 2};
    // Large enough for a matrix of which two columns are less than the whole.
    constexpr Matrix kMatrix{.offset = 3, .rows = 40, .columns = 30};
    const bool has_matrix = data[0] / 7 % 2 == 1;
    const std::size_t parameters = 1 + data[0] / 14 + (has_matrix ? 1203 : 0);
    const auto codec = make_codec(settings, parameters, {&kMatrix, has_matrix ? 1u : 0u}).value();
    std::vector<float> out(parameters);
    if (codec->decode({data + 1, size - 1}, out).ok())
        for (const float value : out) ENSURE(value - value == 0);
    return 0;
}
