#include "crypto/ed25519.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace mutirao::crypto {
namespace {

// RFC 8032, section 7.1, tests 1 and 2.
TEST(Ed25519, has_the_public_keys_of_the_standard) {
    const auto public_of = [](std::string_view seed) {
        return to_hex(Ed25519Key::from_seed(from_hex(seed).value()).value().public_key.span());
    };
    EXPECT_EQ(public_of("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
              "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    EXPECT_EQ(public_of("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
              "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    EXPECT_FALSE(Ed25519Key::from_seed(Bytes(31)).ok());
}

// The same tests' messages and signatures.
TEST(Ed25519, signs_as_the_standard_does_and_refuses_everything_else) {
    const auto key = [](std::string_view seed) {
        return Ed25519Key::from_seed(from_hex(seed).value()).value();
    };
    const auto one = key("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    const auto two = key("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    EXPECT_EQ(to_hex(one.sign({}).span()),
              "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e"
              "39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
    const Bytes message{0x72};
    const auto signature = two.sign(message);
    EXPECT_EQ(to_hex(signature.span()),
              "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f"
              "3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    EXPECT_TRUE(verify_ed25519(two.public_key, message, signature));
    EXPECT_FALSE(verify_ed25519(one.public_key, message, signature));
    EXPECT_FALSE(verify_ed25519(two.public_key, {}, signature));
    for (std::size_t i = 0; i < signature.bytes.size(); ++i) {
        auto changed = signature;
        changed.bytes[i] ^= 1;
        EXPECT_FALSE(verify_ed25519(two.public_key, message, changed)) << i;
    }
    Ed25519PublicKey no_point;
    no_point.bytes.fill(0xff);
    EXPECT_FALSE(verify_ed25519(no_point, message, signature));
}

TEST(Ed25519, every_key_is_drawn_anew) {
    SeededRandom random(1);
    EXPECT_NE(Ed25519Key::generate(random).public_key, Ed25519Key::generate(random).public_key);
}

// FIPS 180-4's examples.
TEST(Sha256, has_the_hashes_of_the_standard) {
    EXPECT_EQ(sha256({}).hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256(as_bytes("abc")).hex(),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace mutirao::crypto
