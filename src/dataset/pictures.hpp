// Pictures as cameras and phones keep them (PNG, JPEG), made to one size for a model. libpng and
// TurboJPEG read them, behind this file alone.
//
// Pure; any thread.
#pragma once

#include "dataset/images.hpp"

namespace mutirao::dataset {

inline constexpr std::uint32_t kPictureSideMax = 16384;
inline constexpr std::uint64_t kPicturePixelsMax = 64ull << 20;

struct Picture {
    std::uint32_t height = 0, width = 0, channels = 1;  // 1 grey, 3 red green blue
    Bytes pixels;                                       // row by row
};

// The picture in `channels`, on white where it is transparent. corrupt, with the library's own
// words, when the file is neither PNG nor JPEG or damaged; resource_exhausted when it is too large.
Result<Picture> read_picture(ByteSpan file, std::uint32_t channels);

// The whole picture in another size; each new pixel is the mean of what it covers.
Bytes resized(const Picture& picture, std::uint32_t height, std::uint32_t width);

}  // namespace mutirao::dataset
