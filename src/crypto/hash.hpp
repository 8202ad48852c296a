// BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs), keyed by purpose, and Keccak-256 as
// Ethereum uses it. Pure; any thread. The kernel is chosen at run time; every kernel gives the same
// bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.hpp"

namespace mutirao::crypto {

using Key = FixedBytes<struct KeyTag, 32>;  // a symmetric key; never logged

Digest blake3(ByteSpan input);
Digest blake3_keyed(const Key& key, ByteSpan input);
// Extendable output: fills `out`, of any size.
void blake3_xof(ByteSpan input, MutableByteSpan out);
void blake3_keyed_xof(const Key& key, ByteSpan input, MutableByteSpan out);
// BLAKE3 derive_key mode. `context` is a hard-coded sentence, unique to its use.
Key blake3_derive_key(std::string_view context, ByteSpan material);
void blake3_derive_key_xof(std::string_view context, ByteSpan material, MutableByteSpan out);

// K_x of protocol.md section 2: derive_key("mutirao v1 " + purpose, ""). Computed once per purpose.
const Key& domain_key(std::string_view purpose);

// Incremental keyed BLAKE3; one thread at a time.
class KeyedHasher {
  public:
    explicit KeyedHasher(const Key& key);
    ~KeyedHasher();
    KeyedHasher(KeyedHasher&&) noexcept;
    KeyedHasher& operator=(KeyedHasher&&) noexcept;

    KeyedHasher& update(ByteSpan input);
    Digest digest() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

Digest keccak256(ByteSpan input);

}  // namespace mutirao::crypto
