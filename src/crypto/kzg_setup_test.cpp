#include "crypto/kzg_setup.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "crypto/test_vectors.hpp"

namespace mutirao::crypto::kzg_setup {
namespace {

blst_fr fr_from_big_endian(ByteSpan bytes) {
    return scalar_to_fr(Bytes(bytes.rbegin(), bytes.rend()));
}

blst_p1 to_projective(const blst_p1_affine& point) {
    blst_p1 out;
    blst_p1_from_affine(&out, &point);
    return out;
}

// The same equation, for polynomials and points that are not ours: those of c-kzg.
TEST(KzgSetup, checks_openings_as_c_kzg_does) {
    const auto file = read_vectors(MUTIRAO_VECTORS "/crypto/kzg.json");
    for (const auto& e : file.at("equation").as_array()) {
        blst_p1_affine commitment, proof;
        ASSERT_TRUE(load_point(bytes_at(e, "commitment"), commitment));
        ASSERT_TRUE(load_point(bytes_at(e, "proof"), proof));
        EXPECT_EQ(opens_to(to_projective(commitment), fr_from_big_endian(bytes_at(e, "z")),
                           fr_from_big_endian(bytes_at(e, "y")), proof),
                  e.at("opens").as_bool());
    }
}

// The values of X^i at the roots w^s are w^(s i): their commitment must be [tau^i]G1 itself.
TEST(KzgSetup, commits_every_power_of_x_to_its_own_point) {
    const std::vector<blst_p1_affine> basis(setup().lagrange.begin(), setup().lagrange.end());
    for (const std::size_t i : {0u, 1u, 2u, 100u, 254u, 255u}) {
        std::vector<blst_fr> values;
        for (std::size_t s = 0; s < kSlots; ++s) values.push_back(setup().roots[s * i % kSlots]);
        const auto sum = sum_of_products(basis, values);
        std::array<std::uint8_t, 48> bytes;
        blst_p1_compress(bytes.data(), &sum);
        EXPECT_EQ(to_hex(bytes), to_hex({kPowersG1[i], 48})) << i;
    }
}

// The table's way and the plain one, also where windows are empty, full, or carry.
TEST(KzgSetup, the_table_gives_the_sums_of_the_plain_way) {
    const std::vector<blst_p1_affine> basis(setup().lagrange.begin(), setup().lagrange.end());
    const auto last = fr_from_big_endian(
        *from_hex("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000000"));
    SeededRandom random(2);
    for (int round = 0; round < 6; ++round) {
        std::array<blst_fr, kSlots> scalars{};
        for (std::size_t s = 0; s < kSlots; ++s) {
            Scalar scalar{};
            if (round == 1) scalar.bytes[0] = 1;
            if (round == 2) scalar.bytes[s % 31] = 0x80;
            if (round == 3) scalar.bytes.fill(s % 2 == 0 ? 0x3f : 0);
            if (round >= 4) scalar = to_scalar(random.fixed<Digest>());
            scalars[s] = round == 5 && s % 3 == 0 ? last : scalar_to_fr(scalar.span());
        }
        const auto fast = sum_in_basis(scalars);
        const auto plain = sum_of_products(basis, {scalars.begin(), scalars.end()});
        EXPECT_TRUE(blst_p1_is_equal(&fast, &plain)) << round;
    }
}

// Each power is tau times the one before: e(sum r_i P_(i+1), G2) = e(sum r_i P_i, [tau]G2).
TEST(KzgSetup, its_points_are_the_powers_of_one_secret) {
    SeededRandom random(1);
    std::vector<blst_p1_affine> lower, upper;
    std::vector<blst_fr> weights;
    for (std::size_t i = 0; i + 1 < kSlots; ++i) {
        ASSERT_TRUE(load_point({kPowersG1[i], 48}, lower.emplace_back()));
        ASSERT_TRUE(load_point({kPowersG1[i + 1], 48}, upper.emplace_back()));
        weights.push_back(scalar_to_fr(to_scalar(random.fixed<Digest>()).span()));
    }
    blst_p1_affine low, high;
    const auto low_sum = sum_of_products(lower, weights),
               high_sum = sum_of_products(upper, weights);
    blst_p1_to_affine(&low, &low_sum);
    blst_p1_to_affine(&high, &high_sum);
    blst_fp12 left, right;
    blst_miller_loop(&left, &setup().g2, &high);
    blst_miller_loop(&right, &setup().tau_g2, &low);
    EXPECT_TRUE(blst_fp12_finalverify(&left, &right));
    blst_miller_loop(&right, &setup().g2, &low);
    EXPECT_FALSE(blst_fp12_finalverify(&left, &right));
}

TEST(KzgSetup, starts_from_the_generators_and_a_root_of_order_256) {
    EXPECT_TRUE(blst_p1_affine_is_equal(&setup().g1, blst_p1_affine_generator()));
    EXPECT_TRUE(blst_p2_affine_is_equal(&setup().g2, blst_p2_affine_generator()));
    const auto& roots = setup().roots;
    blst_fr product;
    blst_fr_mul(&product, &roots[255], &roots[1]);
    EXPECT_EQ(std::memcmp(&product, &roots[0], sizeof(product)), 0);
    blst_fr_mul(&product, &roots[128], &roots[128]);
    EXPECT_EQ(std::memcmp(&product, &roots[0], sizeof(product)), 0);
    EXPECT_NE(std::memcmp(&roots[128], &roots[0], sizeof(product)), 0);
}

TEST(KzgSetup, takes_points_of_the_subgroup_only) {
    KzgCommitment infinity{};
    infinity.bytes[0] = 0xc0;
    EXPECT_TRUE(CheckedCommitment::check(infinity).ok());
    EXPECT_TRUE(CheckedCommitment::check(*KzgCommitment::from_bytes({kPowersG1[1], 48})).ok());
    EXPECT_FALSE(CheckedCommitment::check(KzgCommitment{}).ok());
    int on_the_curve = 0;
    for (std::uint8_t x = 1; x < 30; ++x) {
        KzgCommitment point{};
        point.bytes[0] = 0x80;
        point.bytes[47] = x;
        blst_p1_affine affine;
        if (blst_p1_uncompress(&affine, point.bytes.data()) != BLST_SUCCESS) continue;
        ++on_the_curve;
        EXPECT_EQ(CheckedCommitment::check(point).ok(), blst_p1_affine_in_g1(&affine)) << int{x};
        EXPECT_FALSE(CheckedCommitment::check(point).ok()) << int{x};
    }
    EXPECT_GT(on_the_curve, 5);
}

}  // namespace
}  // namespace mutirao::crypto::kzg_setup
