#include "block/header.hpp"

#include <gtest/gtest.h>

namespace mutirao::block {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;

Header header_with(std::uint64_t length, Profile profile = Profile::wide) {
    auto header = header_for(length, profile).value();
    header.cipher = Cipher::aes_256_gcm;
    header.key_commitment.bytes.fill(0xc0);
    header.extra.bytes.fill(0xee);
    return header;
}

TEST(Header, shape_follows_length) {
    struct Expected {
        std::uint64_t length;
        std::uint32_t data_rows, row_size;
    };
    for (const auto& [length, data_rows, row_size] : {Expected{0, 256, 128},
                                                      {1, 256, 128},
                                                      {256 * 128, 256, 128},
                                                      {256 * 128 + 1, 256, 256},
                                                      {kMiB - 1, 256, 4096},
                                                      {kMiB, 1024, 1024},
                                                      {kMiB + 1, 1024, 1152},
                                                      {32 * kMiB - 1, 1024, 32768},
                                                      {32 * kMiB, 1024, 32768}}) {
        const auto header = header_for(length).value();
        EXPECT_EQ(header.data_rows, data_rows) << length;
        EXPECT_EQ(header.rows, 3 * data_rows) << length;
        EXPECT_EQ(header.slots, 256u) << length;
        EXPECT_EQ(header.row_size, row_size) << length;
        EXPECT_EQ(header.length, length);
        EXPECT_TRUE(header.shape().validate().ok());
        EXPECT_EQ(Header::decode(header.encode()).value(), header);
    }
}

TEST(Header, profile_s_has_one_code_for_every_length) {
    struct Expected {
        std::uint64_t length;
        std::uint32_t row_size;
    };
    for (const auto& [length, row_size] : {Expected{0, 128},
                                           {1, 128},
                                           {4096 * 128, 128},
                                           {4096 * 128 + 1, 256},
                                           {kMiB, 256},
                                           {kMiB + 1, 384},
                                           {32 * kMiB - 1, 8192},
                                           {32 * kMiB, 8192}}) {
        const auto header = header_for(length, Profile::sampled).value();
        EXPECT_EQ(header.version, Profile::sampled);
        EXPECT_EQ(header.data_rows, 4096u) << length;
        EXPECT_EQ(header.rows, 16384u) << length;
        EXPECT_EQ(header.slots, 256u) << length;
        EXPECT_EQ(header.rows_per_slot(), 64u) << length;
        EXPECT_EQ(header.row_size, row_size) << length;
        EXPECT_TRUE(header.shape().validate().ok());
        EXPECT_EQ(Header::decode(header.encode()).value(), header);
    }
}

TEST(Header, the_shape_of_one_profile_is_refused_under_the_version_of_another) {
    for (const std::uint64_t length : {std::uint64_t{5}, 32 * kMiB}) {
        auto header = header_with(length);
        header.version = Profile::sampled;
        EXPECT_EQ(Header::decode(header.encode()).error().kind, ErrorKind::corrupt);
        header = header_with(length, Profile::sampled);
        header.version = Profile::wide;
        EXPECT_EQ(Header::decode(header.encode()).error().kind, ErrorKind::corrupt);
    }
}

TEST(Header, a_block_over_32_mib_is_refused) {
    for (const auto length : {32 * kMiB + 1, ~std::uint64_t{0}}) {
        EXPECT_FALSE(header_for(length, Profile::sampled).ok());
        const auto header = header_for(length);
        ASSERT_FALSE(header.ok());
        EXPECT_EQ(header.error().kind, ErrorKind::invalid_argument);
        EXPECT_NE(header.error().message.find("33554432"), std::string::npos);
    }
}

// Where each field lies in the encoding, in bytes.
constexpr std::size_t kLengthAt = 18, kCipherAt = 26, kFreeAt = 27;

// What decode must say of a header with one bit of its length flipped, from the format's rules.
bool same_shape(std::uint64_t length, const Header& header) {
    if (length > 32 * kMiB) return false;
    const std::uint64_t narrow_or_wide = length < kMiB ? 256 : 1024;
    const std::uint64_t k = header.version == Profile::sampled ? 4096 : narrow_or_wide;
    const std::uint64_t groups = length == 0 ? 1 : (length + 128 * k - 1) / (128 * k);
    return k == header.data_rows && groups * 128 == header.row_size;
}

void every_flipped_bit_gives_another_canonical_header_or_is_refused(Profile profile) {
    for (const std::uint64_t length :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{30000}, kMiB - 1, kMiB, 32 * kMiB}) {
        const auto header = header_with(length, profile);
        const Bytes bytes = header.encode();
        ASSERT_EQ(bytes.size(), Header::kSize);
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            auto flipped = bytes;
            flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1u << bit % 8);
            const auto decoded = Header::decode(flipped);
            bool expected = bit / 8 >= kFreeAt;
            if (bit / 8 >= kLengthAt && bit / 8 < kCipherAt)
                expected = same_shape(length ^ std::uint64_t{1} << (bit - kLengthAt * 8), header);
            if (bit / 8 == kCipherAt) expected = bit % 8 == 0;  // 1 becomes 0, which is known
            EXPECT_EQ(decoded.ok(), expected) << "length " << length << ", bit " << bit;
            if (decoded.ok()) {
                EXPECT_EQ(decoded->encode(), flipped);
                EXPECT_NE(decoded->digest(), header.digest());
            }
        }
    }
}

TEST(Header, every_flipped_bit_gives_another_canonical_header_or_is_refused) {
    every_flipped_bit_gives_another_canonical_header_or_is_refused(Profile::wide);
    every_flipped_bit_gives_another_canonical_header_or_is_refused(Profile::sampled);
}

TEST(Header, cut_and_lengthened_encodings_are_refused) {
    auto bytes = header_with(5).encode();
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_EQ(Header::decode(ByteSpan(bytes).first(size)).error().kind, ErrorKind::corrupt);
    bytes.push_back(0);
    EXPECT_EQ(Header::decode(bytes).error().kind, ErrorKind::corrupt);
}

TEST(Header, an_unknown_version_is_named) {
    auto bytes = header_with(5).encode();
    for (const std::uint16_t version : {0, 3, 256, 257, 0xffff}) {
        bytes[0] = static_cast<std::uint8_t>(version);
        bytes[1] = static_cast<std::uint8_t>(version >> 8);
        const auto refused = Header::decode(bytes);
        ASSERT_FALSE(refused.ok());
        EXPECT_EQ(refused.error().kind, ErrorKind::corrupt);
        EXPECT_NE(refused.error().message.find("version " + std::to_string(version) + " "),
                  std::string::npos);
    }
    const auto refused = header_for(5, static_cast<Profile>(3));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace mutirao::block
