#include "crypto/kzg.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/codec.hpp"
#include "crypto/hash.hpp"
#include "crypto/kzg_setup.hpp"
#include "crypto/load_points.hpp"
#include "crypto/pairing_terms.hpp"

namespace mutirao::crypto {
namespace {

using namespace kzg_setup;
using Values = std::array<blst_fr, kSlots>;

KzgCommitment compress(const blst_p1& point) {
    KzgCommitment out;
    blst_p1_compress(out.bytes.data(), &point);
    return out;
}

// The low 128 bits, never zero: a vector of weight zero would not be looked at.
Weight weight_of(const Digest& gamma) {
    Weight out;
    std::copy_n(gamma.bytes.begin(), out.size(), out.begin());
    if (std::all_of(out.begin(), out.end(), [](auto b) { return b == 0; })) out[0] = 1;
    return out;
}

std::vector<Weight> weights_of(std::span<const Digest> gammas) {
    std::vector<Weight> out;
    for (const auto& gamma : gammas) out.push_back(weight_of(gamma));
    return out;
}

// Without this, y and y + r would both open a commitment to y.
bool is_scalar(const Scalar& scalar) { return scalar.bytes[31] < 0x40; }
bool are_scalars(std::span<const Scalar> scalars) {
    return std::all_of(scalars.begin(), scalars.end(), is_scalar);
}

// Multiplies plain scalars by one weight. The library multiplies in Montgomery form, (a, b) ->
// a b / R; with the weight as w R^2, y needs no conversion to come out as w y R.
class Multiplier {
  public:
    explicit Multiplier(const Weight& weight) {
        std::array<std::uint64_t, 4> words{};
        std::memcpy(words.data(), weight.data(), weight.size());
        for (int factors = 0; factors < 2; ++factors) {
            blst_fr_from_uint64(&weight_, words.data());  // times R
            std::memcpy(words.data(), &weight_, sizeof weight_);
        }
    }
    void add_product(blst_fr& sum, const Scalar& scalar) const {
        blst_fr term;
        std::memcpy(&term, scalar.bytes.data(), sizeof term);
        blst_fr_mul(&term, &term, &weight_);
        blst_fr_add(&sum, &sum, &term);
    }

  private:
    blst_fr weight_;
};
static_assert(sizeof(blst_fr) == Scalar::kSize && std::endian::native == std::endian::little);

// Sum of weight_j * vector_j, position by position.
Values combine(std::span<const std::span<const Scalar>> vectors, std::span<const Weight> weights) {
    Values out{};
    for (std::size_t j = 0; j < vectors.size(); ++j) {
        const Multiplier weight(weights[j]);
        for (std::size_t s = 0; s < kSlots; ++s) weight.add_product(out[s], vectors[j][s]);
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

blst_p1_affine point_of(const CheckedCommitment& commitment) {
    blst_p1_affine out;
    static_assert(sizeof out == sizeof commitment.point());
    std::memcpy(&out, commitment.point().data(), sizeof out);
    return out;
}

// Whether all are points of the group.
bool load_all(std::span<const CompressedPoint> compressed, std::vector<blst_p1_affine>& out) {
    out.resize(compressed.size());
    const auto good = load_points(compressed, out);
    return std::find(good.begin(), good.end(), false) == good.end();
}
bool load_all(std::span<const KzgCommitment> commitments, std::vector<blst_p1_affine>& out) {
    std::vector<CompressedPoint> compressed;
    for (const auto& commitment : commitments) compressed.emplace_back(commitment.bytes);
    return load_all(compressed, out);
}
// Commitments and proofs together: their lanes are full, but for the last ones.
bool load_all(std::span<const PointOpening> openings, std::vector<blst_p1_affine>& commitments,
              std::vector<blst_p1_affine>& proofs) {
    std::vector<CompressedPoint> compressed;
    for (const auto& each : openings) compressed.emplace_back(each.commitment.bytes);
    for (const auto& each : openings) compressed.emplace_back(each.proof.bytes);
    if (!load_all(compressed, commitments)) return false;
    const auto middle = commitments.begin() + static_cast<std::ptrdiff_t>(openings.size());
    proofs.assign(middle, commitments.end());
    commitments.erase(middle, commitments.end());
    return true;
}

bool verify_points(std::span<const blst_p1_affine> points, std::span<const Scalar> values,
                   std::span<const Digest> gammas, std::uint32_t slot, const KzgProof& proof) {
    blst_p1_affine pi;
    if (slot >= kSlots || points.empty() || points.size() != values.size() ||
        points.size() != gammas.size() || !are_scalars(values) || !load_point(proof.span(), pi))
        return false;
    const auto weights = weights_of(gammas);
    blst_fr y{};
    for (std::size_t j = 0; j < values.size(); ++j)
        Multiplier(weights[j]).add_product(y, values[j]);
    return opens_to(weighted_sum(points, weights), setup().roots[slot], y, pi);
}

}  // namespace

Scalar to_scalar(const Digest& digest) {
    Scalar out{digest.bytes};
    out.bytes[31] &= 0x3f;
    return out;
}

Result<CheckedCommitment> CheckedCommitment::check(const KzgCommitment& commitment) {
    blst_p1_affine point;
    if (!load_point(commitment.span(), point))
        return Error{ErrorKind::corrupt, "the KZG commitment is no point of the group"};
    CheckedCommitment out;
    std::memcpy(out.point_.data(), &point, sizeof point);
    return out;
}

KzgCommitment commit(std::span<const Scalar> values, const Threads& threads) {
    ENSURE(values.size() == kSlots && are_scalars(values));
    static_assert(sizeof(Scalar) == Scalar::kSize);
    return compress(sum_in_basis(std::span<const std::uint8_t, kSlots * Scalar::kSize>(
                                     values.front().bytes.data(), kSlots * Scalar::kSize),
                                 threads));
}

KzgProof open_slot(std::span<const std::span<const Scalar>> vectors, std::span<const Digest> gammas,
                   std::uint32_t slot) {
    ENSURE(slot < kSlots && !vectors.empty() && vectors.size() == gammas.size());
    for (const auto& vector : vectors) ENSURE(vector.size() == kSlots && are_scalars(vector));
    const auto q = quotient(combine(vectors, weights_of(gammas)), slot);
    return KzgProof{compress(sum_in_basis(q)).bytes};
}

bool verify_slot(std::span<const KzgCommitment> commitments, std::span<const Scalar> values,
                 std::span<const Digest> gammas, std::uint32_t slot, const KzgProof& proof) {
    std::vector<blst_p1_affine> points;
    return load_all(commitments, points) && verify_points(points, values, gammas, slot, proof);
}

bool verify_slot(std::span<const CheckedCommitment> commitments, std::span<const Scalar> values,
                 std::span<const Digest> gammas, std::uint32_t slot, const KzgProof& proof) {
    std::vector<blst_p1_affine> points;
    for (const auto& commitment : commitments) points.push_back(point_of(commitment));
    return verify_points(points, values, gammas, slot, proof);
}

bool verify_commitments(std::span<const KzgCommitment> commitments,
                        std::span<const std::span<const Scalar>> vectors,
                        const Digest& weights_seed) {
    for (const auto& vector : vectors)
        if (vector.size() != kSlots || !are_scalars(vector)) return false;
    std::vector<blst_p1_affine> points;
    if (commitments.empty() || commitments.size() != vectors.size() ||
        !load_all(commitments, points))
        return false;
    std::vector<Weight> weights;
    for (std::uint64_t j = 0; j < commitments.size(); ++j) {
        Writer seed;
        seed.raw(weights_seed.span()).u(j);
        weights.push_back(weight_of(blake3_keyed(domain_key("commitment weights"), seed.bytes())));
    }
    const auto expected = sum_in_basis(combine(vectors, weights));
    const auto got = weighted_sum(points, weights);
    return blst_p1_is_equal(&expected, &got);
}

namespace {

constexpr std::size_t kChallengeSize = 16;  // bytes: half the cost of multiplying by it

// A point outside the domain, and there z^m - 1, which is zero inside.
struct OutsidePoint {
    blst_fr z, unity;
};

OutsidePoint outside_point(const Digest& challenge) {
    Scalar low;
    std::copy_n(challenge.bytes.begin(), kChallengeSize, low.bytes.begin());
    OutsidePoint out{scalar_to_fr(low.span()), {}};
    const auto& one = setup().roots[0];
    for (const blst_fr zero{};;) {
        blst_fr power = out.z;
        for (std::uint32_t i = 1; i < kSlots; i *= 2) blst_fr_sqr(&power, &power);
        blst_fr_sub(&out.unity, &power, &one);
        if (std::memcmp(&out.unity, &zero, sizeof zero) != 0) return out;
        blst_fr_add(&out.z, &out.z, &one);
    }
}

// A vector as a polynomial over the domain, and its value at a point outside.
struct Evaluation {
    blst_fr value{};
    Values f;
    Values inverse_distance;  // 1 / (z - w^s)
};

// All inverses with one inversion: products up to each, then back.
void invert_distances(const blst_fr& z, Values& inverses) {
    const auto& known = setup();
    Values distance;
    blst_fr product = known.roots[0];  // one
    for (std::size_t s = 0; s < kSlots; ++s) {
        blst_fr_sub(&distance[s], &z, &known.roots[s]);
        inverses[s] = product;
        blst_fr_mul(&product, &product, &distance[s]);
    }
    blst_fr inverse;
    blst_fr_inverse(&inverse, &product);
    for (std::size_t s = kSlots; s-- > 0;) {
        blst_fr_mul(&inverses[s], &inverses[s], &inverse);
        blst_fr_mul(&inverse, &inverse, &distance[s]);
    }
}

// By the barycentric formula: f(z) = (z^m - 1)/m * sum f_s w^s / (z - w^s).
Evaluation evaluate_at(std::span<const Scalar> values, const OutsidePoint& at) {
    ENSURE(values.size() == kSlots && are_scalars(values));
    const auto& known = setup();
    Evaluation out;
    for (std::size_t s = 0; s < kSlots; ++s) out.f[s] = scalar_to_fr(values[s].span());
    invert_distances(at.z, out.inverse_distance);
    for (std::size_t s = 0; s < kSlots; ++s) {
        blst_fr term;
        blst_fr_mul(&term, &out.f[s], &known.roots[s]);
        blst_fr_mul(&term, &term, &out.inverse_distance[s]);
        blst_fr_add(&out.value, &out.value, &term);
    }
    const std::uint64_t m_words[4] = {kSlots, 0, 0, 0};
    blst_fr m;
    blst_fr_from_uint64(&m, m_words);
    blst_fr_inverse(&m, &m);
    blst_fr_mul(&out.value, &out.value, &at.unity);
    blst_fr_mul(&out.value, &out.value, &m);
    return out;
}

}  // namespace

KzgValue evaluate(std::span<const Scalar> values, const Digest& challenge) {
    const auto value = evaluate_at(values, outside_point(challenge)).value;
    blst_scalar scalar;
    blst_scalar_from_fr(&scalar, &value);
    KzgValue out;
    blst_lendian_from_scalar(out.bytes.data(), &scalar);
    return out;
}

KzgProof open_point(std::span<const Scalar> values, const Digest& challenge,
                    const Threads& threads) {
    const auto at = evaluate_at(values, outside_point(challenge));
    Values q;  // (f - f(z)) / (X - z)
    for (std::size_t s = 0; s < kSlots; ++s) {
        blst_fr_sub(&q[s], &at.value, &at.f[s]);
        blst_fr_mul(&q[s], &q[s], &at.inverse_distance[s]);
    }
    return KzgProof{compress(sum_in_basis(q, threads)).bytes};
}

bool verify_point(const KzgCommitment& commitment, const Digest& challenge, const KzgValue& value,
                  const KzgProof& proof) {
    blst_p1_affine point, pi;
    blst_scalar scalar;
    blst_scalar_from_lendian(&scalar, value.bytes.data());
    if (!blst_scalar_fr_check(&scalar) || !load_point(commitment.span(), point) ||
        !load_point(proof.span(), pi))
        return false;
    blst_p1 sum;
    blst_p1_from_affine(&sum, &point);
    return opens_to(sum, outside_point(challenge).z, scalar_to_fr(value.span()), pi);
}

namespace pairing_terms {

Bytes statement_of(std::span<const PointOpening> openings) {
    Writer statement;
    statement.u(std::uint64_t{openings.size()});
    for (const auto& each : openings)
        statement.raw(each.commitment.span())
            .raw(each.challenge.span())
            .raw(each.value.span())
            .raw(each.proof.span());
    return std::move(statement).take();
}

std::optional<OfOpenings> of(std::span<const PointOpening> openings,
                             std::span<const Weight> weights) {
    std::vector<blst_p1_affine> points, proofs;
    if (!load_all(openings, points, proofs)) return std::nullopt;
    std::vector<blst_fr> weighted_z(openings.size());
    blst_fr y{};
    for (std::size_t j = 0; j < openings.size(); ++j) {
        const auto& each = openings[j];
        blst_scalar value;
        blst_scalar_from_lendian(&value, each.value.bytes.data());
        if (!blst_scalar_fr_check(&value)) return std::nullopt;
        Scalar weight;
        std::copy(weights[j].begin(), weights[j].end(), weight.bytes.begin());
        const auto factor = scalar_to_fr(weight.span());
        const auto z = outside_point(each.challenge).z;
        blst_fr_mul(&weighted_z[j], &factor, &z);
        auto term = scalar_to_fr(each.value.span());
        blst_fr_mul(&term, &term, &factor);
        blst_fr_add(&y, &y, &term);
    }
    OfOpenings out{weighted_sum(points, weights), weighted_sum(proofs, weights)};
    const auto shifted = sum_of_products(proofs, weighted_z);
    blst_p1_add_or_double(&out.with_g2, &out.with_g2, &shifted);
    auto value = sum_of_products({setup().g1}, {y});
    blst_p1_cneg(&value, true);
    blst_p1_add_or_double(&out.with_g2, &out.with_g2, &value);
    return out;
}

}  // namespace pairing_terms

bool verify_openings(std::span<const PointOpening> openings) {
    if (openings.empty()) return true;
    const auto weights =
        drawn_weights("opening weights", pairing_terms::statement_of(openings), openings.size());
    const auto terms = pairing_terms::of(openings, weights);
    if (!terms) return false;
    blst_p1_affine pi;
    blst_p1_to_affine(&pi, &terms->with_tau);
    return opens_to(terms->with_g2, {}, {}, pi);
}

}  // namespace mutirao::crypto
