#include "consensus/abci_wire.hpp"

namespace mutirao::consensus {
namespace {

constexpr std::size_t kVarintMax = 10;

// nullopt while incomplete; corrupt when it can be none.
Result<std::optional<std::uint64_t>> varint_at(ByteSpan bytes, std::size_t& at) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < kVarintMax; ++i) {
        if (at + i >= bytes.size()) return std::optional<std::uint64_t>();
        const std::uint8_t byte = bytes[at + i];
        if (i == kVarintMax - 1 && byte > 1) break;
        value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            at += i + 1;
            return std::optional(value);
        }
    }
    return Error{ErrorKind::corrupt, "a varint of an ABCI message is longer than 64 bits"};
}

Error cut_off() { return {ErrorKind::corrupt, "an ABCI message ends in the middle of a field"}; }

Result<std::uint64_t> whole_varint(ByteSpan bytes, std::size_t& at) {
    TRY(auto value, varint_at(bytes, at));
    if (!value) return cut_off();
    return *value;
}

}  // namespace

Status each_field(ByteSpan message, const std::function<void(const WireField&)>& visit) {
    for (std::size_t at = 0; at < message.size();) {
        TRY(auto tag, whole_varint(message, at));
        WireField field;
        if (tag >> 3 == 0 || tag >> 3 > (1U << 29) - 1)
            return Error{ErrorKind::corrupt, "a field of an ABCI message has no valid number"};
        field.number = static_cast<std::uint32_t>(tag >> 3);
        std::uint64_t size = 0;
        const auto type = tag & 7;
        if (type == 0) {
            TRY(field.value, whole_varint(message, at));
            visit(field);
            continue;
        }
        if (type == 1) {
            size = 8;
        } else if (type == 5) {
            size = 4;
        } else if (type == 2) {
            TRY(size, whole_varint(message, at));
        } else {
            return Error{ErrorKind::corrupt, "a field of an ABCI message is of an unknown type"};
        }
        if (size > message.size() - at) return cut_off();
        field.is_bytes = type == 2;
        field.bytes = message.subspan(at, size);
        at += size;
        if (field.is_bytes) visit(field);
    }
    return {};
}

void append_varint(Bytes& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
    out.push_back(static_cast<std::uint8_t>(value));
}

WireWriter& WireWriter::number(std::uint32_t field, std::uint64_t value) {
    if (value == 0) return *this;
    append_varint(out_, std::uint64_t{field} << 3);
    append_varint(out_, value);
    return *this;
}

WireWriter& WireWriter::bytes(std::uint32_t field, ByteSpan value) {
    return value.empty() ? *this : element(field, value);
}

WireWriter& WireWriter::element(std::uint32_t field, ByteSpan value) {
    append_varint(out_, std::uint64_t{field} << 3 | 2);
    append_varint(out_, value.size());
    out_.insert(out_.end(), value.begin(), value.end());
    return *this;
}

Bytes abci_frame(ByteSpan message) {
    Bytes out;
    append_varint(out, message.size());
    out.insert(out.end(), message.begin(), message.end());
    return out;
}

void AbciFrames::feed(ByteSpan bytes) {
    if (at_ > 0) {
        buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
        at_ = 0;
    }
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

Result<std::optional<Bytes>> AbciFrames::next() {
    std::size_t at = at_;
    TRY(auto size, varint_at(buffer_, at));
    if (!size) return std::optional<Bytes>();
    if (*size > kAbciFrameMax)
        return Error{ErrorKind::corrupt, "an ABCI message of " + std::to_string(*size) +
                                             " bytes is beyond the limit of " +
                                             std::to_string(kAbciFrameMax)};
    if (*size > buffer_.size() - at) return std::optional<Bytes>();
    at_ = at + *size;
    return std::optional(to_bytes(ByteSpan(buffer_).subspan(at, *size)));
}

}  // namespace mutirao::consensus
