#include <vector>

#include "train/activation_codec.hpp"
#include "train/pipeline_message.hpp"

// A message, and a seating, has one encoding; whatever activations decode are finite.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto message = train::decode_pipeline_message({data, size});
    if (message) ENSURE(train::encode_pipeline_message(*message) == to_bytes({data, size}));
    const auto seating = train::decode_seating({data, size});
    if (seating) ENSURE(train::encode_seating(*seating) == to_bytes({data, size}));
    std::vector<float> values(100);
    for (const auto codec : {train::ActivationCodec::float32, train::ActivationCodec::bf16,
                             train::ActivationCodec::int8})
        if (train::decode_activations(codec, {data, size}, values).ok())
            for (const float value : values) ENSURE(value - value == 0);
    return 0;
}
