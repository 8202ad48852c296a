#include "crypto/kzg.hpp"

#include <algorithm>

#include "base/codec.hpp"
#include "crypto/hash.hpp"
#include "crypto/kzg_setup.hpp"

namespace mutirao::crypto {
namespace {

using namespace kzg_setup;
using Values = std::array<blst_fr, kSlots>;

std::vector<blst_p1_affine> lagrange_points() {
    return {setup().lagrange.begin(), setup().lagrange.end()};
}

KzgCommitment compress(const blst_p1& point) {
    KzgCommitment out;
    blst_p1_compress(out.bytes.data(), &point);
    return out;
}

// The low 128 bits of a weight, never zero.
blst_fr weight_of(const Digest& gamma) {
    std::array<std::uint8_t, 32> low{};
    std::copy(gamma.bytes.begin(), gamma.bytes.begin() + 16, low.begin());
    if (std::all_of(low.begin(), low.end(), [](auto b) { return b == 0; })) low[0] = 1;
    return scalar_to_fr(low);
}

// Sum of weight_j * vector_j, position by position.
Values combine(std::span<const std::span<const Scalar>> vectors, std::span<const blst_fr> weights) {
    Values out{};
    for (std::size_t j = 0; j < vectors.size(); ++j) {
        ENSURE(vectors[j].size() == kSlots);
        for (std::size_t s = 0; s < kSlots; ++s) {
            blst_fr term = scalar_to_fr(vectors[j][s].span());
            blst_fr_mul(&term, &term, &weights[j]);
            blst_fr_add(&out[s], &out[s], &term);
        }
    }
    return out;
}

// Values of (F(X) - F(z)) / (X - z) over the domain, z = w^slot. Off z it is a division; at z it is
// the derivative, from the others: q(z) = -sum_{s != slot} (F_s - F_slot)/(w^s - z) * w^s / z.
Values quotient(const Values& f, std::uint32_t slot) {
    const auto& known = setup();
    const auto& inverse_z = known.roots[(kSlots - slot) % kSlots];
    Values q{};
    for (std::uint32_t s = 0; s < kSlots; ++s) {
        if (s == slot) continue;
        const std::uint32_t apart = (s + kSlots - slot) % kSlots;
        blst_fr_sub(&q[s], &f[s], &f[slot]);
        blst_fr_mul(&q[s], &q[s], &known.inverse_distance[apart]);
        blst_fr_mul(&q[s], &q[s], &inverse_z);
        blst_fr term;
        blst_fr_mul(&term, &q[s], &known.roots[apart]);
        blst_fr_sub(&q[slot], &q[slot], &term);
    }
    return q;
}

// Without this, y and y + r would both open a commitment to y.
bool is_scalar(const Scalar& scalar) { return scalar.bytes[31] < 0x40; }

bool load_all(std::span<const KzgCommitment> commitments, std::vector<blst_p1_affine>& out) {
    for (const auto& commitment : commitments)
        if (!load_point(commitment.span(), out.emplace_back())) return false;
    return true;
}

}  // namespace

Scalar to_scalar(const Digest& digest) {
    Scalar out{digest.bytes};
    out.bytes[31] &= 0x3f;
    return out;
}

KzgCommitment commit(std::span<const Scalar> values) {
    ENSURE(values.size() == kSlots);
    std::vector<blst_fr> scalars;
    for (const auto& value : values) scalars.push_back(scalar_to_fr(value.span()));
    return compress(sum_of_products(lagrange_points(), scalars));
}

KzgProof open_slot(std::span<const std::span<const Scalar>> vectors, std::span<const Digest> gammas,
                   std::uint32_t slot) {
    ENSURE(slot < kSlots && !vectors.empty() && vectors.size() == gammas.size());
    std::vector<blst_fr> weights;
    for (const auto& gamma : gammas) weights.push_back(weight_of(gamma));
    const auto q = quotient(combine(vectors, weights), slot);
    return KzgProof{compress(sum_of_products(lagrange_points(), {q.begin(), q.end()})).bytes};
}

bool verify_slot(std::span<const KzgCommitment> commitments, std::span<const Scalar> values,
                 std::span<const Digest> gammas, std::uint32_t slot, const KzgProof& proof) {
    if (slot >= kSlots || commitments.empty() || commitments.size() != values.size() ||
        commitments.size() != gammas.size() ||
        !std::all_of(values.begin(), values.end(), is_scalar))
        return false;
    std::vector<blst_p1_affine> points;
    blst_p1_affine pi;
    if (!load_all(commitments, points) || !load_point(proof.span(), pi)) return false;
    std::vector<blst_fr> weights;
    blst_fr y{};
    for (std::size_t j = 0; j < values.size(); ++j) {
        weights.push_back(weight_of(gammas[j]));
        blst_fr term = scalar_to_fr(values[j].span());
        blst_fr_mul(&term, &term, &weights[j]);
        blst_fr_add(&y, &y, &term);
    }
    return opens_to(sum_of_products(points, weights), setup().roots[slot], y, pi);
}

bool verify_commitments(std::span<const KzgCommitment> commitments,
                        std::span<const std::span<const Scalar>> vectors,
                        const Digest& weights_seed) {
    for (const auto& vector : vectors)
        if (vector.size() != kSlots || !std::all_of(vector.begin(), vector.end(), is_scalar))
            return false;
    std::vector<blst_p1_affine> points;
    if (commitments.empty() || commitments.size() != vectors.size() ||
        !load_all(commitments, points))
        return false;
    std::vector<blst_fr> weights;
    for (std::uint64_t j = 0; j < commitments.size(); ++j) {
        Writer seed;
        seed.raw(weights_seed.span()).u(j);
        weights.push_back(weight_of(blake3_keyed(domain_key("commitment weights"), seed.bytes())));
    }
    const auto f = combine(vectors, weights);
    const auto expected = sum_of_products(lagrange_points(), {f.begin(), f.end()});
    const auto got = sum_of_products(points, weights);
    return blst_p1_is_equal(&expected, &got);
}

bool is_in_group(const KzgCommitment& commitment) {
    blst_p1_affine point;
    return load_point(commitment.span(), point);
}

}  // namespace mutirao::crypto
