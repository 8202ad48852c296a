#include "block/header.hpp"

#include <algorithm>

#include "base/codec.hpp"
#include "crypto/hash.hpp"

namespace mutirao::block {
namespace {

constexpr std::uint32_t kNarrowRows = 256;
constexpr std::uint32_t kWideRows = 1024;
constexpr std::uint32_t kExpansion = 3;  // n = 3k
static_assert(kNarrowRows * kExpansion % kSlotCount == 0);
static_assert(kWideRows * kExpansion % kSlotCount == 0);

}  // namespace

Result<Header> header_for(std::uint64_t length) {
    if (length > kBlockSizeMax)
        return Error{ErrorKind::invalid_argument, "a block holds at most " +
                                                      std::to_string(kBlockSizeMax) +
                                                      " bytes, not " + std::to_string(length)};
    Header header;
    header.data_rows = length < kWideFrom ? kNarrowRows : kWideRows;
    header.rows = header.data_rows * kExpansion;
    header.slots = kSlotCount;
    const std::uint64_t group = std::uint64_t{header.data_rows} * coding::kRowGroup;
    const auto groups = std::max<std::uint64_t>(1, (length + group - 1) / group);
    header.row_size = static_cast<std::uint32_t>(groups * coding::kRowGroup);
    header.length = length;
    return header;
}

Bytes Header::encode() const {
    Writer out;
    out.u(version).u(data_rows).u(rows).u(slots).u(row_size).u(length);
    out.u(static_cast<std::uint8_t>(cipher)).raw(key_commitment.span()).raw(extra.span());
    return std::move(out).take();
}

Result<Header> Header::decode(ByteSpan bytes) {
    Reader in(bytes);
    Header header;
    TRY(header.version, in.u<std::uint16_t>());
    if (header.version != kVersion)
        return Error{ErrorKind::corrupt, "block header version " + std::to_string(header.version) +
                                             " is not known; this build reads version 1"};
    TRY(header.data_rows, in.u<std::uint32_t>());
    TRY(header.rows, in.u<std::uint32_t>());
    TRY(header.slots, in.u<std::uint32_t>());
    TRY(header.row_size, in.u<std::uint32_t>());
    TRY(header.length, in.u<std::uint64_t>());
    TRY(auto cipher, in.u<std::uint8_t>());
    if (cipher > static_cast<std::uint8_t>(Cipher::aes_256_gcm))
        return Error{ErrorKind::corrupt,
                     "block cipher " + std::to_string(cipher) + " is not known"};
    header.cipher = static_cast<Cipher>(cipher);
    TRY(header.key_commitment, in.fixed<Digest>());
    TRY(header.extra, in.fixed<Digest>());
    TRY_VOID(in.finish());
    TRY(auto expected, header_for(header.length));
    if (header.data_rows != expected.data_rows || header.rows != expected.rows ||
        header.slots != expected.slots || header.row_size != expected.row_size)
        return Error{ErrorKind::corrupt, "block shape is not the one for its length of " +
                                             std::to_string(header.length) + " bytes"};
    return header;
}

Digest Header::digest() const {
    return crypto::blake3_keyed(crypto::domain_key("header"), encode());
}

}  // namespace mutirao::block
