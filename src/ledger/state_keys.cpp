#include "ledger/state_keys.hpp"

namespace mutirao::ledger {

void append_number(Bytes& out, std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(value >> shift));
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

Bytes numbered(Tag tag, std::uint64_t value) {
    std::uint8_t big_endian[sizeof value];
    for (std::size_t i = 0; i < sizeof value; ++i)
        big_endian[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
    return tagged(tag, big_endian);
}

}  // namespace mutirao::ledger
