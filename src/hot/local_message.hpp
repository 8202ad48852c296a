// What a reader of the same machine and its node say to each other. Bytes:
// docs/reference/hot-tier.md. Pure; any thread.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace mutirao::hot {

inline constexpr std::size_t kCredentialMax = 4096;  // bytes of an encoded rights::KeyRequest

enum class LocalVerb : std::uint8_t {
    hello = 1,    // answered with LocalHello
    open = 2,     // credential; answered with LocalOpened
    map = 3,      // read, index; answered with the shard's memory and no bytes
    release = 4,  // read, index: this connection no longer maps the shard
    close = 5,    // read: as good as releasing all of it
};

struct LocalRequest {
    LocalVerb verb = LocalVerb::hello;
    std::uint64_t read = 0;   // map, release, close
    std::uint32_t index = 0;  // map, release
    Bytes credential;         // open

    Bytes encode() const;
    // corrupt on anything that encode() would not have written.
    static Result<LocalRequest> decode(ByteSpan bytes);
};

// The key that a reader's rights::KeyRequest must ask to be answered to.
struct LocalHello {
    FixedBytes<struct LocalBoxTag, 32> box_key;
    Bytes encode() const;
    static Result<LocalHello> decode(ByteSpan bytes);
};

struct LocalOpened {
    std::uint64_t read = 0;
    std::uint32_t shards = 0;
    std::uint64_t size = 0;        // of the object, bytes
    std::uint64_t shard_size = 0;  // of every shard but the last; 0 when they differ
    std::uint64_t life_ms = 0;     // how long more shards may be mapped
    Bytes encode() const;
    static Result<LocalOpened> decode(ByteSpan bytes);
};

// An answer: a body, or an error.
Bytes encode_answer(const Result<Bytes>& body);
// The body, or the error that was answered; corrupt when it is neither.
Result<Bytes> decode_answer(ByteSpan bytes);

}  // namespace mutirao::hot
