#include "dataset/images.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

namespace mutirao::dataset {
namespace {

Bytes big_endian(std::initializer_list<std::uint32_t> values) {
    Bytes out;
    for (const auto value : values)
        for (int shift = 24; shift >= 0; shift -= 8)
            out.push_back(static_cast<std::uint8_t>(value >> shift));
    return out;
}
Bytes joined(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}
// Two pictures of 2 by 3 pixels.
const Bytes kPictures =
    joined(big_endian({0x803, 2, 2, 3}), {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
const Bytes kLabels = joined(big_endian({0x801, 2}), {4, 0});

Bytes gzipped(const Bytes& bytes) {
    z_stream stream{};
    EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    Bytes out(1000);
    stream.next_in = const_cast<std::uint8_t*>(bytes.data());
    stream.avail_in = static_cast<unsigned>(bytes.size());
    stream.next_out = out.data();
    stream.avail_out = static_cast<unsigned>(out.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

TEST(Idx, gives_each_picture_its_class) {
    for (const bool zipped : {false, true}) {
        const auto set =
            read_idx(zipped ? gzipped(kPictures) : kPictures, zipped ? gzipped(kLabels) : kLabels)
                .value();
        EXPECT_EQ(set.height, 2u);
        EXPECT_EQ(set.width, 3u);
        EXPECT_EQ(set.classes.size(), 5u);
        EXPECT_EQ(set.count(), 2u);
        EXPECT_EQ(set.examples, (Bytes{1, 2, 3, 4, 5, 6, 4, 7, 8, 9, 10, 11, 12, 0}));
        EXPECT_EQ(ImageSet::decode(set.encode()).value(), set);
    }
}

TEST(Idx, refuses_files_that_are_not_their_headers) {
    const auto refused = [](const Bytes& pictures, const Bytes& labels) {
        return !read_idx(pictures, labels).ok();
    };
    EXPECT_FALSE(refused(kPictures, kLabels));
    EXPECT_TRUE(refused(kLabels, kPictures));
    for (std::size_t size = 0; size < kPictures.size(); ++size)
        EXPECT_TRUE(
            refused(Bytes(kPictures.begin(), kPictures.begin() + static_cast<std::ptrdiff_t>(size)),
                    kLabels));
    EXPECT_TRUE(refused(joined(kPictures, {0}), kLabels));
    EXPECT_TRUE(refused(kPictures, joined(big_endian({0x801, 1}), {4})));
    EXPECT_TRUE(refused(big_endian({0x803, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}), kLabels));
    auto cut = gzipped(kPictures);
    cut.resize(cut.size() / 2);
    EXPECT_TRUE(refused(cut, kLabels));
    EXPECT_FALSE(gunzipped(gzipped(Bytes(5000)), 4999).ok());
    EXPECT_EQ(gunzipped(gzipped(Bytes(5000)), 5000)->size(), 5000u);
}

TEST(ImageSet, refuses_every_cut_and_unknown_classes) {
    auto set = read_idx(kPictures, kLabels).value();
    const auto bytes = set.encode();
    for (std::size_t size = 0; size < bytes.size(); ++size)
        if ((bytes.size() - size) % set.example_size() != 0) {
            EXPECT_FALSE(ImageSet::decode(ByteSpan(bytes).first(size)).ok()) << size;
        }
    // The head is enough to know where the pictures are.
    const auto at = bytes.size() - set.examples.size();
    const auto head = ImageSet::decode_head(ByteSpan(bytes).first(at), bytes.size()).value();
    EXPECT_EQ(head.examples_at, at);
    EXPECT_EQ(head.set.classes, set.classes);
    for (std::size_t size = 0; size < at; ++size)
        EXPECT_FALSE(ImageSet::decode_head(ByteSpan(bytes).first(size), bytes.size()).ok()) << size;
    EXPECT_FALSE(ImageSet::decode_head(bytes, bytes.size() - 1).ok());
    set.classes.pop_back();
    EXPECT_FALSE(ImageSet::decode(set.encode()).ok());
}

}  // namespace
}  // namespace mutirao::dataset
