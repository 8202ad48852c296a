#include "train/blob.hpp"

// One list has one encoding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto list = train::decode_chunk_list({data, size});
    if (list) ENSURE(train::encode_chunk_list(*list) == to_bytes({data, size}));
    return 0;
}
