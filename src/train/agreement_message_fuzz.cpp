#include "train/agreement_message.hpp"

// One message has one encoding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto message = train::decode_message({data, size});
    if (message) ENSURE(train::encode_message(*message) == to_bytes({data, size}));
    return 0;
}
