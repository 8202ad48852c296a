// One share of a key as its keeper keeps it. Pure; any thread.
#pragma once

#include "base/bytes.hpp"
#include "crypto/shamir.hpp"

namespace mutirao::rights {

inline constexpr std::size_t kManifestSizeMax = 4u << 20;

struct KeptShare {
    Digest content;  // BLAKE3_keyed(K_manifest, manifest)
    Address owner;
    std::uint8_t threshold = 0;  // shares that give the key
    crypto::KeyShare share;
    Bytes manifest;

    // invalid_argument, naming the field, unless the manifest has 1 to kManifestSizeMax bytes and
    // is that of `content`, and threshold and share index are not zero.
    Status validate() const;
    Bytes encode() const;
    // corrupt on anything that encode() of a valid one would not have written.
    static Result<KeptShare> decode(ByteSpan bytes);
    bool operator==(const KeptShare&) const = default;
};

}  // namespace mutirao::rights
