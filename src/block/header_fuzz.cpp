#include "block/header.hpp"

// What decodes is what encode() writes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto header = block::Header::decode({data, size});
    if (header) ENSURE(header->encode() == to_bytes({data, size}));
    return 0;
}
