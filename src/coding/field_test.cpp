#include "coding/field.hpp"

#include <gtest/gtest.h>

#include "coding/test_rows.hpp"

namespace mutirao::coding {
namespace {

TEST(Field, tower_constant_is_the_least_that_is_irreducible) {
    for (int d = 0; d <= kTowerConstant; ++d) {
        bool has_root = false;
        for (int x = 0; x < 256; ++x)
            has_root |= (mul8(static_cast<F8>(x), static_cast<F8>(x)) ^ x ^ d) == 0;
        EXPECT_EQ(has_root, d < kTowerConstant) << d;
    }
}

TEST(Field, cantor_basis_solves_its_equation_with_the_smaller_root) {
    for (std::size_t i = 0; i + 1 < kCantorBasis.size(); ++i) {
        const F16 y = kCantorBasis[i + 1];
        EXPECT_EQ(mul16(y, y) ^ y, kCantorBasis[i]);
        EXPECT_LT(y, y ^ 1);
    }
    for (std::size_t i = 0; i < 8; ++i) EXPECT_LT(kCantorBasis[i], 256);
}

TEST(Field, logarithms_invert_every_element) {
    for (std::uint32_t a = 1; a <= kGroupOrder; ++a)
        ASSERT_EQ(mul16(static_cast<F16>(a), inverse16(static_cast<F16>(a))), 1);
}

}  // namespace
}  // namespace mutirao::coding
