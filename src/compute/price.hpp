// Amounts of the native token, and what an answer costs. Pure; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "base/codec.hpp"

namespace mutirao::compute {

// 10^-18 of a token, as an unsigned 128-bit number: high * 2^64 + low.
struct Wei {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    static constexpr std::size_t kSize = 16;
    // 16 little-endian bytes.
    void encode(Writer& out) const;
    static Result<Wei> decode(Reader& in);

    std::string decimal() const;  // "1500000000000000"
    // The amount in tokens, without trailing zeros: "0.0015".
    std::string tokens() const;

    friend std::strong_ordering operator<=>(const Wei&, const Wei&) = default;
};

// A provider's price list for one model. u64 wei a token is up to 18 whole tokens, so that the
// price of the longest answer cannot overflow.
struct Pricing {
    std::uint64_t wei_per_prompt_token = 0;
    std::uint64_t wei_per_output_token = 0;

    Wei price(std::uint32_t prompt_tokens, std::uint32_t output_tokens) const;
};

}  // namespace mutirao::compute
