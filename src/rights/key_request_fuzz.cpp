// Whatever decodes is what encode() writes, and using it does not crash.
#include "base/ensure.hpp"
#include "rights/key_request.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const mutirao::ByteSpan bytes(data, size);
    const auto decoded = mutirao::rights::KeyRequest::decode(bytes);
    if (!decoded.ok()) return 0;
    ENSURE(decoded->encode() == mutirao::to_bytes(bytes), "two encodings of one value");
    // Whoever signed it, it is not verified under another time.
    ENSURE(!decoded->verify(decoded->expires_unix_ms).ok());
    static_cast<void>(decoded->verify(decoded->expires_unix_ms - 1).ok());
    return 0;
}
