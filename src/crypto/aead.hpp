// AES-256-GCM in segments (OpenSSL). An object is encrypted before it is coded: nodes and consensus
// only ever see ciphertext. GCM does not commit to its key, so block headers carry commit_key(key).
// Pure; any thread.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/parallel.hpp"
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

// The same without a copy: `segments` has sealed_size(plain_size) bytes, and byte i of the
// plaintext stands at segments[place_to_seal(i)] already. Segments are encrypted where they are,
// side by side when there are threads.
void seal_in_place(const Key& key, std::uint32_t sequence, ByteSpan associated,
                   MutableByteSpan segments, const Threads& threads = {});
constexpr std::size_t place_to_seal(std::size_t plain_offset) {
    return plain_offset + plain_offset / kSegmentSize * kTagSize;
}

// The inverse. permission_denied ("wrong key or changed data") when a tag does not verify; corrupt
// when the size cannot be that of a sealed message.
Result<Bytes> open(const Key& key, std::uint32_t sequence, ByteSpan associated, ByteSpan sealed,
                   const Threads& threads = {});

// Some whole segments of a sealed message of `total` bytes, from segment `first` on: what a reader
// of a part fetches is bytes [place_to_seal(first * kSegmentSize), ...) of the message. Errors as
// open(); invalid_argument when `sealed` is not whole segments of such a message.
Result<Bytes> open_part(const Key& key, std::uint32_t sequence, ByteSpan associated,
                        std::uint64_t total, std::uint64_t first, ByteSpan sealed,
                        const Threads& threads = {});

// BLAKE3_keyed(K_key, key): binds a header to one key.
Digest commit_key(const Key& key);

}  // namespace mutirao::crypto
