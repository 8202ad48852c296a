// KZG commitments to a vector of m = 256 scalars, on the EIP-4844 trusted setup (BLS12-381, blst).
//
// C = sum of y_s * [L_s(tau)]G1, L_s the Lagrange basis over the m-th roots of unity
// w_m = 7^((r-1)/m), natural order. The basis is derived once per process from the first m monomial
// points by a group inverse FFT and checked with pairings (0.12 s). Scalars are 32 little-endian
// bytes with the top two bits clear, so always below the group order. Any thread.
//
// Many vectors are opened or checked at once as one random combination with 128-bit weights g_j.
// The low 128 bits of each weight count, and zero counts as one. Soundness: whatever the
// other weights are, a wrong vector j leaves the combination right for one value of g_j at most,
// which two of 2^128 draws give; so wrong ones pass with probability 2^-127. That holds
// when each weight is drawn uniformly, independent of the others, after all commitments, values and
// the slot are fixed: by a hash over all of them (then for each hash tried), or by secret
// chance. Weights that whoever made the values could choose or foresee prove nothing.
#pragma once

#include <array>
#include <span>

#include "base/bytes.hpp"
#include "base/parallel.hpp"

namespace mutirao::crypto {

inline constexpr std::uint32_t kSlots = 256;  // m

using Scalar = FixedBytes<struct ScalarTag, 32>;                // little-endian, < 2^254
using KzgCommitment = FixedBytes<struct KzgCommitmentTag, 48>;  // compressed G1
using KzgProof = FixedBytes<struct KzgProofTag, 48>;            // compressed G1
using KzgValue = FixedBytes<struct KzgValueTag, 32>;  // little-endian, below the group order

// Clears the top two bits of a digest: y_s of protocol.md section 2.
Scalar to_scalar(const Digest& digest);

// values.size() == kSlots. 3.5 ms; the first call makes a table of 3 MiB in 25 ms.
KzgCommitment commit(std::span<const Scalar> values, const Threads& threads = {});

// Opens one or several committed vectors at one slot with a single 48-byte proof, by the random
// combination with the 128-bit weights `gammas` (one per vector; for one vector pass one weight).
// vectors[j].size() == kSlots. 3.7 ms plus 0.01 ms a vector.
KzgProof open_slot(std::span<const std::span<const Scalar>> vectors, std::span<const Digest> gammas,
                   std::uint32_t slot);

// A commitment whose point has been checked (on the curve, in the subgroup), so that using it again
// costs no check. 96 bytes, freely copied.
class CheckedCommitment {
  public:
    // 0.06 ms; corrupt when it is no point of the group.
    static Result<CheckedCommitment> check(const KzgCommitment& commitment);
    // The affine point, as the library that kzg.cpp names keeps it.
    const std::array<std::uint64_t, 12>& point() const { return point_; }

  private:
    std::array<std::uint64_t, 12> point_{};
};

// Checks that vector j holds values[j] at `slot`, for every j at once:
//   e(sum g_j C_j - [sum g_j y_j]G1 + z pi, G2) = e(pi, [tau]G2),  z = w_m^slot.
// False on a malformed or out-of-subgroup point, a value of 2^254 or more, mismatched sizes and
// slot >= kSlots. 1 ms plus, for each commitment, 0.02 ms and, if it was not checked before,
// 0.06 ms, or 0.013 ms of many where the processor has AVX-512 IFMA.
bool verify_slot(std::span<const KzgCommitment> commitments, std::span<const Scalar> values,
                 std::span<const Digest> gammas, std::uint32_t slot, const KzgProof& proof);
bool verify_slot(std::span<const CheckedCommitment> commitments, std::span<const Scalar> values,
                 std::span<const Digest> gammas, std::uint32_t slot, const KzgProof& proof);

// Whether every commitment opens to its vector, by one random combination with fresh 128-bit
// weights drawn from `weights_seed` (secret, node-local, never reused). False also on a malformed
// or out-of-subgroup commitment, a value of 2^254 or more, and mismatched sizes. 3.7 ms plus
// 0.09 ms a commitment, or 0.04 ms where the processor has AVX-512 IFMA.
bool verify_commitments(std::span<const KzgCommitment> commitments,
                        std::span<const std::span<const Scalar>> vectors,
                        const Digest& weights_seed);

// That a commitment is the one of a whole vector, for somebody who does not have the vector. The
// polynomial is opened at the point z that `challenge` gives (its low 128 bits; the next number
// outside the domain, if need be), and whoever has the vector says what its value is there.
//
// `challenge` must be a hash that binds commitment and vector. Then a commitment to something else
// opens to the value of the vector with probability 2^-120 for each challenge that is tried (two
// polynomials of degree under 256 agree at 255 points at most), or the proof was forged (q-SDH).
// values.size() == kSlots.

// f(z) by the barycentric formula. 0.04 ms.
KzgValue evaluate(std::span<const Scalar> values, const Digest& challenge);
// Shows what evaluate() gives. 3.7 ms.
KzgProof open_point(std::span<const Scalar> values, const Digest& challenge,
                    const Threads& threads = {});
// Whether the commitment opens to `value`. False also on malformed points (that of the commitment
// is then no point of the group) and on values that are not below the group order. 1.1 ms.
bool verify_point(const KzgCommitment& commitment, const Digest& challenge, const KzgValue& value,
                  const KzgProof& proof);

// Whether each commitment opens so, as verify_point says, by one equation under weights of 128 bits
// that are a hash of all of it; false says nothing about a single one. True for none. 0.8 ms, and
// for each 0.13 ms, or 0.2 ms where the processor has no AVX-512 IFMA.
struct PointOpening {
    KzgCommitment commitment;
    Digest challenge;
    KzgValue value;
    KzgProof proof;
};
bool verify_openings(std::span<const PointOpening> openings);

}  // namespace mutirao::crypto
