#include "dataset/images.hpp"

// One set of pictures has one encoding; an IDX file with labels of its own count reads as one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const ByteSpan bytes{data, size};
    if (const auto set = dataset::ImageSet::decode(bytes)) ENSURE(set->encode() == to_bytes(bytes));
    if (const auto head = dataset::ImageSet::decode_head(bytes, size + 7)) {
        auto set = head->set;  // of pictures that come later
        set.examples = Bytes(size + 7 - head->examples_at);
        ENSURE(dataset::ImageSet::decode(set.encode()).value() == set);
    }
    const std::size_t half = size / 2;
    const auto idx = dataset::read_idx(bytes.first(half), bytes.subspan(half));
    if (idx) ENSURE(dataset::ImageSet::decode(idx->encode()).ok());
    return 0;
}
