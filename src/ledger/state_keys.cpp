#include "ledger/state_keys.hpp"

#include <array>

namespace mutirao::ledger {
namespace {

std::array<std::uint8_t, 8> big_endian(std::uint64_t value) {
    std::array<std::uint8_t, 8> out;
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
    return out;
}

}  // namespace

void append_number(Bytes& out, std::uint64_t value) {
    const auto bytes = big_endian(value);
    out.insert(out.end(), bytes.begin(), bytes.end());
}

Bytes tagged(Tag tag, ByteSpan a, ByteSpan b) {
    Bytes out;
    out.reserve(2 + a.size() + b.size());
    out.push_back(static_cast<std::uint8_t>(tag));
    out.push_back('/');
    out.insert(out.end(), a.begin(), a.end());
    out.insert(out.end(), b.begin(), b.end());
    return out;
}

Bytes numbered(Tag tag, std::uint64_t value) { return tagged(tag, big_endian(value)); }

}  // namespace mutirao::ledger
