// Whatever decodes is what encode() writes, and using it does not crash.
#include "base/ensure.hpp"
#include "rights/terms.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const mutirao::ByteSpan bytes(data, size);
    const auto decoded = mutirao::rights::Terms::decode(bytes);
    if (!decoded.ok()) return 0;
    ENSURE(decoded->encode() == mutirao::to_bytes(bytes), "two encodings of one value");
    using mutirao::rights::Language;
    ENSURE(!sentence(*decoded, Language::english).empty());
    ENSURE(!sentence(*decoded, Language::portuguese).empty());
    return 0;
}
