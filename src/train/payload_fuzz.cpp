#include "train/payload.hpp"

// One payload has one encoding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto payload = train::decode_payload({data, size});
    if (payload) ENSURE(train::encode_payload(*payload) == to_bytes({data, size}));
    return 0;
}
