#include "base/codec.hpp"

#include <algorithm>
#include <limits>

namespace mutirao {
namespace {

constexpr std::size_t kFirstRoom = 128;  // bytes

}  // namespace

Writer& Writer::raw(ByteSpan bytes) {
    if (bytes.empty()) return *this;
    // Most records are short, and are written in many small pieces.
    if (out_.capacity() == 0) out_.reserve(std::max(bytes.size(), kFirstRoom));
    const auto at = out_.size();
    out_.resize(at + bytes.size());
    std::memcpy(out_.data() + at, bytes.data(), bytes.size());
    return *this;
}

Writer& Writer::blob(ByteSpan bytes) {
    ENSURE(bytes.size() <= std::numeric_limits<std::uint32_t>::max(), "blob over 4 GiB");
    u(static_cast<std::uint32_t>(bytes.size()));
    return raw(bytes);
}

Result<ByteSpan> Reader::raw(std::size_t size) {
    if (size > remaining())
        return Error{ErrorKind::corrupt, "cut short at byte " + std::to_string(offset_) + ": " +
                                             std::to_string(size) + " bytes wanted, " +
                                             std::to_string(remaining()) + " left"};
    auto span = bytes_.subspan(offset_, size);
    offset_ += size;
    return span;
}

Result<ByteSpan> Reader::blob(std::size_t max_size) {
    const auto at = offset_;
    TRY(auto size, u<std::uint32_t>());
    if (size > max_size)
        return Error{ErrorKind::corrupt, "length " + std::to_string(size) + " at byte " +
                                             std::to_string(at) + " is over the limit of " +
                                             std::to_string(max_size)};
    return raw(size);
}

Result<std::string> Reader::text(std::size_t max_size) {
    TRY(auto span, blob(max_size));
    return std::string(as_text(span));
}

Status Reader::finish() const {
    if (remaining() != 0)
        return Error{ErrorKind::corrupt,
                     std::to_string(remaining()) + " bytes too many after the end"};
    return {};
}

}  // namespace mutirao
