// BLS signatures on BLS12-381, minimal-signature-size (48-byte signatures in G1, 96-byte public
// keys in G2), by blst. Ciphersuite BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_ with proofs of
// possession (draft-irtf-cfrg-bls-signature-05). Pure; any thread.
#pragma once

#include <array>
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

// A public key whose point has been checked (on the curve, in the subgroup, not infinity), so that
// using it again costs no check. 192 bytes, freely copied.
class BlsVerifiedKey {
  public:
    // Checks the proof of possession, too. About 1.3 ms; corrupt when either is wrong.
    static Result<BlsVerifiedKey> verify(const BlsPublicKey& key, const BlsSignature& possession);
    // For a key whose possession was shown before, such as one that the ledger registered: whoever
    // calls this says so. About 0.1 ms; corrupt when it is no point of the group.
    static Result<BlsVerifiedKey> possession_shown(const BlsPublicKey& key);

    BlsPublicKey public_key() const;
    // The affine point, as the library that bls.cpp names keeps it.
    const std::array<std::uint64_t, 24>& point() const { return point_; }

  private:
    std::array<std::uint64_t, 24> point_{};
};

// Each check includes subgroup and infinity checks of every point that was not checked before.
// False on anything malformed.
bool verify_possession(const BlsPublicKey& key, const BlsSignature& proof);
bool verify(const BlsPublicKey& key, ByteSpan message, const BlsSignature& signature);
// All keys signed the same message; keys must have shown possession before. About 1.2 ms, plus
// 0.1 ms for each key that was not checked before. False for an empty list, and for keys that add
// up to infinity.
bool verify_aggregate(std::span<const BlsPublicKey> keys, ByteSpan message,
                      const BlsSignature& aggregate);
bool verify_aggregate(std::span<const BlsVerifiedKey> keys, ByteSpan message,
                      const BlsSignature& aggregate);

// Sum of signatures that are known to be good; corrupt when one is not a point of the group. Empty
// is invalid_argument. 0.07 ms a signature. For signatures of strangers: bls_aggregate.hpp.
Result<BlsSignature> aggregate(std::span<const BlsSignature> signatures);

}  // namespace mutirao::crypto
