// Canonical little-endian codec for whatever is hashed, signed or stored. One value has one
// encoding; the Reader refuses anything that the Writer would not have written.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace mutirao {

class Writer {
  public:
    template <std::unsigned_integral T>
    Writer& u(T value) {
        std::uint8_t little[sizeof(T)];
        for (std::size_t i = 0; i < sizeof(T); ++i)
            little[i] = static_cast<std::uint8_t>(value >> (8 * i));
        return raw(little);
    }
    Writer& raw(ByteSpan bytes);
    // u32 length, then the bytes.
    Writer& blob(ByteSpan bytes);
    Writer& text(std::string_view value) { return blob(as_bytes(value)); }

    const Bytes& bytes() const& { return out_; }
    Bytes take() && { return std::move(out_); }

  private:
    Bytes out_;
};

// Every read checks what is left; a failure is `corrupt` and names the offset.
// Borrowed bytes must outlive the Reader and whatever spans it hands out.
class Reader {
  public:
    explicit Reader(ByteSpan bytes) : bytes_(bytes) {}

    template <std::unsigned_integral T>
    Result<T> u() {
        TRY(auto span, raw(sizeof(T)));
        T value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i)
            value = static_cast<T>(value | static_cast<T>(static_cast<T>(span[i]) << (8 * i)));
        return value;
    }
    Result<ByteSpan> raw(std::size_t size);
    template <class Fixed>
    Result<Fixed> fixed() {
        TRY(auto span, raw(Fixed::kSize));
        return Fixed::from_bytes(span);
    }
    // A blob of at most `max_size` bytes; a longer one is refused before it is touched.
    Result<ByteSpan> blob(std::size_t max_size);
    Result<std::string> text(std::size_t max_size);

    std::size_t offset() const { return offset_; }
    std::size_t remaining() const { return bytes_.size() - offset_; }
    // Fails unless everything was read: trailing bytes are not canonical.
    Status finish() const;

  private:
    ByteSpan bytes_;
    std::size_t offset_ = 0;
};

}  // namespace mutirao
