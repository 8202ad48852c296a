#include "base/bytes.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <unordered_set>

namespace mutirao {
namespace {

RC_GTEST_PROP(Hex, every_byte_string_comes_back, (const Bytes& bytes)) {
    RC_ASSERT(from_hex(to_hex(bytes)).value() == bytes);
    RC_ASSERT(from_hex("0x" + to_hex(bytes)).value() == bytes);
}

TEST(Hex, is_written_lower_case_and_read_in_either) {
    EXPECT_EQ(to_hex(Bytes{0x00, 0xaB, 0xff}), "00abff");
    EXPECT_EQ(from_hex("0X00AbFf").value(), (Bytes{0x00, 0xab, 0xff}));
    EXPECT_EQ(from_hex("").value(), Bytes{});
    EXPECT_EQ(from_hex("0x").value(), Bytes{});
}

TEST(Hex, an_odd_number_of_digits_is_refused) {
    for (const auto* text : {"a", "0xa", "abc", "0x0x0"})
        EXPECT_EQ(from_hex(text).error().kind, ErrorKind::invalid_argument) << text;
}

TEST(Hex, every_character_that_is_no_digit_is_refused_in_either_place) {
    const std::string_view digits = "0123456789abcdefABCDEF";
    for (int c = 0; c < 256; ++c) {
        const auto character = static_cast<char>(c);
        const bool digit = digits.find(character) != std::string_view::npos;
        EXPECT_EQ(from_hex(std::string{character, '1'}).ok(), digit) << c;
        // "0x" and "0X" are prefixes of nothing, which is right.
        const bool prefix = character == 'x' || character == 'X';
        EXPECT_EQ(from_hex(std::string{'0', character}).ok(), digit || prefix) << c;
    }
    EXPECT_EQ(from_hex("00g0").error().message, "not a hexadecimal digit at position 2");
}

TEST(FixedBytes, exactly_its_size_is_accepted) {
    const Bytes bytes(33, 7);
    EXPECT_TRUE(Digest::from_bytes(ByteSpan(bytes).first(32)).ok());
    EXPECT_EQ(Digest::from_bytes(ByteSpan(bytes).first(31)).error().message,
              "expected 32 bytes, got 31");
    EXPECT_EQ(Digest::from_bytes(bytes).error().kind, ErrorKind::invalid_argument);
    EXPECT_FALSE(Digest::from_hex("0011").ok());
    EXPECT_EQ(Address::from_hex(std::string(40, '1')).value().hex(), std::string(40, '1'));
}

TEST(FixedBytes, zero_is_what_nobody_filled) {
    Digest digest;
    EXPECT_TRUE(digest.is_zero());
    digest.bytes[31] = 1;
    EXPECT_FALSE(digest.is_zero());
    EXPECT_LT(Digest{}, digest);
}

TEST(FixedBytes, lives_in_hashed_sets) {
    std::unordered_set<Address> set;
    for (std::uint8_t i = 0; i < 100; ++i) {
        Address address;
        address.bytes[i % 20] = i;
        set.insert(address);
        set.insert(address);
    }
    EXPECT_EQ(set.size(), 100u);
}

TEST(EqualConstantTime, compares_length_and_every_bit) {
    const Bytes bytes(40, 0x55);
    EXPECT_TRUE(equal_constant_time(bytes, bytes));
    EXPECT_TRUE(equal_constant_time({}, {}));
    EXPECT_FALSE(equal_constant_time(bytes, ByteSpan(bytes).first(39)));
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        auto other = bytes;
        other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ 1u << bit % 8);
        EXPECT_FALSE(equal_constant_time(bytes, other)) << bit;
    }
}

}  // namespace
}  // namespace mutirao
