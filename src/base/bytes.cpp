#include "base/bytes.hpp"

namespace mutirao {
namespace {

constexpr std::array<std::int8_t, 256> kDigitValues = [] {
    std::array<std::int8_t, 256> out{};
    out.fill(-1);
    for (int i = 0; i < 10; ++i) out['0' + i] = static_cast<std::int8_t>(i);
    for (int i = 0; i < 6; ++i) out['a' + i] = out['A' + i] = static_cast<std::int8_t>(10 + i);
    return out;
}();

int hex_digit(char c) { return kDigitValues[static_cast<unsigned char>(c)]; }

}  // namespace

std::string to_hex(ByteSpan bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out(bytes.size() * 2, '0');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        out[2 * i] = kDigits[bytes[i] >> 4];
        out[2 * i + 1] = kDigits[bytes[i] & 15];
    }
    return out;
}

Result<Bytes> from_hex(std::string_view text) {
    if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
    if (text.size() % 2 != 0)
        return Error{ErrorKind::invalid_argument, "hexadecimal text has an odd number of digits"};
    Bytes out(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_digit(text[i]);
        const int low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0)
            return Error{ErrorKind::invalid_argument, "not a hexadecimal digit at position " +
                                                          std::to_string(high < 0 ? i : i + 1)};
        out[i / 2] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return out;
}

bool equal_constant_time(ByteSpan a, ByteSpan b) {
    if (a.size() != b.size()) return false;
    std::uint8_t difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) difference |= a[i] ^ b[i];
    return difference == 0;
}

}  // namespace mutirao
