#include "crypto/bls.hpp"

#include <gtest/gtest.h>

#include "crypto/test_points.hpp"
#include "crypto/test_vectors.hpp"

namespace mutirao::crypto {
namespace {

const Bytes kMessage = pattern(40);

TEST(Bls, gives_the_bytes_of_another_implementation) {
    const auto file = read_vectors(MUTIRAO_VECTORS "/crypto/bls.json");
    const auto shared = bytes_at(file, "shared_message");
    std::vector<BlsPublicKey> keys;
    std::vector<BlsSignature> signatures;
    for (const auto& k : file.at("keys").as_array()) {
        const auto secret = *BlsSecretKey::generate(bytes_at(k, "material"));
        EXPECT_EQ(secret.to_bytes().hex(), text_at(k, "secret"));
        EXPECT_EQ(secret.public_key(), fixed_at<BlsPublicKey>(k, "public_key"));
        const auto message = bytes_at(k, "message");
        EXPECT_EQ(secret.sign(message), fixed_at<BlsSignature>(k, "signature"));
        EXPECT_EQ(secret.prove_possession(), fixed_at<BlsSignature>(k, "possession"));
        EXPECT_TRUE(verify(secret.public_key(), message, secret.sign(message)));
        EXPECT_TRUE(verify_possession(secret.public_key(), secret.prove_possession()));
        keys.push_back(secret.public_key());
        signatures.push_back(secret.sign(shared));
    }
    EXPECT_EQ(*aggregate(signatures), fixed_at<BlsSignature>(file, "aggregate"));
    EXPECT_TRUE(verify_aggregate(keys, shared, fixed_at<BlsSignature>(file, "aggregate")));
}

// EIP-2333 derives its master key by the same KeyGen: its test case 0.
TEST(Bls, generates_the_master_key_of_eip_2333) {
    const auto seed = *from_hex(
        "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f"
        "2cf141630c7a3c4ab7c81b2f001698e7463b04");
    // 6083874454709270928345386274498605044986640685124978867557563392430687146096
    EXPECT_EQ(BlsSecretKey::generate(seed)->to_bytes().hex(),
              "0d7359d57963ab8fbbde1852dcf553fedbc31f464d80ee7d40ae683122b45070");
}

TEST(Bls, secret_keys_are_between_zero_and_the_group_order) {
    const auto order = "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001";
    const auto last = "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000000";
    EXPECT_EQ(BlsSecretKey::from_bytes(*from_hex(last))->to_bytes().hex(), last);
    for (const auto& wrong : {*from_hex(order), Bytes(32), Bytes(32, 0xff), Bytes(31), Bytes(33)})
        EXPECT_EQ(BlsSecretKey::from_bytes(wrong).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(BlsSecretKey::generate(Bytes(31)).error().kind, ErrorKind::invalid_argument);
    const auto key = key_of(1);
    EXPECT_EQ(BlsSecretKey::from_bytes(key.to_bytes().span())->public_key(), key.public_key());
}

TEST(Bls, refuses_every_flipped_bit) {
    const auto secret = key_of(2);
    const auto key = secret.public_key();
    const auto signature = secret.sign(kMessage);
    ASSERT_TRUE(verify(key, kMessage, signature));
    for (std::size_t bit = 0; bit < 8 * BlsSignature::kSize; ++bit)
        ASSERT_FALSE(verify(key, kMessage, flipped(signature, bit))) << bit;
    for (std::size_t bit = 0; bit < 8 * BlsPublicKey::kSize; ++bit)
        ASSERT_FALSE(verify(flipped(key, bit), kMessage, signature)) << bit;
    for (std::size_t bit = 0; bit < 8 * kMessage.size(); bit += 17) {
        auto message = kMessage;
        message[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
        ASSERT_FALSE(verify(key, message, signature)) << bit;
    }
}

TEST(Bls, possession_and_signature_do_not_stand_for_each_other) {
    const auto secret = key_of(3);
    const auto key = secret.public_key();
    EXPECT_FALSE(verify_possession(key, secret.sign(key.span())));
    EXPECT_FALSE(verify(key, key.span(), secret.prove_possession()));
    EXPECT_FALSE(verify_possession(key, key_of(4).prove_possession()));
}

TEST(Bls, an_aggregate_needs_every_signer_and_the_one_message) {
    std::vector<BlsPublicKey> keys;
    std::vector<BlsSignature> signatures;
    for (std::uint64_t i = 0; i < 20; ++i) {
        keys.push_back(key_of(i).public_key());
        signatures.push_back(key_of(i).sign(kMessage));
    }
    const auto whole = *aggregate(signatures);
    EXPECT_TRUE(verify_aggregate(keys, kMessage, whole));
    EXPECT_FALSE(verify_aggregate(keys, pattern(41), whole));
    EXPECT_FALSE(verify_aggregate(std::span(keys).first(19), kMessage, whole));
    EXPECT_FALSE(verify_aggregate(keys, kMessage, *aggregate(std::span(signatures).first(19))));
    auto with_a_wrong_one = signatures;
    with_a_wrong_one[7] = key_of(7).sign(pattern(41));
    EXPECT_FALSE(verify_aggregate(keys, kMessage, *aggregate(with_a_wrong_one)));
    auto twice = keys;
    twice[3] = twice[4];
    EXPECT_FALSE(verify_aggregate(twice, kMessage, whole));
    EXPECT_FALSE(verify_aggregate(std::span<const BlsPublicKey>{}, kMessage, whole));
    EXPECT_FALSE(verify_aggregate(std::span<const BlsVerifiedKey>{}, kMessage, whole));
    EXPECT_EQ(aggregate({}).error().kind, ErrorKind::invalid_argument);
}

TEST(Bls, refuses_infinity_and_points_outside_the_group) {
    const auto secret = key_of(5);
    const auto key = secret.public_key();
    const auto signature = secret.sign(kMessage);
    EXPECT_FALSE(verify(infinity<BlsPublicKey>(), kMessage, infinity<BlsSignature>()));
    EXPECT_FALSE(verify_possession(infinity<BlsPublicKey>(), infinity<BlsSignature>()));
    EXPECT_FALSE(verify(key, kMessage, infinity<BlsSignature>()));
    EXPECT_FALSE(verify(infinity<BlsPublicKey>(), kMessage, signature));
    EXPECT_FALSE(verify(key, kMessage, signature_outside_the_group()));
    EXPECT_FALSE(verify(key_outside_the_group(), kMessage, signature));
    const std::vector keys{key, key_outside_the_group()};
    EXPECT_FALSE(verify_aggregate(keys, kMessage, signature));
    for (const auto& wrong :
         {infinity<BlsSignature>(), signature_outside_the_group(), BlsSignature{}}) {
        const std::vector signatures{signature, wrong};
        EXPECT_EQ(aggregate(signatures).error().kind, ErrorKind::corrupt);
    }
}

TEST(VerifiedKey, verifies_as_the_key_that_it_was_made_of) {
    const auto secret = key_of(7), other = key_of(8);
    const auto key = *BlsVerifiedKey::verify(secret.public_key(), secret.prove_possession());
    EXPECT_EQ(key.public_key(), secret.public_key());
    const std::vector keys{key, *BlsVerifiedKey::possession_shown(other.public_key())};
    const std::vector signatures{secret.sign(kMessage), other.sign(kMessage)};
    EXPECT_TRUE(verify_aggregate(keys, kMessage, *aggregate(signatures)));
    EXPECT_FALSE(verify_aggregate(keys, pattern(41), *aggregate(signatures)));
    EXPECT_FALSE(verify_aggregate(std::span(keys).first(1), kMessage, *aggregate(signatures)));
    EXPECT_TRUE(verify_aggregate(std::span(keys).first(1), kMessage, signatures[0]));
}

TEST(VerifiedKey, cannot_be_had_for_a_wrong_point_or_without_possession) {
    const auto secret = key_of(7);
    for (const auto& wrong : {infinity<BlsPublicKey>(), key_outside_the_group(), BlsPublicKey{}}) {
        EXPECT_EQ(BlsVerifiedKey::possession_shown(wrong).error().kind, ErrorKind::corrupt);
        EXPECT_FALSE(BlsVerifiedKey::verify(wrong, secret.prove_possession()).ok());
    }
    const auto key = secret.public_key();
    EXPECT_FALSE(BlsVerifiedKey::verify(key, secret.sign(key.span())).ok());
    EXPECT_FALSE(BlsVerifiedKey::verify(key, key_of(8).prove_possession()).ok());
}

// A rogue key is made from the victim's: K' = [x]G2 - K. With x alone its maker signs for both.
TEST(VerifiedKey, a_rogue_key_verifies_for_its_victim_and_has_no_possession) {
    const auto victim = key_of(9).public_key();
    const auto maker = key_of(10);
    blst_p2_affine own, minus_victim;
    blst_p2_uncompress(&own, maker.public_key().bytes.data());
    blst_p2_uncompress(&minus_victim, flipped(victim, 5).bytes.data());
    blst_p2 sum;
    blst_p2_from_affine(&sum, &own);
    blst_p2_add_or_double_affine(&sum, &sum, &minus_victim);
    BlsPublicKey rogue;
    blst_p2_compress(rogue.bytes.data(), &sum);
    const std::vector keys{victim, rogue};
    EXPECT_TRUE(verify_aggregate(keys, kMessage, maker.sign(kMessage)));  // hence the proofs
    EXPECT_FALSE(BlsVerifiedKey::verify(rogue, maker.prove_possession()).ok());
    EXPECT_FALSE(BlsVerifiedKey::verify(rogue, maker.sign(rogue.span())).ok());
}

// K and -K add up to infinity, which would verify anything.
TEST(Bls, keys_that_cancel_out_verify_nothing) {
    const auto key = key_of(6).public_key();
    const auto signature = key_of(6).sign(kMessage);
    const std::vector keys{key, flipped(key, 5)};
    const std::vector signatures{signature, flipped(signature, 5)};
    const auto sum = *aggregate(signatures);
    EXPECT_EQ(sum, infinity<BlsSignature>());
    EXPECT_FALSE(verify_aggregate(keys, kMessage, sum));
    EXPECT_FALSE(verify_aggregate(keys, kMessage, signature));
}

}  // namespace
}  // namespace mutirao::crypto
