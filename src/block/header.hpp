// The header of a block: its code, its length, and what its key and attachments are bound to.
// docs/reference/block-format.md has every byte. Pure; any thread.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "coding/coding.hpp"

namespace mutirao::block {

inline constexpr std::uint32_t kSlotCount = 256;           // m: the rows are dealt out to slots
inline constexpr std::uint64_t kBlockSizeMax = 32u << 20;  // bytes of ciphertext in one block
inline constexpr std::uint64_t kWideFrom = 1u << 20;       // wide: from here on, 1024 data rows

// How a block is coded and how its rows are dealt out; the header's version field.
enum class Profile : std::uint16_t {
    wide = 1,     // n = 3k; rows s, s+m, s+2m, ... are slot s
    sampled = 2,  // profile S: 4096 of 16384 rows, in an order that is drawn from all of them
};

enum class Cipher : std::uint8_t { none = 0, aes_256_gcm = 1 };

struct Header {
    Profile version = Profile::wide;
    std::uint32_t data_rows = 0;  // k
    std::uint32_t rows = 0;       // n
    std::uint32_t slots = 0;      // m
    std::uint32_t row_size = 0;   // L, bytes
    std::uint64_t length = 0;     // bytes of content; the rest of the data rows is zero
    Cipher cipher = Cipher::none;
    Digest key_commitment;  // crypto::commit_key, zero when not encrypted
    Digest extra;           // digest of whatever else the block is bound to, or zero

    static constexpr std::size_t kSize = 2 + 4 * 4 + 8 + 1 + 32 + 32;

    Bytes encode() const;
    // Refuses unknown versions and ciphers, wrong sizes, and every shape that header_for would not
    // have chosen for this version and length: one content has one shape in a profile.
    static Result<Header> decode(ByteSpan bytes);

    // BLAKE3_keyed(K_header, encode()): what certificates name.
    Digest digest() const;

    coding::Shape shape() const { return {data_rows, rows, row_size}; }
    std::uint32_t rows_per_slot() const { return rows / slots; }
    bool operator==(const Header&) const = default;
};

// The shape for `length` bytes. wide: k = 256 under 1 MiB, else 1024; n = 3k. sampled: k = 4096,
// n = 4k. Rows are as short as a multiple of 128 bytes allows. invalid_argument above
// kBlockSizeMax and for a number that is no profile.
Result<Header> header_for(std::uint64_t length, Profile profile = Profile::wide);

}  // namespace mutirao::block
