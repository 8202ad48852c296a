// Labelled pictures of one size, in one file: what an owner stores, and a run's workers read.
//
// Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "base/codec.hpp"
#include "model/config.hpp"

namespace mutirao::dataset {

inline constexpr std::size_t kImageSetMax = 1u << 30;  // bytes

struct ImageSet {
    std::uint32_t height = 0, width = 0, channels = 1;
    std::vector<std::string> classes;  // names, by number
    // Pictures one after another, each its pixels and its class, as model::ImageConfig has them.
    Bytes examples;

    bool operator==(const ImageSet&) const = default;
    std::size_t example_size() const { return std::size_t{height} * width * channels + 1; }
    std::size_t count() const { return examples.size() / example_size(); }

    // "MUTIMG" | version u8 = 1 | height u32 | width u32 | channels u32 | classes u16, each a text
    // | examples to the end. corrupt when a size is out of the model's limits, the examples are no
    // whole number, or one is of a class that is not there.
    Bytes encode() const;
    static Result<ImageSet> decode(ByteSpan bytes);

    // Of a file of `size` bytes that begins with `start` (kImageHeadMax of them, or all):
    // everything but its examples, and where these begin. corrupt as decode(), apart from examples'
    // classes, which whoever reads them must look at.
    struct Head;
    static Result<Head> decode_head(ByteSpan start, std::uint64_t size);
};

struct ImageSet::Head {
    ImageSet set;
    std::uint64_t examples_at = 0;
};
// What stands before the examples has at most so many bytes.
inline constexpr std::size_t kImageHeadMax = 25 + model::kClassesMax * (4 + 256);

// An IDX file of pictures (magic 0x00000803, LeCun's MNIST format: big-endian sizes, then bytes)
// and the one of their labels (0x00000801). Either may be gzipped. Classes are named by their
// numbers unless `names` has them. corrupt when a file is not that, or their counts differ.
Result<ImageSet> read_idx(ByteSpan pictures, ByteSpan labels, std::vector<std::string> names = {});

// The content of a gzip file of at most `size_max` bytes, or `bytes` themselves when they are none.
Result<Bytes> gunzipped(ByteSpan bytes, std::size_t size_max);

}  // namespace mutirao::dataset
