#include "dataset/pictures.hpp"

#include <gtest/gtest.h>
#include <png.h>
#include <turbojpeg.h>

namespace mutirao::dataset {
namespace {

// Red above, blue below.
constexpr std::uint32_t kHeight = 8, kWidth = 6;
Bytes flag() {
    Bytes pixels;
    for (std::uint32_t i = 0; i < kHeight * kWidth; ++i) {
        const bool above = i < kHeight * kWidth / 2;
        for (const int value : {above ? 255 : 0, 0, above ? 0 : 255})
            pixels.push_back(static_cast<std::uint8_t>(value));
    }
    return pixels;
}

Bytes as_png(const Bytes& pixels, std::uint32_t format = PNG_FORMAT_RGB) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.height = kHeight;
    image.width = kWidth;
    image.format = format;
    Bytes file(10000);
    png_alloc_size_t size = file.size();
    EXPECT_NE(png_image_write_to_memory(&image, file.data(), &size, 0, pixels.data(), 0, nullptr),
              0);
    file.resize(size);
    return file;
}

Bytes as_jpeg(const Bytes& pixels) {
    auto* const jpeg = tjInitCompress();
    unsigned char* file = nullptr;
    unsigned long size = 0;
    EXPECT_EQ(tjCompress2(jpeg, pixels.data(), kWidth, 0, kHeight, TJPF_RGB, &file, &size,
                          TJSAMP_444, 100, 0),
              0);
    const Bytes out(file, file + size);
    tjFree(file);
    tjDestroy(jpeg);
    return out;
}

TEST(Picture, is_read_from_png_exactly_and_from_jpeg_nearly) {
    const auto png = read_picture(as_png(flag()), 3).value();
    EXPECT_EQ(png.height, kHeight);
    EXPECT_EQ(png.width, kWidth);
    EXPECT_EQ(png.pixels, flag());
    const auto jpeg = read_picture(as_jpeg(flag()), 3).value();
    ASSERT_EQ(jpeg.pixels.size(), flag().size());
    for (std::size_t i = 0; i < jpeg.pixels.size(); ++i)
        EXPECT_NEAR(jpeg.pixels[i], flag()[i], 12) << i;
    EXPECT_EQ(read_picture(as_jpeg(flag()), 1)->pixels.size(), kHeight * kWidth);
}

TEST(Picture, that_is_transparent_lies_on_white) {
    const Bytes nothing(kHeight * kWidth * 4);
    const auto read = read_picture(as_png(nothing, PNG_FORMAT_RGBA), 1).value();
    EXPECT_EQ(read.pixels, Bytes(kHeight * kWidth, 255));
}

TEST(Picture, of_another_size_has_the_means_of_what_it_covers) {
    const Picture stripes{2, 4, 1, {0, 100, 200, 40, 0, 100, 200, 40}};
    EXPECT_EQ(resized(stripes, 1, 2), (Bytes{50, 120}));
    EXPECT_EQ(resized(stripes, 2, 4), stripes.pixels);
    EXPECT_EQ(resized(stripes, 1, 1), (Bytes{85}));
    EXPECT_EQ(resized({1, 2, 1, {10, 30}}, 2, 4), (Bytes{10, 10, 30, 30, 10, 10, 30, 30}));
    EXPECT_EQ(resized({1, 3, 1, {0, 90, 0}}, 1, 2), (Bytes{30, 30}));
}

TEST(Picture, that_is_cut_or_something_else_gives_a_sentence) {
    for (const auto& file : {as_png(flag()), as_jpeg(flag())})
        for (std::size_t size = 0; size < 40; ++size)
            EXPECT_EQ(read_picture(ByteSpan(file).first(size), 3).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(read_picture(as_bytes("GIF89a"), 3).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(read_picture(as_png(flag()), 2).error().kind, ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace mutirao::dataset
