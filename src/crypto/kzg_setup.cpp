#include "crypto/kzg_setup.hpp"

#include <algorithm>

namespace mutirao::crypto::kzg_setup {
namespace {

constexpr std::size_t kTableBits = 8;  // of a window: 9 is no faster, 10 takes 12 MiB for 2.4 ms
constexpr std::size_t kPartsMax = 8;   // threads that one sum is worth
constexpr std::size_t kScalarBits = 255;

// Terms of a sum of products, without those at infinity, which Pippenger's additions do not take.
template <std::size_t ScalarSize>
class Terms {
  public:
    void add(const blst_p1_affine& point, const std::uint8_t* scalar) {
        if (blst_p1_affine_is_inf(&point)) return;
        points_.push_back(point);
        scalars_.insert(scalars_.end(), scalar, scalar + ScalarSize);
    }
    blst_p1 sum(std::size_t bits) const {
        blst_p1 out{};
        if (points_.empty()) return out;
        const blst_p1_affine* const points[2] = {points_.data(), nullptr};
        const std::uint8_t* const scalars[2] = {scalars_.data(), nullptr};
        std::vector<limb_t> scratch(blst_p1s_mult_pippenger_scratch_sizeof(points_.size()) /
                                    sizeof(limb_t));
        blst_p1s_mult_pippenger(&out, points, points_.size(), scalars, bits, scratch.data());
        return out;
    }

  private:
    std::vector<blst_p1_affine> points_;
    Bytes scalars_;
};

blst_fr fr_from_u64(std::uint64_t value) {
    const std::uint64_t words[4] = {value, 0, 0, 0};
    blst_fr out;
    blst_fr_from_uint64(&out, words);
    return out;
}

blst_fr power(blst_fr base, const std::array<std::uint64_t, 4>& exponent) {
    blst_fr out = fr_from_u64(1);
    for (int bit = 255; bit >= 0; --bit) {
        blst_fr_sqr(&out, &out);
        if (exponent[static_cast<std::size_t>(bit) / 64] >> (bit % 64) & 1)
            blst_fr_mul(&out, &out, &base);
    }
    return out;
}

// (r - 1) / m, for r the order of the scalar field.
std::array<std::uint64_t, 4> root_exponent() {
    std::array<std::uint64_t, 4> r{0xffffffff00000001u, 0x53bda402fffe5bfeu, 0x3339d80809a1d805u,
                                   0x73eda753299d7d48u};
    r[0] -= 1;
    for (std::uint32_t m = kSlots; m > 1; m /= 2)
        for (std::size_t i = 0; i < 4; ++i) r[i] = r[i] >> 1 | (i + 1 < 4 ? r[i + 1] << 63 : 0);
    return r;
}

blst_p1 multiply(const blst_p1& point, const blst_fr& by) {
    blst_scalar scalar;
    blst_scalar_from_fr(&scalar, &by);
    const bool is_short = std::all_of(scalar.b + 16, scalar.b + 32, [](auto b) { return b == 0; });
    blst_p1 out;
    blst_p1_mult(&out, &point, scalar.b, is_short ? 128 : 255);
    return out;
}

// [L_s(tau)]G1 = 1/m * sum_i w^(-s i) [tau^i]G1: an inverse FFT over group elements.
std::vector<blst_p1> inverse_group_fft(std::vector<blst_p1> values,
                                       const std::array<blst_fr, kSlots>& roots) {
    for (std::size_t i = 1, j = 0; i < kSlots; ++i) {
        std::size_t bit = kSlots >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j |= bit;
        if (i < j) std::swap(values[i], values[j]);
    }
    for (std::size_t half = 1; half < kSlots; half *= 2)
        for (std::size_t start = 0; start < kSlots; start += 2 * half)
            for (std::size_t i = 0; i < half; ++i) {
                const auto& twiddle = roots[(kSlots - i * (kSlots / (2 * half))) % kSlots];
                blst_p1& low = values[start + i];
                blst_p1& high = values[start + i + half];
                blst_p1 product = i == 0 ? high : multiply(high, twiddle);
                blst_p1 negative = product;
                blst_p1_cneg(&negative, true);
                blst_p1_add_or_double(&high, &low, &negative);
                blst_p1_add_or_double(&low, &low, &product);
            }
    blst_fr inverse_size = fr_from_u64(kSlots);
    blst_fr_eucl_inverse(&inverse_size, &inverse_size);
    for (auto& value : values) value = multiply(value, inverse_size);
    return values;
}

// The basis must give back the setup: sum of L_s = G1 and sum of w^s L_s = [tau]G1, and the latter
// must pair with G2 as G1 pairs with [tau]G2.
bool is_consistent(const Setup& setup) {
    const std::vector<blst_p1_affine> points(setup.lagrange.begin(), setup.lagrange.end());
    const std::vector<blst_fr> ones(kSlots, fr_from_u64(1));
    const std::vector<blst_fr> roots(setup.roots.begin(), setup.roots.end());
    const auto one = sum_of_products(points, ones);
    const auto tau = sum_of_products(points, roots);
    blst_p1 g1;
    blst_p1_from_affine(&g1, &setup.g1);
    if (!blst_p1_is_equal(&one, &g1)) return false;
    blst_p1_affine tau_g1;
    blst_p1_to_affine(&tau_g1, &tau);
    blst_fp12 left, right;
    blst_miller_loop(&left, &setup.g2, &tau_g1);
    blst_miller_loop(&right, &setup.tau_g2, &setup.g1);
    return blst_fp12_finalverify(&left, &right);
}

Setup build() {
    Setup out;
    blst_fr root = power(fr_from_u64(7), root_exponent());
    out.roots[0] = fr_from_u64(1);
    for (std::size_t i = 1; i < kSlots; ++i) blst_fr_mul(&out.roots[i], &out.roots[i - 1], &root);
    out.inverse_distance[0] = {};
    for (std::size_t i = 1; i < kSlots; ++i) {
        blst_fr_sub(&out.inverse_distance[i], &out.roots[i], &out.roots[0]);
        blst_fr_eucl_inverse(&out.inverse_distance[i], &out.inverse_distance[i]);
    }
    std::vector<blst_p1> powers(kSlots);
    for (std::size_t i = 0; i < kSlots; ++i) {
        blst_p1_affine point;
        ENSURE(load_point({kPowersG1[i], 48}, point), "the KZG setup holds a bad point");
        blst_p1_from_affine(&powers[i], &point);
        if (i == 0) out.g1 = point;
    }
    ENSURE(blst_p2_uncompress(&out.g2, kPowersG2[0]) == BLST_SUCCESS);
    ENSURE(blst_p2_uncompress(&out.tau_g2, kPowersG2[1]) == BLST_SUCCESS);
    blst_precompute_lines(out.g2_lines.data(), &out.g2);
    blst_precompute_lines(out.tau_g2_lines.data(), &out.tau_g2);
    const auto basis = inverse_group_fft(std::move(powers), out.roots);
    for (std::size_t i = 0; i < kSlots; ++i) blst_p1_to_affine(&out.lagrange[i], &basis[i]);
    ENSURE(is_consistent(out), "the KZG setup is inconsistent");
    return out;
}

}  // namespace

const Setup& setup() {
    static const Setup instance = build();
    return instance;
}

bool load_point(ByteSpan compressed, blst_p1_affine& out) {
    return compressed.size() == 48 && blst_p1_uncompress(&out, compressed.data()) == BLST_SUCCESS &&
           blst_p1_affine_in_g1(&out);
}

blst_fr scalar_to_fr(ByteSpan little_endian) {
    blst_scalar scalar;
    blst_scalar_from_lendian(&scalar, little_endian.data());
    blst_fr out;
    blst_fr_from_scalar(&out, &scalar);
    return out;
}

blst_p1 sum_in_basis(std::span<const std::uint8_t, kSlots * 32> scalars, const Threads& threads) {
    static const std::vector<blst_p1_affine> table = [] {
        const blst_p1_affine* const points[2] = {setup().lagrange.data(), nullptr};
        std::vector<blst_p1_affine> out(blst_p1s_mult_wbits_precompute_sizeof(kTableBits, kSlots) /
                                        sizeof(blst_p1_affine));
        blst_p1s_mult_wbits_precompute(out.data(), kTableBits, points, kSlots);
        return out;
    }();
    // Each thread sums a run of points; the doublings that it repeats are a twentieth of the work.
    const std::size_t parts = std::min<std::size_t>(threads.workers(), kPartsMax);
    const std::size_t size = kSlots / parts;
    std::array<blst_p1, kPartsMax> sums;
    run_parallel(threads, parts, [&](unsigned, std::size_t part) {
        const std::size_t first = part * size;
        const std::size_t count = part + 1 == parts ? kSlots - first : size;
        const std::uint8_t* const list[2] = {scalars.data() + 32 * first, nullptr};
        std::vector<limb_t> scratch(blst_p1s_mult_wbits_scratch_sizeof(count) / sizeof(limb_t));
        blst_p1s_mult_wbits(&sums[part], table.data() + (first << (kTableBits - 1)), kTableBits,
                            count, list, kScalarBits, scratch.data());
    });
    for (std::size_t part = 1; part < parts; ++part)
        blst_p1_add_or_double(&sums[0], &sums[0], &sums[part]);
    return sums[0];
}

blst_p1 sum_in_basis(const std::array<blst_fr, kSlots>& scalars, const Threads& threads) {
    std::array<std::uint8_t, kSlots * 32> bytes;
    for (std::size_t i = 0; i < kSlots; ++i) {
        blst_scalar scalar;
        blst_scalar_from_fr(&scalar, &scalars[i]);
        std::copy_n(scalar.b, 32, bytes.begin() + static_cast<std::ptrdiff_t>(32 * i));
    }
    return sum_in_basis(bytes, threads);
}

blst_p1 sum_of_products(const std::vector<blst_p1_affine>& points,
                        const std::vector<blst_fr>& scalars) {
    ENSURE(points.size() == scalars.size());
    Terms<32> terms;
    for (std::size_t i = 0; i < points.size(); ++i) {
        blst_scalar scalar;
        blst_scalar_from_fr(&scalar, &scalars[i]);
        terms.add(points[i], scalar.b);
    }
    return terms.sum(kScalarBits);
}

blst_p1 weighted_sum(std::span<const blst_p1_affine> points, std::span<const Weight> weights) {
    ENSURE(points.size() == weights.size());
    Terms<sizeof(Weight)> terms;
    for (std::size_t i = 0; i < points.size(); ++i) terms.add(points[i], weights[i].data());
    return terms.sum(8 * sizeof(Weight));
}

// As one product, e(C - [y]G1 + z*pi, G2) * e(-pi, [tau]G2) == 1, with the lines of both points of
// G2 known beforehand.
bool opens_to(const blst_p1& commitment, const blst_fr& z, const blst_fr& y,
              const blst_p1_affine& proof) {
    const auto& known = setup();
    blst_p1 g1, pi;
    blst_p1_from_affine(&g1, &known.g1);
    blst_p1_from_affine(&pi, &proof);
    blst_p1 sum = multiply(g1, y);
    blst_p1_cneg(&sum, true);
    const blst_p1 z_pi = multiply(pi, z);
    blst_p1_add_or_double(&sum, &sum, &z_pi);
    blst_p1_add_or_double(&sum, &sum, &commitment);
    blst_p1_cneg(&pi, true);
    blst_p1_affine left, right;
    blst_p1_to_affine(&left, &sum);
    blst_p1_to_affine(&right, &pi);
    // A pairing with infinity is one, and the Miller loop takes finite points only.
    const bool left_is_one = blst_p1_affine_is_inf(&left);
    const bool right_is_one = blst_p1_affine_is_inf(&right);
    if (left_is_one || right_is_one) return left_is_one == right_is_one;
    blst_fp12 product, other;
    blst_miller_loop_lines(&product, known.g2_lines.data(), &left);
    blst_miller_loop_lines(&other, known.tau_g2_lines.data(), &right);
    blst_fp12_mul(&product, &product, &other);
    blst_final_exp(&product, &product);
    return blst_fp12_is_one(&product);
}

}  // namespace mutirao::crypto::kzg_setup
