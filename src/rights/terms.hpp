// What a licence allows, for how much and until when: a small closed vocabulary with one encoding,
// so that the ledger can keep its hash, and one sentence for people. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.hpp"

namespace mutirao::rights {

// Bits of Terms::purposes.
enum class Purpose : std::uint8_t { train = 1, infer = 2, evaluate = 4, read = 8 };
inline constexpr std::uint8_t kPurposesAll = 15;
inline constexpr std::uint32_t kShareMaxPpm = 1'000'000;

enum class Language { english, portuguese };

struct Terms {
    std::uint8_t purposes = 0;         // at least one
    std::uint64_t price_gwei = 0;      // for each use; 10^-9 of a token
    std::uint32_t share_ppm = 0;       // of later income, in millionths
    std::uint64_t expires_unix_s = 0;  // zero: never; years up to 9999

    bool allows(Purpose purpose) const {
        return (purposes & static_cast<std::uint8_t>(purpose)) != 0;
    }

    // invalid_argument, naming the field, unless the limits above hold.
    Status validate() const;
    // BLAKE3_keyed(K_terms, encode()): what the ledger keeps.
    Digest digest() const;
    Bytes encode() const;
    // corrupt on anything that encode() of valid terms would not have written.
    static Result<Terms> decode(ByteSpan bytes);
    bool operator==(const Terms&) const = default;
};

// "The licensee may train models on the data and evaluate models with it, for 2.5 tokens each
// time and 5% of later income, until 2027-01-31 00:00 UTC."
std::string sentence(const Terms& terms, Language language);

}  // namespace mutirao::rights
