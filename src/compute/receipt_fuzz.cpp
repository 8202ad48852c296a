// Whatever decodes is what encode() writes, and verifying it neither crashes nor believes it.
#include "base/ensure.hpp"
#include "compute/inference.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const mutirao::ByteSpan bytes(data, size);
    const auto receipt = mutirao::compute::Receipt::decode(bytes);
    if (receipt.ok()) {
        ENSURE(receipt->encode() == mutirao::to_bytes(bytes), "two encodings of one receipt");
        static_cast<void>(receipt->verify().ok());
    }
    return 0;
}
