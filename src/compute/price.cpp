#include "compute/price.hpp"

#include <algorithm>

namespace mutirao::compute {
namespace {

// Only GNU's extension has 128 bits; every compiler that builds Mutirão knows it.
__extension__ typedef unsigned __int128 Wide;

constexpr std::size_t kDecimals = 18;

}  // namespace

void Wei::encode(Writer& out) const { out.u(low).u(high); }

Result<Wei> Wei::decode(Reader& in) {
    Wei wei;
    TRY(wei.low, in.u<std::uint64_t>());
    TRY(wei.high, in.u<std::uint64_t>());
    return wei;
}

std::string Wei::decimal() const {
    auto rest = static_cast<Wide>(high) << 64 | low;
    std::string digits;
    do {
        digits.push_back(static_cast<char>('0' + static_cast<int>(rest % 10)));
        rest /= 10;
    } while (rest != 0);
    std::reverse(digits.begin(), digits.end());
    return digits;
}

std::string Wei::tokens() const {
    auto digits = decimal();
    if (digits.size() <= kDecimals) digits.insert(0, kDecimals + 1 - digits.size(), '0');
    digits.insert(digits.size() - kDecimals, 1, '.');
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') digits.pop_back();
    return digits;
}

Wei Pricing::price(std::uint32_t prompt_tokens, std::uint32_t output_tokens) const {
    const auto sum = static_cast<Wide>(wei_per_prompt_token) * prompt_tokens +
                     static_cast<Wide>(wei_per_output_token) * output_tokens;
    return {static_cast<std::uint64_t>(sum >> 64), static_cast<std::uint64_t>(sum)};
}

}  // namespace mutirao::compute
