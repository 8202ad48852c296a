#include "block/certificate.hpp"

// What decodes is what encode() writes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto certificate = block::Certificate::decode({data, size});
    if (certificate) ENSURE(certificate->encode() == to_bytes({data, size}));
    return 0;
}
