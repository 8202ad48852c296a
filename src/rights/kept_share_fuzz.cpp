// Whatever decodes is what encode() writes, and using it does not crash.
#include "base/ensure.hpp"
#include "rights/keeper.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const mutirao::ByteSpan bytes(data, size);
    const auto decoded = mutirao::rights::KeptShare::decode(bytes);
    if (!decoded.ok()) return 0;
    ENSURE(decoded->encode() == mutirao::to_bytes(bytes), "two encodings of one value");
    ENSURE(decoded->validate().ok());
    return 0;
}
