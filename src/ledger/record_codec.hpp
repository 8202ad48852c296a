// One canonical encoding for every record: its fields in the order in which fields() lists them.
// A record type has
//     template <class V> void fields(V& visit) { visit(a); visit(b); ... }
#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include "base/codec.hpp"
#include "ledger/amount.hpp"

namespace mutirao::ledger {

inline constexpr std::size_t kBlobMax = 64 * 1024;  // bytes of any text or blob in a record
inline constexpr std::size_t kListMax = 4096;       // entries of any list in a record

namespace codec_detail {

class Encode {
  public:
    template <class T>
    void operator()(T& value) {
        if constexpr (std::is_same_v<T, bool>) {
            out.u(static_cast<std::uint8_t>(value));
        } else if constexpr (std::is_enum_v<T>) {
            out.u(static_cast<std::uint8_t>(value));
        } else if constexpr (std::is_unsigned_v<T>) {
            out.u(value);
        } else if constexpr (std::is_same_v<T, Amount>) {
            value.encode(out);
        } else if constexpr (std::is_same_v<T, std::string>) {
            out.text(value);
        } else if constexpr (std::is_same_v<T, Bytes>) {
            out.blob(value);
        } else if constexpr (requires { value.span(); }) {
            out.raw(value.span());
        } else if constexpr (requires { value.emplace_back(); }) {
            out.u(static_cast<std::uint32_t>(value.size()));
            for (auto& entry : value) (*this)(entry);
        } else {
            value.fields(*this);
        }
    }
    Writer out;
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
    codec_detail::Encode encode;
    const_cast<Record&>(record).fields(encode);  // fields() only reads when encoding
    return std::move(encode.out).take();
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
