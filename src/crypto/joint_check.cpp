#include "crypto/joint_check.hpp"

#include "base/codec.hpp"
#include "crypto/bls_points.hpp"
#include "crypto/kzg_setup.hpp"
#include "crypto/pairing_terms.hpp"

namespace mutirao::crypto {
namespace {

blst_p1 negative(blst_p1 point) {
    blst_p1_cneg(&point, true);
    return point;
}

// A pairing with infinity is one, and Miller loops take finite points only.
void multiply(blst_fp12& product, const blst_p1& point, const blst_fp6* lines) {
    if (blst_p1_is_inf(&point)) return;
    const auto affine = bls_points::to_affine(point);
    blst_fp12 factor;
    blst_miller_loop_lines(&factor, lines, &affine);
    blst_fp12_mul(&product, &product, &factor);
}

}  // namespace

bool verify_jointly(std::span<const AggregateClaim> claims,
                    std::span<const PointOpening> openings) {
    if (openings.empty()) return verify_aggregates(claims);
    if (claims.empty()) return verify_openings(openings);
    const auto statement = Writer()
                               .blob(pairing_terms::statement_of(claims))
                               .blob(pairing_terms::statement_of(openings))
                               .bytes();
    const auto weights = drawn_weights("joint weights", statement, claims.size() + openings.size());
    const auto first = std::span(weights).first(claims.size());
    const auto signed_terms = pairing_terms::of(claims, first);
    const auto opened = pairing_terms::of(openings, std::span(weights).subspan(claims.size()));
    if (!signed_terms || !opened) return false;
    blst_p1 signature;
    blst_p1_from_affine(&signature, &signed_terms->signature);
    signature = negative(signature);
    blst_p1 with_g2;
    blst_p1_add_or_double(&with_g2, &opened->with_g2, &signature);
    std::vector<blst_p1_affine> in_g1;
    std::vector<blst_p2_affine> in_g2;
    for (std::size_t i = 0; i < signed_terms->hashes.size(); ++i) {
        if (blst_p1_affine_is_inf(&signed_terms->hashes[i])) continue;
        in_g1.push_back(signed_terms->hashes[i]);
        in_g2.push_back(signed_terms->keys[i]);
    }
    blst_fp12 product = *blst_fp12_one();
    if (!in_g1.empty()) {
        const blst_p1_affine* const left[2] = {in_g1.data(), nullptr};
        const blst_p2_affine* const right[2] = {in_g2.data(), nullptr};
        blst_miller_loop_n(&product, right, left, in_g1.size());
    }
    const auto& known = kzg_setup::setup();
    multiply(product, with_g2, known.g2_lines.data());
    multiply(product, negative(opened->with_tau), known.tau_g2_lines.data());
    blst_final_exp(&product, &product);
    return blst_fp12_is_one(&product);
}

}  // namespace mutirao::crypto
