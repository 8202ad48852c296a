// Bytes and the 32-byte digests and identifiers that every room speaks of.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace mutirao {

using Bytes = std::vector<std::uint8_t>;
using ByteSpan = std::span<const std::uint8_t>;
using MutableByteSpan = std::span<std::uint8_t>;

inline ByteSpan as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteSpan bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(ByteSpan bytes) { return {bytes.begin(), bytes.end()}; }

// Lower-case hexadecimal without a prefix.
std::string to_hex(ByteSpan bytes);
// Accepts an optional 0x prefix and either case. Fails (invalid_argument) on an odd number of
// digits or on a character that is no digit.
Result<Bytes> from_hex(std::string_view text);

// Equal length and content, in time that depends on the length only.
bool equal_constant_time(ByteSpan a, ByteSpan b);

// N bytes with a type of their own: a BlockId is never taken for a Digest.
template <class Tag, std::size_t N>
struct FixedBytes {
    static constexpr std::size_t kSize = N;
    std::array<std::uint8_t, N> bytes{};

    auto operator<=>(const FixedBytes&) const = default;
    ByteSpan span() const { return bytes; }
    std::string hex() const { return to_hex(bytes); }
    bool is_zero() const {
        for (auto b : bytes)
            if (b != 0) return false;
        return true;
    }

    // Fails (invalid_argument) unless there are exactly N bytes.
    static Result<FixedBytes> from_bytes(ByteSpan in) {
        if (in.size() != N)
            return Error{
                ErrorKind::invalid_argument,
                "expected " + std::to_string(N) + " bytes, got " + std::to_string(in.size())};
        FixedBytes out;
        std::memcpy(out.bytes.data(), in.data(), N);
        return out;
    }
    static Result<FixedBytes> from_hex(std::string_view text) {
        TRY(auto raw, ::mutirao::from_hex(text));
        return from_bytes(raw);
    }
};

using Digest = FixedBytes<struct DigestTag, 32>;    // a BLAKE3 or Keccak-256 hash
using BlockId = FixedBytes<struct BlockIdTag, 32>;  // protocol.md section 2: id of a data block
using Address = FixedBytes<struct AddressTag, 20>;  // an Ethereum account address

}  // namespace mutirao

template <class Tag, std::size_t N>
struct std::hash<mutirao::FixedBytes<Tag, N>> {
    std::size_t operator()(const mutirao::FixedBytes<Tag, N>& value) const noexcept {
        std::size_t h = 0;
        static_assert(N >= sizeof(h));
        std::memcpy(&h, value.bytes.data(), sizeof(h));
        return h;
    }
};
