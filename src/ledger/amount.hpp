// Amounts of the native token, MUT, in wei (10^-18 MUT): unsigned 128-bit integers whose every
// operation is checked. Wider values, which RLP and the ABI could carry, are refused. Pure.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/codec.hpp"

namespace mutirao::ledger {

__extension__ typedef unsigned __int128 u128;

class Amount {
  public:
    static constexpr std::size_t kSize = 16;  // bytes in canonical records

    constexpr Amount() = default;
    constexpr explicit Amount(u128 wei) : wei_(wei) {}

    constexpr u128 wei() const { return wei_; }
    constexpr bool is_zero() const { return wei_ == 0; }
    constexpr auto operator<=>(const Amount&) const = default;

    // nullopt-like: invalid_argument on overflow, insufficient_funds below zero.
    Result<Amount> plus(Amount other) const;
    Result<Amount> minus(Amount other) const;
    Result<Amount> times(std::uint64_t factor) const;
    // floor(amount * numerator / denominator), exact inside; numerator <= denominator, not 0.
    Amount part(std::uint64_t numerator, std::uint64_t denominator) const;

    // floor(amount * numerator / denominator), exact inside; the denominator is not 0.
    // invalid_argument over 2^128-1. 0.3 us.
    Result<Amount> times(Amount numerator, Amount denominator) const;

    // Wei in decimal digits, for programs.
    std::string decimal() const;
    // "12.5 MUT", for people.
    std::string text() const;
    // "12.5" or "12,5" or "12.5 MUT"; invalid_argument with more than 18 decimals or over 2^128-1.
    static Result<Amount> parse(std::string_view text);

    // As it is encoded: the low word first.
    std::array<std::uint64_t, 2> words() const {
        return {static_cast<std::uint64_t>(wei_), static_cast<std::uint64_t>(wei_ >> 64)};
    }
    void encode(Writer& out) const;
    static Result<Amount> decode(Reader& in);

  private:
    u128 wei_ = 0;
};

}  // namespace mutirao::ledger
