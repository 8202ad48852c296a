// Secret sharing of a key (Shamir, "How to Share a Secret", CACM 1979) over GF(2^8) with the AES
// polynomial, byte by byte: any `threshold` shares give the key back, fewer say nothing about it.
// Shares carry no proof of their own: whoever combines them checks the key against its commitment.
// Time does not depend on secret bytes. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/ports.hpp"
#include "crypto/hash.hpp"

namespace mutirao::crypto {

inline constexpr std::uint32_t kSharesMax = 255;

struct KeyShare {
    std::uint8_t index = 0;  // where the polynomials were evaluated: 1 to 255
    std::array<std::uint8_t, 32> bytes{};
    bool operator==(const KeyShare&) const = default;
};

// `count` shares with indexes 1 to count. invalid_argument unless 1 <= threshold <= count <= 255.
Result<std::vector<KeyShare>> split_key(const Key& key, std::uint32_t threshold,
                                        std::uint32_t count, Random& random);

// The key that the first `threshold` shares give. unavailable, saying how many of how many, with
// fewer; invalid_argument when an index is 0 or comes twice.
Result<Key> combine_key(std::span<const KeyShare> shares, std::uint32_t threshold);

inline constexpr std::uint32_t kSubsetsTried = 10'000;

// As combine_key, but finds the key that `key_commitment` (commit_key) names although some
// shares are wrong, by trying subsets, at most kSubsetsTried. corrupt when none fits.
Result<Key> combine_committed(std::span<const KeyShare> shares, std::uint32_t threshold,
                              const Digest& key_commitment);

}  // namespace mutirao::crypto
