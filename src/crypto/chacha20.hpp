// ChaCha20 (RFC 8439; OpenSSL) as a stream of bytes that only holders of the key can tell from
// random ones. Pure; any thread.
#pragma once

#include "crypto/hash.hpp"

namespace mutirao::crypto {

inline constexpr std::size_t kChaChaBlock = 64;

// Fills `out` with the key's stream from block `first_block` on, under a nonce of zeros: a key is
// for one stream.
void chacha20_stream(const Key& key, std::uint32_t first_block, MutableByteSpan out);

}  // namespace mutirao::crypto
