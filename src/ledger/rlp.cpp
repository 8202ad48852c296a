#include "ledger/rlp.hpp"

namespace mutirao::ledger::rlp {
namespace {

constexpr std::uint8_t kShortBytes = 0x80;
constexpr std::uint8_t kShortList = 0xc0;
constexpr std::size_t kShortMax = 55;

// Without leading zeros.
struct BigEndian {
    explicit BigEndian(u128 value) {
        for (; value != 0; value >>= 8) room[--begin] = static_cast<std::uint8_t>(value);
    }
    ByteSpan span() const { return ByteSpan(room).subspan(begin); }
    std::array<std::uint8_t, 16> room{};
    std::size_t begin = 16;
};

void write_head(Bytes& out, std::uint8_t base, std::size_t size) {
    if (size <= kShortMax) {
        out.push_back(static_cast<std::uint8_t>(base + size));
        return;
    }
    const BigEndian number(size);
    const auto length = number.span();
    out.push_back(static_cast<std::uint8_t>(base + kShortMax + length.size()));
    out.insert(out.end(), length.begin(), length.end());
}

Error malformed(const char* why) {
    return {ErrorKind::corrupt, std::string("malformed RLP: ") + why};
}

}  // namespace

Writer& Writer::bytes(ByteSpan value) {
    if (value.size() != 1 || value[0] >= kShortBytes) write_head(out_, kShortBytes, value.size());
    return raw(value);
}

Writer& Writer::number(u128 value) { return bytes(BigEndian(value).span()); }

Writer& Writer::raw(ByteSpan encoded) {
    out_.insert(out_.end(), encoded.begin(), encoded.end());
    return *this;
}

void append_list(Bytes& out, ByteSpan items) {
    write_head(out, kShortList, items.size());
    out.insert(out.end(), items.begin(), items.end());
}

Bytes list(ByteSpan items) {
    Bytes out;
    append_list(out, items);
    return out;
}

Result<ByteSpan> Reader::item(bool is_list) {
    if (rest_.empty()) return malformed("an item is missing");
    const std::uint8_t head = rest_[0];
    if (head < kShortBytes) {
        if (is_list) return malformed("a list was expected");
        const auto value = rest_.first(1);
        rest_ = rest_.subspan(1);
        return value;
    }
    if ((head >= kShortList) != is_list)
        return malformed(is_list ? "a list was expected" : "a list where bytes were expected");
    const std::size_t code = head - (is_list ? kShortList : kShortBytes);
    std::size_t at = 1, size = code;
    if (code > kShortMax) {
        const std::size_t length_size = code - kShortMax;
        if (rest_.size() < 1 + length_size || length_size > 4) return malformed("cut short");
        size = 0;
        for (; at <= length_size; ++at) size = size << 8 | rest_[at];
        if (size <= kShortMax || rest_[1] == 0)
            return malformed("a length that is not the shortest");
    }
    if (size > rest_.size() - at) return malformed("cut short");
    const auto value = rest_.subspan(at, size);
    if (!is_list && size == 1 && value[0] < kShortBytes)
        return malformed("a byte that is not written the shortest way");
    rest_ = rest_.subspan(at + size);
    return value;
}

Result<ByteSpan> Reader::bytes() { return item(false); }

Result<Reader> Reader::list() {
    TRY(auto items, item(true));
    return Reader(items);
}

Result<u128> Reader::number() {
    TRY(auto value, bytes());
    if (value.size() > 16) return malformed("a number over 2^128-1, which no amount here can be");
    if (!value.empty() && value[0] == 0) return malformed("a number with leading zeros");
    u128 out = 0;
    for (const auto byte : value) out = out << 8 | byte;
    return out;
}

Status Reader::finish() const {
    if (!rest_.empty()) return malformed("bytes are left over");
    return {};
}

}  // namespace mutirao::ledger::rlp
