// Sealing a short secret to one reader: ephemeral X25519, BLAKE3 derive_key, AES-256-GCM (OpenSSL).
// Any thread.
#pragma once

#include "base/bytes.hpp"
#include "base/ports.hpp"
#include "crypto/hash.hpp"

namespace mutirao::crypto {

using BoxPublicKey = FixedBytes<struct BoxPublicKeyTag, 32>;  // X25519

class BoxSecretKey {
  public:
    static BoxSecretKey generate(Random& random);
    static Result<BoxSecretKey> from_bytes(ByteSpan secret);  // exactly 32 bytes
    BoxPublicKey public_key() const;
    ByteSpan secret() const { return secret_; }

  private:
    std::array<std::uint8_t, 32> secret_{};
};

// ephemeral public key (32) | ciphertext | tag (16). `context` is authenticated, not stored.
// invalid_argument when `to` is a low-order point.
Result<Bytes> seal_to(const BoxPublicKey& to, ByteSpan context, ByteSpan secret, Random& random);
// permission_denied when the box was not sealed to this key with this context, or was changed;
// corrupt when it is too short to be one.
Result<Bytes> open_box(const BoxSecretKey& key, ByteSpan context, ByteSpan box);

// A key that only the holders of the two secret keys know, the same for both: X25519, then BLAKE3
// derive_key over the shared point, both public keys (the smaller first) and `material`. `context`
// is a hard-coded sentence, unique to its use. invalid_argument when `peer` is of low order.
Result<Key> agreed_key(const BoxSecretKey& own, const BoxPublicKey& peer, std::string_view context,
                       ByteSpan material);

}  // namespace mutirao::crypto
