// Whatever decodes is what encode() writes.
#include "base/ensure.hpp"
#include "compute/inference.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const mutirao::ByteSpan bytes(data, size);
    const auto request = mutirao::compute::InferenceRequest::decode(bytes);
    if (request.ok()) {
        ENSURE(request->validate().ok(), "decoded an invalid request");
        ENSURE(request->encode() == mutirao::to_bytes(bytes), "two encodings of one request");
    }
    return 0;
}
