// Ed25519 keys (RFC 8032), made for programs beside ours that want them as files, and the SHA-256
// that such programs name keys by. What we sign with them is only that we hold them. Any thread.
#pragma once

#include "base/bytes.hpp"
#include "base/ports.hpp"

namespace mutirao::crypto {

using Ed25519PublicKey = FixedBytes<struct Ed25519PublicTag, 32>;
using Ed25519Signature = FixedBytes<struct Ed25519SignatureTag, 64>;

struct Ed25519Key {
    FixedBytes<struct Ed25519SeedTag, 32> seed;  // the secret; never logged
    Ed25519PublicKey public_key;

    static Ed25519Key generate(Random& random);
    // The key of these 32 secret bytes.
    static Result<Ed25519Key> from_seed(ByteSpan seed);
    Ed25519Signature sign(ByteSpan message) const;
};

// False, too, for a key that is no point. 0.1 ms.
bool verify_ed25519(const Ed25519PublicKey& key, ByteSpan message,
                    const Ed25519Signature& signature);

Digest sha256(ByteSpan input);

}  // namespace mutirao::crypto
