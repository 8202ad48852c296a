// One canonical encoding for every record: its fields in the order in which fields() lists them.
// A record type has
//     template <class V> void fields(V& visit) { visit(a); visit(b); ... }
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>
#include <vector>

#include "base/codec.hpp"
#include "ledger/amount.hpp"

namespace mutirao::ledger {

inline constexpr std::size_t kBlobMax = 64 * 1024;  // bytes of any text or blob in a record
inline constexpr std::size_t kListMax = 4096;       // entries of any list in a record

namespace codec_detail {

// How many bytes Encode writes.
class Size {
  public:
    template <class T>
    void operator()(T& value) {
        if constexpr (std::is_enum_v<T>) {
            bytes += 1;
        } else if constexpr (std::is_unsigned_v<T>) {
            bytes += sizeof(T);
        } else if constexpr (std::is_same_v<T, Amount>) {
            bytes += Amount::kSize;
        } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, Bytes>) {
            bytes += sizeof(std::uint32_t) + value.size();
        } else if constexpr (requires { value.span(); }) {
            bytes += T::kSize;
        } else if constexpr (requires { value.emplace_back(); }) {
            bytes += sizeof(std::uint32_t);
            for (auto& entry : value) (*this)(entry);
        } else {
            value.fields(*this);
        }
    }
    std::size_t bytes = 0;
};

// Where there is room for what Size says: most records are a few dozen bytes in many fields.
class Encode {
  public:
    explicit Encode(std::uint8_t* out) : at(out) {}
    template <class T>
    void operator()(T& value) {
        if constexpr (std::is_enum_v<T>) {
            number(static_cast<std::uint8_t>(value));
        } else if constexpr (std::is_unsigned_v<T>) {
            number(value);
        } else if constexpr (std::is_same_v<T, Amount>) {
            for (const auto word : value.words()) number(word);
        } else if constexpr (std::is_same_v<T, std::string>) {
            blob(as_bytes(value));
        } else if constexpr (std::is_same_v<T, Bytes>) {
            blob(value);
        } else if constexpr (requires { value.span(); }) {
            raw(value.span());
        } else if constexpr (requires { value.emplace_back(); }) {
            number(static_cast<std::uint32_t>(value.size()));
            for (auto& entry : value) (*this)(entry);
        } else {
            value.fields(*this);
        }
    }

  private:
    template <std::unsigned_integral T>
    void number(T value) {
        for (std::size_t i = 0; i < sizeof(T); ++i)
            *at++ = static_cast<std::uint8_t>(value >> (8 * i));
    }
    void raw(ByteSpan bytes) { at = std::copy(bytes.begin(), bytes.end(), at); }
    void blob(ByteSpan bytes) {
        number(static_cast<std::uint32_t>(bytes.size()));
        raw(bytes);
    }
    std::uint8_t* at;
};

class Decode {
  public:
    explicit Decode(ByteSpan bytes) : in(bytes) {}
    template <class T>
    void operator()(T& value) {
        if (!status.ok()) return;
        if constexpr (std::is_same_v<T, bool>) {
            std::uint8_t raw = 0;
            take(in.u<std::uint8_t>(), raw);
            if (raw > 1) status = Error{ErrorKind::corrupt, "a flag that is neither 0 nor 1"};
            value = raw == 1;
        } else if constexpr (std::is_enum_v<T>) {
            std::uint8_t raw = 0;
            take(in.u<std::uint8_t>(), raw);
            if (raw > static_cast<std::uint8_t>(T::last_))
                status = Error{ErrorKind::corrupt, "an unknown enumerator"};
            value = static_cast<T>(raw);
        } else if constexpr (std::is_unsigned_v<T>) {
            take(in.u<T>(), value);
        } else if constexpr (std::is_same_v<T, Amount>) {
            take(Amount::decode(in), value);
        } else if constexpr (std::is_same_v<T, std::string>) {
            take(in.text(kBlobMax), value);
        } else if constexpr (std::is_same_v<T, Bytes>) {
            if (auto blob = in.blob(kBlobMax); blob.ok())
                value = to_bytes(*blob);
            else
                status = blob.error();
        } else if constexpr (requires { value.span(); }) {
            take(in.fixed<T>(), value);
        } else if constexpr (requires { value.emplace_back(); }) {
            std::uint32_t count = 0;
            take(in.u<std::uint32_t>(), count);
            if (count > kListMax) status = Error{ErrorKind::corrupt, "a list that is too long"};
            for (std::uint32_t i = 0; i < count && status.ok(); ++i) (*this)(value.emplace_back());
        } else {
            value.fields(*this);
        }
    }
    Reader in;
    Status status;

  private:
    template <class T>
    void take(Result<T> result, T& value) {
        if (result.ok())
            value = std::move(result).value();
        else
            status = std::move(result).error();
    }
};

}  // namespace codec_detail

template <class Record>
Bytes encode_record(const Record& record) {
    auto& fields = const_cast<Record&>(record);  // fields() only reads when encoding
    codec_detail::Size size;
    fields.fields(size);
    Bytes out(size.bytes);
    codec_detail::Encode encode(out.data());
    fields.fields(encode);
    return out;
}

// corrupt on anything that encode_record would not have written.
template <class Record>
Result<Record> decode_record(ByteSpan bytes) {
    Record record;
    codec_detail::Decode decode(bytes);
    record.fields(decode);
    TRY_VOID(decode.status);
    TRY_VOID(decode.in.finish());
    return record;
}

}  // namespace mutirao::ledger
