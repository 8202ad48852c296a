#include "model/checkpoint.hpp"

// What decodes must survive a round trip.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto checkpoint = mutirao::model::decode_checkpoint({data, size});
    if (!checkpoint) return 0;
    const auto again = mutirao::model::encode_checkpoint(*checkpoint);
    ENSURE(again.ok());
    ENSURE(mutirao::model::decode_checkpoint(*again).ok());
    return 0;
}
