// BLS signatures on BLS12-381, minimal-signature-size (48-byte signatures in G1, 96-byte public
// keys in G2), by blst. Ciphersuite BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_ with proofs of
// possession (draft-irtf-cfrg-bls-signature-05). Pure; any thread.
#pragma once

#include <span>

#include "base/bytes.hpp"

namespace mutirao::crypto {

using BlsPublicKey = FixedBytes<struct BlsPublicKeyTag, 96>;
using BlsSignature = FixedBytes<struct BlsSignatureTag, 48>;

class BlsSecretKey {
  public:
    // KeyGen over at least 32 secret bytes; invalid_argument when shorter.
    static Result<BlsSecretKey> generate(ByteSpan secret_material);
    // The 32 big-endian bytes of to_bytes(); refuses 0 and anything not below the group order.
    static Result<BlsSecretKey> from_bytes(ByteSpan bytes);
    FixedBytes<struct BlsSecretTag, 32> to_bytes() const;

    BlsPublicKey public_key() const;
    // About 0.2 ms.
    BlsSignature sign(ByteSpan message) const;
    // Signs the public key itself under the POP domain: shows that the key's owner knows the
    // secret.
    BlsSignature prove_possession() const;

  private:
    std::array<std::uint8_t, 32> scalar_{};  // little-endian
};

// Each check includes subgroup and infinity checks of every point. False on anything malformed.
bool verify_possession(const BlsPublicKey& key, const BlsSignature& proof);
bool verify(const BlsPublicKey& key, ByteSpan message, const BlsSignature& signature);
// All keys signed the same message; keys must have shown possession before. About 1.4 ms, plus
// 0.1 ms a key for its checks. False for an empty list.
bool verify_aggregate(std::span<const BlsPublicKey> keys, ByteSpan message,
                      const BlsSignature& aggregate);

// Sum of signatures; corrupt when one is not a point of the group. Empty is invalid_argument.
Result<BlsSignature> aggregate(std::span<const BlsSignature> signatures);

}  // namespace mutirao::crypto
