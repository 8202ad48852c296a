// One value has one encoding, and the Reader takes nothing that the Writer would not have written.
#include "base/codec.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace mutirao {
namespace {

TEST(Codec, integers_are_little_endian) {
    Writer out;
    out.u(std::uint8_t{0x01}).u(std::uint16_t{0x0302}).u(std::uint32_t{0x07060504});
    out.u(std::uint64_t{0x0f0e0d0c0b0a0908});
    EXPECT_EQ(to_hex(out.bytes()), "0102030405060708090a0b0c0d0e0f");
}

TEST(Codec, blobs_and_texts_carry_a_four_byte_length) {
    Writer out;
    out.blob(Bytes{0xaa}).text("olá").blob({});
    EXPECT_EQ(to_hex(out.bytes()),
              "01000000aa"
              "040000006f6cc3a1"
              "00000000");
}

RC_GTEST_PROP(Codec, what_was_written_is_read_back_and_nothing_is_left,
              (std::uint8_t a, std::uint16_t b, std::uint32_t c, std::uint64_t d, const Bytes& blob,
               const std::string& text)) {
    Writer out;
    out.u(a).u(b).u(c).u(d).blob(blob).text(text).raw(Digest{}.span());
    const Bytes bytes = std::move(out).take();
    Reader in(bytes);
    RC_ASSERT(in.u<std::uint8_t>().value() == a);
    RC_ASSERT(in.u<std::uint16_t>().value() == b);
    RC_ASSERT(in.u<std::uint32_t>().value() == c);
    RC_ASSERT(in.u<std::uint64_t>().value() == d);
    RC_ASSERT(to_bytes(in.blob(blob.size()).value()) == blob);
    RC_ASSERT(in.text(text.size()).value() == text);
    RC_ASSERT(in.fixed<Digest>().value().is_zero());
    RC_ASSERT(in.finish().ok());
}

RC_GTEST_PROP(Codec, whatever_is_cut_short_is_refused, (const Bytes& blob)) {
    Writer out;
    out.u(std::uint16_t{7}).blob(blob);
    for (std::size_t size = 0; size < out.bytes().size(); ++size) {
        Reader in(ByteSpan(out.bytes()).first(size));
        const auto number = in.u<std::uint16_t>();
        const auto read = in.blob(blob.size());
        RC_ASSERT(!number.ok() || !read.ok());
        RC_ASSERT((number.ok() ? read.error().kind : number.error().kind) == ErrorKind::corrupt);
    }
}

TEST(Codec, an_error_names_the_place) {
    const Bytes bytes(5);
    Reader in(bytes);
    ASSERT_TRUE(in.u<std::uint16_t>().ok());
    EXPECT_EQ(in.u<std::uint64_t>().error().message, "cut short at byte 2: 8 bytes wanted, 3 left");
    EXPECT_EQ(in.offset(), 2u);
    EXPECT_EQ(in.remaining(), 3u);
}

TEST(Codec, a_blob_over_its_limit_is_refused_before_its_bytes_are_looked_at) {
    Writer out;
    out.u(std::uint32_t{0xffffffff});
    Reader in(out.bytes());
    const auto blob = in.blob(10);
    EXPECT_EQ(blob.error().kind, ErrorKind::corrupt);
    EXPECT_EQ(blob.error().message, "length 4294967295 at byte 0 is over the limit of 10");

    Writer exact;
    exact.blob(Bytes(10));
    EXPECT_TRUE(Reader(exact.bytes()).blob(10).ok());
    EXPECT_FALSE(Reader(exact.bytes()).blob(9).ok());
    EXPECT_FALSE(Reader(exact.bytes()).text(9).ok());
}

TEST(Codec, trailing_bytes_are_refused) {
    const Bytes bytes(3);
    Reader in(bytes);
    ASSERT_TRUE(in.u<std::uint16_t>().ok());
    EXPECT_EQ(in.finish().error().message, "1 bytes too many after the end");
    ASSERT_TRUE(in.u<std::uint8_t>().ok());
    EXPECT_TRUE(in.finish().ok());
}

}  // namespace
}  // namespace mutirao
