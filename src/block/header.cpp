#include "block/header.hpp"

#include <algorithm>

#include "base/codec.hpp"
#include "crypto/hash.hpp"

namespace mutirao::block {
namespace {

struct Code {
    std::uint32_t data_rows, rows;
};
constexpr Code kNarrow{256, 3 * 256};
constexpr Code kWide{1024, 3 * 1024};
constexpr Code kSampled{4096, 4 * 4096};
static_assert(kNarrow.rows % kSlotCount == 0);
static_assert(kWide.rows % kSlotCount == 0);
static_assert(kSampled.rows % kSlotCount == 0);

bool is_known(Profile profile) { return profile == Profile::wide || profile == Profile::sampled; }

Error unknown_version(ErrorKind kind, Profile profile) {
    return Error{kind, "block header version " +
                           std::to_string(static_cast<std::uint16_t>(profile)) +
                           " is not known; this build reads versions 1 and 2"};
}

Code code_for(std::uint64_t length, Profile profile) {
    if (profile == Profile::sampled) return kSampled;
    return length < kWideFrom ? kNarrow : kWide;
}

}  // namespace

Result<Header> header_for(std::uint64_t length, Profile profile) {
    if (!is_known(profile)) return unknown_version(ErrorKind::invalid_argument, profile);
    if (length > kBlockSizeMax)
        return Error{ErrorKind::invalid_argument, "a block holds at most " +
                                                      std::to_string(kBlockSizeMax) +
                                                      " bytes, not " + std::to_string(length)};
    const auto code = code_for(length, profile);
    Header header;
    header.version = profile;
    header.data_rows = code.data_rows;
    header.rows = code.rows;
    header.slots = kSlotCount;
    const std::uint64_t group = std::uint64_t{header.data_rows} * coding::kRowGroup;
    const auto groups = std::max<std::uint64_t>(1, (length + group - 1) / group);
    header.row_size = static_cast<std::uint32_t>(groups * coding::kRowGroup);
    header.length = length;
    return header;
}

Bytes Header::encode() const {
    Writer out;
    out.u(static_cast<std::uint16_t>(version)).u(data_rows).u(rows).u(slots).u(row_size).u(length);
    out.u(static_cast<std::uint8_t>(cipher)).raw(key_commitment.span()).raw(extra.span());
    return std::move(out).take();
}

Result<Header> Header::decode(ByteSpan bytes) {
    Reader in(bytes);
    Header header;
    TRY(auto version, in.u<std::uint16_t>());
    header.version = static_cast<Profile>(version);
    if (!is_known(header.version)) return unknown_version(ErrorKind::corrupt, header.version);
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
    TRY(auto expected, header_for(header.length, header.version));
    if (header.data_rows != expected.data_rows || header.rows != expected.rows ||
        header.slots != expected.slots || header.row_size != expected.row_size)
        return Error{ErrorKind::corrupt,
                     "block shape is not the one for its version and its length of " +
                         std::to_string(header.length) + " bytes"};
    return header;
}

Digest Header::digest() const {
    return crypto::blake3_keyed(crypto::domain_key("header"), encode());
}

}  // namespace mutirao::block
