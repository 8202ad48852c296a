#include "block/share_message.hpp"

#include <limits>

#include "base/codec.hpp"

namespace mutirao::block {
namespace {

constexpr std::size_t kRowMultiple = 128;

Error not_a(const char* what) { return {ErrorKind::corrupt, std::string("this is no ") + what}; }

bool is_row_size(std::uint32_t size) {
    return size != 0 && size % kRowMultiple == 0 && size <= kBlockSizeMax;
}

}  // namespace

Bytes ShareMessage::encode_head() const {
    ENSURE(slots.size() <= kSlotCount, "a block has no more slots");
    Writer out;
    out.raw(id.span()).u(epoch).u(static_cast<std::uint8_t>(sign)).blob(statement);
    out.u(static_cast<std::uint16_t>(slots.size()));
    const std::size_t row_size = slots.empty() ? 0 : slots.front().rows.front().size();
    out.u(static_cast<std::uint32_t>(row_size));
    for (const auto& slot : slots) out.u(static_cast<std::uint16_t>(slot.slot));
    return std::move(out).take();
}

Result<ShareMessage> ShareMessage::decode(ByteSpan bytes) {
    Reader in(bytes);
    ShareMessage out;
    TRY(out.id, in.fixed<BlockId>());
    TRY(out.epoch, in.u<std::uint64_t>());
    TRY(auto sign, in.u<std::uint8_t>());
    if (sign > 1) return not_a("share");
    out.sign = sign == 1;
    TRY(out.statement, in.blob(kStatementMax));
    TRY(auto count, in.u<std::uint16_t>());
    TRY(auto row_size, in.u<std::uint32_t>());
    if (count > kSlotCount || (count == 0) != (row_size == 0)) return not_a("share");
    for (std::uint16_t i = 0; i < count; ++i) {
        TRY(auto slot, in.u<std::uint16_t>());
        out.slots.push_back({slot, {}});
    }
    if (count == 0) {
        TRY_VOID(in.finish());
        return out;
    }
    const std::size_t rows_size = in.remaining();
    if (!is_row_size(row_size) || rows_size == 0 ||
        rows_size % (std::size_t{row_size} * count) != 0)
        return not_a("share");
    const std::size_t rows_a_slot = rows_size / (std::size_t{row_size} * count);
    if (rows_a_slot > std::numeric_limits<std::uint16_t>::max()) return not_a("share");
    for (auto& slot : out.slots)
        for (std::size_t j = 0; j < rows_a_slot; ++j) {
            TRY(auto row, in.raw(row_size));
            slot.rows.push_back(row);
        }
    return out;
}

std::size_t ServedMessage::head_size(std::span<const Slot> slots) {
    std::size_t size = 2 + 4;
    for (const auto& slot : slots)
        size += std::size_t{6} + slot.digests.size() * Digest::kSize + slot.rows.size() * 4;
    return size;
}

Bytes ServedMessage::encode_head(std::span<const Slot> slots, std::uint32_t row_size) {
    ENSURE(slots.size() <= kSlotCount, "a block has no more slots");
    Writer out;
    std::size_t rows = 0;
    out.u(static_cast<std::uint16_t>(slots.size())).u(row_size);
    for (const auto& slot : slots) {
        rows += slot.rows.size();
        out.u(static_cast<std::uint16_t>(slot.slot));
        out.u(static_cast<std::uint16_t>(slot.digests.size()));
        out.u(static_cast<std::uint16_t>(slot.rows.size()));
        for (const auto& digest : slot.digests) out.raw(digest.span());
        for (const auto& row : slot.rows) out.u(row.index);
    }
    auto bytes = std::move(out).take();
    bytes.resize(bytes.size() + rows * row_size);
    return bytes;
}

Result<ServedMessage> ServedMessage::decode(ByteSpan bytes) {
    Reader in(bytes);
    ServedMessage out;
    TRY(auto count, in.u<std::uint16_t>());
    TRY(auto row_size, in.u<std::uint32_t>());
    if (count > kSlotCount || !is_row_size(row_size)) return not_a("answer with rows");
    for (std::uint16_t i = 0; i < count; ++i) {
        Slot slot;
        TRY(slot.slot, in.u<std::uint16_t>());
        TRY(auto digests, in.u<std::uint16_t>());
        TRY(auto rows, in.u<std::uint16_t>());
        for (std::uint16_t j = 0; j < digests; ++j) {
            TRY(auto digest, in.fixed<Digest>());
            slot.digests.push_back(digest);
        }
        for (std::uint16_t j = 0; j < rows; ++j) {
            TRY(auto index, in.u<std::uint32_t>());
            slot.rows.push_back({index, {}});
        }
        out.slots.push_back(std::move(slot));
    }
    for (auto& slot : out.slots)
        for (auto& row : slot.rows) {
            TRY(row.bytes, in.raw(row_size));
        }
    TRY_VOID(in.finish());
    return out;
}

}  // namespace mutirao::block
