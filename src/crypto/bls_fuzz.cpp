// Points from outside, of signatures, keys, commitments and proofs. The first byte chooses which.
#include "crypto/bls.hpp"
#include "crypto/kzg.hpp"

namespace {

using namespace mutirao;
using namespace mutirao::crypto;

void try_bls(ByteSpan input) {
    if (input.size() < BlsPublicKey::kSize + BlsSignature::kSize) return;
    const auto key = *BlsPublicKey::from_bytes(input.first(BlsPublicKey::kSize));
    const auto signature =
        *BlsSignature::from_bytes(input.subspan(BlsPublicKey::kSize, BlsSignature::kSize));
    const auto message = input.subspan(BlsPublicKey::kSize + BlsSignature::kSize);
    const bool valid = verify(key, message, signature);
    const auto sum = aggregate({&signature, 1});
    ENSURE(!valid || (sum.ok() && *sum == signature));
    (void)verify_possession(key, signature);
}

void try_kzg(ByteSpan input) {
    constexpr std::size_t kSize = 2 * 48 + 2 * 32 + 1;
    if (input.size() < kSize) return;
    const auto commitment = *KzgCommitment::from_bytes(input.first(48));
    const auto proof = *KzgProof::from_bytes(input.subspan(48, 48));
    const auto value = *Scalar::from_bytes(input.subspan(96, 32));
    const auto gamma = *Digest::from_bytes(input.subspan(128, 32));
    const bool valid = verify_slot({&commitment, 1}, {&value, 1}, {&gamma, 1}, input[160], proof);
    ENSURE(!valid || is_in_group(commitment));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const ByteSpan rest(data + 1, size - 1);
    if (data[0] % 2 == 0) {
        try_bls(rest);
        (void)BlsSecretKey::from_bytes(rest);
    } else {
        try_kzg(rest);
    }
    return 0;
}
