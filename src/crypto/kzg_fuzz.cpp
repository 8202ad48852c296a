// Commitments, proofs and values from outside: slot, commitment, proof, value, weight.
#include "crypto/kzg.hpp"

namespace {

using namespace mutirao;
using namespace mutirao::crypto;

constexpr std::size_t kOpeningSize =
    1 + KzgCommitment::kSize + KzgProof::kSize + Scalar::kSize + Digest::kSize;

template <class Fixed>
Fixed take(ByteSpan& input) {
    const auto out = *Fixed::from_bytes(input.first(Fixed::kSize));
    input = input.subspan(Fixed::kSize);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < kOpeningSize) return 0;
    const std::uint32_t slot = data[0];
    ByteSpan input(data + 1, size - 1);
    const auto commitment = take<KzgCommitment>(input);
    const auto proof = take<KzgProof>(input);
    const auto value = take<Scalar>(input);
    const auto gamma = take<Digest>(input);
    const bool valid = verify_slot({&commitment, 1}, {&value, 1}, {&gamma, 1}, slot, proof);
    ENSURE(!valid || (CheckedCommitment::check(commitment).ok() &&
                      CheckedCommitment::check(KzgCommitment{proof.bytes}).ok()));
    ENSURE(!valid || value.bytes[Scalar::kSize - 1] < 0x40);
    // One commitment opens to one value.
    Scalar other = value;
    other.bytes[0] ^= 1;
    ENSURE(!valid || !verify_slot({&commitment, 1}, {&other, 1}, {&gamma, 1}, slot, proof));

    const std::vector<Scalar> constant(kSlots, value);
    const std::span<const Scalar> vector(constant);
    const bool committed = verify_commitments({&commitment, 1}, {&vector, 1}, gamma);
    ENSURE(!committed || commitment == commit(constant));

    const KzgValue stated{value.bytes}, changed{other.bytes};
    const bool opens = verify_point(commitment, gamma, stated, proof);
    ENSURE(!opens || (CheckedCommitment::check(commitment).ok() &&
                      CheckedCommitment::check(KzgCommitment{proof.bytes}).ok()));
    ENSURE(!opens || !verify_point(commitment, gamma, changed, proof));
    return 0;
}
