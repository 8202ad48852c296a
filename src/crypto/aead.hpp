// AES-256-GCM in segments (OpenSSL). An object is encrypted before it is coded: nodes and consensus
// only ever see ciphertext. GCM does not commit to its key, so block headers carry commit_key(key).
// Pure; any thread.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "crypto/hash.hpp"

namespace mutirao::crypto {

inline constexpr std::size_t kSegmentSize = 1 << 20;  // bytes of plaintext in one GCM message
inline constexpr std::size_t kTagSize = 16;

// Bytes of ciphertext for `plain_size` bytes: a tag for every started segment; an empty input has
// one (empty) segment, so that its tag still authenticates it.
std::size_t sealed_size(std::size_t plain_size);

// Encrypts `plain` as segments of kSegmentSize. `sequence` numbers the message under this key and
// must never repeat for one key; the nonce of a segment is LE32(sequence) | LE64(segment index),
// with the last segment marked in the top bit of the index, so that segments cannot be
// cut, swapped or dropped. `associated` is authenticated, not stored.
Bytes seal(const Key& key, std::uint32_t sequence, ByteSpan associated, ByteSpan plain);

// The inverse. permission_denied ("wrong key or changed data") when a tag does not verify; corrupt
// when the size cannot be that of a sealed message.
Result<Bytes> open(const Key& key, std::uint32_t sequence, ByteSpan associated, ByteSpan sealed);

// BLAKE3_keyed(K_key, key): binds a header to one key.
Digest commit_key(const Key& key);

}  // namespace mutirao::crypto
