#include "ledger/amount.hpp"

#include <algorithm>

namespace mutirao::ledger {
namespace {

constexpr int kDecimals = 18;
constexpr u128 kMax = ~static_cast<u128>(0);
constexpr u128 kUnit = 1'000'000'000'000'000'000u;

}  // namespace

Result<Amount> Amount::plus(Amount other) const {
    if (other.wei_ > kMax - wei_)
        return Error{ErrorKind::invalid_argument, "the amounts add up to more than 2^128 wei"};
    return Amount(wei_ + other.wei_);
}

Result<Amount> Amount::minus(Amount other) const {
    if (other.wei_ > wei_)
        return Error{ErrorKind::insufficient_funds,
                     "there are " + text() + " and " + other.text() + " are needed"};
    return Amount(wei_ - other.wei_);
}

Result<Amount> Amount::times(std::uint64_t factor) const {
    if (factor != 0 && wei_ > kMax / factor)
        return Error{ErrorKind::invalid_argument, "the price is over 2^128 wei"};
    return Amount(wei_ * factor);
}

Amount Amount::part(std::uint64_t numerator, std::uint64_t denominator) const {
    ENSURE(denominator != 0 && numerator <= denominator);
    const u128 whole = wei_ / denominator, rest = wei_ % denominator;
    return Amount(whole * numerator + rest * numerator / denominator);
}

Result<Amount> Amount::times(Amount numerator, Amount denominator) const {
    ENSURE(!denominator.is_zero());
    // The product as high * 2^128 + low, from products of halves.
    constexpr u128 kHalf = ~std::uint64_t{0};
    const u128 a1 = wei_ >> 64, a0 = wei_ & kHalf;
    const u128 b1 = numerator.wei_ >> 64, b0 = numerator.wei_ & kHalf;
    const u128 middle = (a0 * b0 >> 64) + (a1 * b0 & kHalf) + (a0 * b1 & kHalf);
    u128 low = wei_ * numerator.wei_;
    u128 high = a1 * b1 + (a1 * b0 >> 64) + (a0 * b1 >> 64) + (middle >> 64);
    if (high >= denominator.wei_)
        return Error{ErrorKind::invalid_argument, "the product is over 2^128 wei"};
    // Long division, bit by bit: the remainder stays below the denominator.
    for (int bit = 0; bit < 128; ++bit) {
        const bool carry = high >> 127 != 0;
        high = high << 1 | low >> 127;
        low <<= 1;
        if (!carry && high < denominator.wei_) continue;
        high -= denominator.wei_;
        low |= 1;
    }
    return Amount(low);
}

std::string Amount::decimal() const {
    std::string digits;
    u128 left = wei_;
    do {
        digits.push_back(static_cast<char>('0' + static_cast<int>(left % 10)));
        left /= 10;
    } while (left != 0);
    std::reverse(digits.begin(), digits.end());
    return digits;
}

std::string Amount::text() const {
    std::string out = Amount(wei_ / kUnit).decimal();
    std::string fraction = Amount(wei_ % kUnit).decimal();
    fraction.insert(0, kDecimals - fraction.size(), '0');
    fraction.erase(fraction.find_last_not_of('0') + 1);
    if (!fraction.empty()) out += "." + fraction;
    return out + " MUT";
}

Result<Amount> Amount::parse(std::string_view text) {
    const auto refuse = [&](const std::string& why) {
        return Error{ErrorKind::invalid_argument,
                     "\"" + std::string(text) + "\" is no amount: " + why};
    };
    std::string_view digits = text;
    if (digits.ends_with("MUT")) digits.remove_suffix(3);
    while (digits.ends_with(' ')) digits.remove_suffix(1);
    u128 wei = 0;
    int decimals = -1;  // digits after the mark, once there is one
    bool any = false;
    for (const char c : digits) {
        if ((c == '.' || c == ',') && decimals < 0) {
            decimals = 0;
            continue;
        }
        if (c < '0' || c > '9') return refuse("write it like 12.5");
        if (decimals >= 0 && ++decimals > kDecimals) return refuse("it has more than 18 decimals");
        const auto digit = static_cast<u128>(c - '0');
        if (wei > kMax / 10 || wei * 10 > kMax - digit) return refuse("it is too large");
        wei = wei * 10 + digit;
        any = true;
    }
    if (!any) return refuse("write it like 12.5");
    for (int i = std::max(decimals, 0); i < kDecimals; ++i) {
        if (wei > kMax / 10) return refuse("it is too large");
        wei *= 10;
    }
    return Amount(wei);
}

void Amount::encode(Writer& out) const {
    for (const auto word : words()) out.u(word);
}

Result<Amount> Amount::decode(Reader& in) {
    TRY(auto low, in.u<std::uint64_t>());
    TRY(auto high, in.u<std::uint64_t>());
    return Amount(static_cast<u128>(high) << 64 | low);
}

}  // namespace mutirao::ledger
