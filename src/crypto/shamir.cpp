#include "crypto/shamir.hpp"

#include <algorithm>
#include <utility>

#include "crypto/aead.hpp"

namespace mutirao::crypto {
namespace {

using Element = std::uint8_t;

// x^8 + x^4 + x^3 + x + 1. Without tables or branches on a or b.
Element multiply(Element a, Element b) {
    unsigned product = 0;
    unsigned shifted = a;
    for (int bit = 0; bit < 8; ++bit) {
        product ^= shifted & (0u - (b >> bit & 1u));
        shifted = shifted << 1 ^ (0x11bu & (0u - (shifted >> 7 & 1u)));
    }
    return static_cast<Element>(product);
}

// a^254, the inverse of a when a is not 0.
Element inverse(Element a) {
    Element power = a;
    Element out = 1;
    for (int i = 0; i < 7; ++i) {
        power = multiply(power, power);
        out = multiply(out, power);
    }
    return out;
}

// The value at 0 of the polynomial through the shares (Lagrange).
Key interpolate(std::span<const KeyShare> shares) {
    Key key;
    for (const auto& share : shares) {
        Element weight = 1;
        for (const auto& other : shares)
            if (other.index != share.index)
                weight = multiply(
                    weight, multiply(other.index,
                                     inverse(static_cast<Element>(other.index ^ share.index))));
        for (std::size_t i = 0; i < key.bytes.size(); ++i)
            key.bytes[i] = static_cast<Element>(key.bytes[i] ^ multiply(weight, share.bytes[i]));
    }
    return key;
}

Status check_shares(std::span<const KeyShare> shares, std::uint32_t threshold) {
    if (threshold == 0 || threshold > kSharesMax)
        return Error{ErrorKind::invalid_argument,
                     "a key has a threshold of 1 to 255 shares, not " + std::to_string(threshold)};
    std::array<bool, kSharesMax + 1> seen{};
    for (const auto& share : shares) {
        if (share.index == 0)
            return Error{ErrorKind::invalid_argument, "key shares are numbered from 1, not 0"};
        if (std::exchange(seen[share.index], true))
            return Error{ErrorKind::invalid_argument,
                         "key share " + std::to_string(share.index) + " was given twice"};
    }
    if (shares.size() < threshold)
        return Error{ErrorKind::unavailable, "the key needs " + std::to_string(threshold) +
                                                 " shares and only " +
                                                 std::to_string(shares.size()) + " are here"};
    return {};
}

// The next subset of the same size in lexicographic order; false after the last.
bool next_subset(std::vector<std::size_t>& chosen, std::size_t count) {
    for (std::size_t i = chosen.size(); i-- > 0;) {
        if (chosen[i] == count - chosen.size() + i) continue;
        ++chosen[i];
        for (std::size_t j = i + 1; j < chosen.size(); ++j) chosen[j] = chosen[j - 1] + 1;
        return true;
    }
    return false;
}

}  // namespace

Result<std::vector<KeyShare>> split_key(const Key& key, std::uint32_t threshold,
                                        std::uint32_t count, Random& random) {
    if (threshold == 0 || threshold > count || count > kSharesMax)
        return Error{ErrorKind::invalid_argument,
                     "a key cannot be split so that " + std::to_string(threshold) + " of " +
                         std::to_string(count) + " shares give it back; 1 to 255 are possible"};
    // Polynomials of degree threshold - 1, one a byte, with the key at 0; by Horner's rule.
    std::vector<Key> coefficients{key};
    while (coefficients.size() < threshold) coefficients.push_back(random.fixed<Key>());
    std::vector<KeyShare> shares(count);
    for (std::uint32_t s = 0; s < count; ++s) {
        auto& share = shares[s];
        share.index = static_cast<std::uint8_t>(s + 1);
        for (auto c = coefficients.rbegin(); c != coefficients.rend(); ++c)
            for (std::size_t i = 0; i < share.bytes.size(); ++i)
                share.bytes[i] =
                    static_cast<Element>(multiply(share.bytes[i], share.index) ^ c->bytes[i]);
    }
    return shares;
}

Result<Key> combine_key(std::span<const KeyShare> shares, std::uint32_t threshold) {
    TRY_VOID(check_shares(shares, threshold));
    return interpolate(shares.first(threshold));
}

Result<Key> combine_committed(std::span<const KeyShare> shares, std::uint32_t threshold,
                              const Digest& key_commitment) {
    TRY_VOID(check_shares(shares, threshold));
    std::vector<std::size_t> chosen(threshold);
    for (std::size_t i = 0; i < threshold; ++i) chosen[i] = i;
    std::vector<KeyShare> subset(threshold);
    for (std::uint32_t tried = 0; tried < kSubsetsTried; ++tried) {
        for (std::size_t i = 0; i < threshold; ++i) subset[i] = shares[chosen[i]];
        const auto key = interpolate(subset);
        if (commit_key(key) == key_commitment) return key;
        if (!next_subset(chosen, shares.size())) break;
    }
    return Error{ErrorKind::corrupt, "no " + std::to_string(threshold) + " of the " +
                                         std::to_string(shares.size()) +
                                         " key shares give the key that was committed to"};
}

}  // namespace mutirao::crypto
