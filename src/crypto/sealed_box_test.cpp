#include "crypto/sealed_box.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "crypto/test_vectors.hpp"

namespace mutirao::crypto {
namespace {

// Gives out the bytes it was made with: the sender's secret key of the known answer.
class KnownBytes final : public Random {
  public:
    explicit KnownBytes(Bytes bytes) : bytes_(std::move(bytes)) {}
    void fill(MutableByteSpan out) override {
        ENSURE(out.size() == bytes_.size());
        std::copy(bytes_.begin(), bytes_.end(), out.begin());
    }

  private:
    Bytes bytes_;
};

TEST(SealedBox, gives_the_bytes_of_another_implementation) {
    const auto file = read_vectors(MUTIRAO_VECTORS "/crypto/sealed.json");
    const auto& known = file.at("box");
    const auto reader = *BoxSecretKey::from_bytes(bytes_at(known, "reader_secret"));
    EXPECT_EQ(reader.public_key(), fixed_at<BoxPublicKey>(known, "reader_public"));
    KnownBytes sender(bytes_at(known, "sender_secret"));
    const auto context = bytes_at(known, "context"), secret = bytes_at(known, "secret");
    EXPECT_EQ(*seal_to(reader.public_key(), context, secret, sender), bytes_at(known, "box"));
    EXPECT_EQ(*open_box(reader, context, bytes_at(known, "box")), secret);
}

TEST(SealedBox, opens_for_its_reader_and_its_context_only) {
    SeededRandom random(1);
    const auto reader = BoxSecretKey::generate(random), stranger = BoxSecretKey::generate(random);
    const auto secret = pattern(32);
    const auto box = *seal_to(reader.public_key(), as_bytes("share 1"), secret, random);
    EXPECT_EQ(box.size(), secret.size() + 48);
    EXPECT_EQ(*open_box(reader, as_bytes("share 1"), box), secret);
    EXPECT_EQ(open_box(stranger, as_bytes("share 1"), box).error().kind,
              ErrorKind::permission_denied);
    EXPECT_EQ(open_box(reader, as_bytes("share 2"), box).error().kind,
              ErrorKind::permission_denied);
    EXPECT_NE(*seal_to(reader.public_key(), as_bytes("share 1"), secret, random), box);
}

TEST(SealedBox, refuses_every_flipped_bit_and_every_cut) {
    SeededRandom random(2);
    const auto reader = BoxSecretKey::generate(random);
    const auto box = *seal_to(reader.public_key(), {}, pattern(20), random);
    for (std::size_t bit = 0; bit < 8 * box.size(); ++bit) {
        auto changed = box;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
        ASSERT_EQ(open_box(reader, {}, changed).error().kind, ErrorKind::permission_denied) << bit;
    }
    for (std::size_t size = 0; size < box.size(); ++size)
        EXPECT_EQ(open_box(reader, {}, ByteSpan(box).first(size)).error().kind,
                  size < 48 ? ErrorKind::corrupt : ErrorKind::permission_denied);
}

// RFC 7748, section 6.1: points of low order give an all-zero secret that everybody knows.
TEST(SealedBox, refuses_points_of_low_order) {
    SeededRandom random(3);
    const auto reader = BoxSecretKey::generate(random);
    for (const std::uint8_t first : {0, 1}) {
        const BoxPublicKey low{{first}};
        EXPECT_EQ(seal_to(low, {}, pattern(32), random).error().kind, ErrorKind::invalid_argument);
        Bytes box = to_bytes(low.span());
        box.resize(80);
        EXPECT_EQ(open_box(reader, {}, box).error().kind, ErrorKind::permission_denied);
    }
}

TEST(BoxSecretKey, has_exactly_32_bytes) {
    SeededRandom random(4);
    const auto key = BoxSecretKey::generate(random);
    EXPECT_EQ(BoxSecretKey::from_bytes(key.secret())->public_key(), key.public_key());
    for (const std::size_t size : {0u, 31u, 33u})
        EXPECT_EQ(BoxSecretKey::from_bytes(Bytes(size)).error().kind, ErrorKind::invalid_argument);
}

TEST(AgreedKey, is_the_same_for_both_and_another_for_anything_else) {
    SeededRandom random(1);
    const auto a = BoxSecretKey::generate(random), b = BoxSecretKey::generate(random);
    const auto key = agreed_key(a, b.public_key(), "test", as_bytes("1")).value();
    EXPECT_EQ(agreed_key(b, a.public_key(), "test", as_bytes("1")).value(), key);
    EXPECT_NE(agreed_key(b, a.public_key(), "test", as_bytes("2")).value(), key);
    EXPECT_NE(agreed_key(b, a.public_key(), "other", as_bytes("1")).value(), key);
    EXPECT_NE(agreed_key(b, b.public_key(), "test", as_bytes("1")).value(), key);
    EXPECT_FALSE(agreed_key(a, BoxPublicKey{}, "test", {}).ok());  // of low order
}

}  // namespace
}  // namespace mutirao::crypto
