#include "dataset/pictures.hpp"

// What is read has as many pixels as it says, and fits a model.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    for (const std::uint32_t channels : {1u, 3u}) {
        const auto picture = dataset::read_picture({data, size}, channels);
        if (!picture) continue;
        ENSURE(picture->pixels.size() == std::size_t{picture->height} * picture->width * channels);
        if (picture->pixels.size() < 1 << 16)
            ENSURE(dataset::resized(*picture, 5, 7).size() == 35 * channels);
    }
    return 0;
}
