// The trusted setup as points, and the pairing equation of one opening. Internal to crypto.
#pragma once

#include <array>
#include <blst.h>
#include <span>
#include <vector>

#include "base/parallel.hpp"
#include "crypto/drawn_weights.hpp"
#include "crypto/kzg.hpp"

namespace mutirao::crypto::kzg_setup {

// Generated: [tau^i]G1 for i < 256, and G2, [tau]G2; compressed.
extern const std::uint8_t kPowersG1[kSlots][48];
extern const std::uint8_t kPowersG2[2][96];

struct Setup {
    std::array<blst_p1_affine, kSlots> lagrange;   // [L_s(tau)]G1, natural order
    std::array<blst_fr, kSlots> roots;             // w_m^s
    std::array<blst_fr, kSlots> inverse_distance;  // 1 / (w_m^s - 1); zero at 0
    blst_p1_affine g1;
    blst_p2_affine g2, tau_g2;
    std::array<blst_fp6, 68> g2_lines, tau_g2_lines;  // for Miller loops
};

// Derived once per process (about 0.15 s); stops the process if the setup is inconsistent.
const Setup& setup();

// e(C - [y]G1 + z*pi, G2) == e(pi, [tau]G2): pi opens C at z to y.
bool opens_to(const blst_p1& commitment, const blst_fr& z, const blst_fr& y,
              const blst_p1_affine& proof);

// Sum of scalars[i] * L_i, for 256 times 32 little-endian bytes below the group order, from a table
// of multiples of the basis (3 MiB, 25 ms; made once per process, by the first call). 3.5 ms.
blst_p1 sum_in_basis(std::span<const std::uint8_t, kSlots * 32> scalars,
                     const Threads& threads = {});
blst_p1 sum_in_basis(const std::array<blst_fr, kSlots>& scalars, const Threads& threads = {});

// Sum of scalars[i] * points[i] (Pippenger).
blst_p1 sum_of_products(const std::vector<blst_p1_affine>& points,
                        const std::vector<blst_fr>& scalars);
blst_p1 weighted_sum(std::span<const blst_p1_affine> points, std::span<const Weight> weights);

blst_fr scalar_to_fr(ByteSpan little_endian);
// A compressed point of the prime-order subgroup; infinity is one.
bool load_point(ByteSpan compressed, blst_p1_affine& out);

}  // namespace mutirao::crypto::kzg_setup
