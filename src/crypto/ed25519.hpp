// Ed25519 keys (RFC 8032), made for programs beside ours that want them as files, and the SHA-256
// that such programs name keys by. We sign nothing with them. Any thread.
#pragma once

#include "base/bytes.hpp"
#include "base/ports.hpp"

namespace mutirao::crypto {

struct Ed25519Key {
    FixedBytes<struct Ed25519SeedTag, 32> seed;  // the secret; never logged
    FixedBytes<struct Ed25519PublicTag, 32> public_key;

    static Ed25519Key generate(Random& random);
    // The key of these 32 secret bytes.
    static Result<Ed25519Key> from_seed(ByteSpan seed);
};

Digest sha256(ByteSpan input);

}  // namespace mutirao::crypto
