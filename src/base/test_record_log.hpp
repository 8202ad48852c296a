// What the tests of logs take for a checksum.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace mutirao {

// FNV-1a, four times over: enough to tell what a flipped bit changes.
inline Digest test_checksum(ByteSpan bytes) {
    Digest out;
    for (std::uint64_t lane = 0; lane < 4; ++lane) {
        auto hash = 0xcbf29ce484222325u + lane;
        for (const auto byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
        for (std::size_t i = 0; i < 8; ++i)
            out.bytes[8 * lane + i] = static_cast<std::uint8_t>(hash >> 8 * i);
    }
    return out;
}

}  // namespace mutirao
