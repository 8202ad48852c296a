#include "dataset/pictures.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <png.h>
#include <turbojpeg.h>

namespace mutirao::dataset {

namespace {

constexpr std::uint8_t kPngMagic[] = {0x89, 'P', 'N', 'G'};
constexpr std::uint8_t kJpegMagic[] = {0xFF, 0xD8, 0xFF};

Error broken(const std::string& reason) {
    return {ErrorKind::corrupt, "the picture cannot be read: " + reason};
}

Status check_size(std::uint64_t height, std::uint64_t width) {
    if (height < 1 || width < 1) return broken("it has no pixels");
    if (height <= kPictureSideMax && width <= kPictureSideMax &&
        height * width <= kPicturePixelsMax)
        return {};
    return Error{ErrorKind::resource_exhausted, "the picture has " + std::to_string(height) +
                                                    " by " + std::to_string(width) +
                                                    " pixels: make it smaller"};
}

Result<Picture> read_png(ByteSpan file, std::uint32_t channels) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    const std::unique_ptr<png_image, void (*)(png_image*)> freed(&image, png_image_free);
    if (png_image_begin_read_from_memory(&image, file.data(), file.size()) == 0)
        return broken(image.message);
    TRY_VOID(check_size(image.height, image.width));
    image.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
    Picture out{image.height, image.width, channels, {}};
    out.pixels.resize(PNG_IMAGE_SIZE(image));
    const png_color white{255, 255, 255};
    if (png_image_finish_read(&image, &white, out.pixels.data(), 0, nullptr) == 0)
        return broken(image.message);
    return out;
}

Result<Picture> read_jpeg(ByteSpan file, std::uint32_t channels) {
    const std::unique_ptr<void, int (*)(tjhandle)> jpeg(tjInitDecompress(), tjDestroy);
    if (!jpeg) return Error{ErrorKind::resource_exhausted, "TurboJPEG: not enough memory"};
    int width = 0, height = 0, sampling = 0, colours = 0;
    if (tjDecompressHeader3(jpeg.get(), file.data(), file.size(), &width, &height, &sampling,
                            &colours) != 0)
        return broken(tjGetErrorStr2(jpeg.get()));
    TRY_VOID(check_size(static_cast<std::uint64_t>(std::max(height, 0)),
                        static_cast<std::uint64_t>(std::max(width, 0))));
    Picture out{
        static_cast<std::uint32_t>(height), static_cast<std::uint32_t>(width), channels, {}};
    out.pixels.resize(std::size_t{out.height} * out.width * channels);
    if (tjDecompress2(jpeg.get(), file.data(), file.size(), out.pixels.data(), width, 0, height,
                      channels == 1 ? TJPF_GRAY : TJPF_RGB, TJFLAG_ACCURATEDCT) != 0)
        return broken(tjGetErrorStr2(jpeg.get()));
    return out;
}

bool begins_with(ByteSpan file, ByteSpan magic) {
    return file.size() >= magic.size() && std::equal(magic.begin(), magic.end(), file.begin());
}

// How much of each old place lies in new place `at`: from `first` on.
struct Covered {
    std::size_t first = 0;
    std::vector<double> shares;  // sum to 1
};
Covered covered(std::uint32_t at, std::uint32_t from, std::uint32_t to) {
    const double begin = static_cast<double>(at) * from / to;
    const double end = static_cast<double>(at + 1) * from / to;
    Covered out{static_cast<std::size_t>(begin), {}};
    for (std::size_t place = out.first; place < from && static_cast<double>(place) < end; ++place) {
        const double low = std::max(begin, static_cast<double>(place));
        const double high = std::min(end, static_cast<double>(place + 1));
        out.shares.push_back((high - low) * to / from);
    }
    return out;
}

}  // namespace

Result<Picture> read_picture(ByteSpan file, std::uint32_t channels) {
    if (channels != 1 && channels != 3)
        return Error{ErrorKind::invalid_argument, "a picture has 1 channel (grey) or 3 (colours)"};
    if (begins_with(file, kPngMagic)) return read_png(file, channels);
    if (begins_with(file, kJpegMagic)) return read_jpeg(file, channels);
    return broken("it is neither PNG nor JPEG");
}

Bytes resized(const Picture& picture, std::uint32_t height, std::uint32_t width) {
    Bytes out;
    out.reserve(std::size_t{height} * width * picture.channels);
    for (std::uint32_t y = 0; y < height; ++y) {
        const auto rows = covered(y, picture.height, height);
        for (std::uint32_t x = 0; x < width; ++x) {
            const auto columns = covered(x, picture.width, width);
            for (std::uint32_t c = 0; c < picture.channels; ++c) {
                double sum = 0;
                for (std::size_t i = 0; i < rows.shares.size(); ++i)
                    for (std::size_t j = 0; j < columns.shares.size(); ++j) {
                        const auto pixel = (rows.first + i) * picture.width + columns.first + j;
                        sum += rows.shares[i] * columns.shares[j] *
                               picture.pixels[pixel * picture.channels + c];
                    }
                out.push_back(static_cast<std::uint8_t>(std::lround(std::clamp(sum, 0.0, 255.0))));
            }
        }
    }
    return out;
}

}  // namespace mutirao::dataset
