// What an owner asks of a gateway's catalogue, signed by the owner's wallet (EIP-191), so that
// nobody else names, lists or removes the owner's objects. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.hpp"
#include "crypto/account.hpp"

namespace mutirao::publish {

inline constexpr std::size_t kNameSizeMax = 1024;  // bytes of UTF-8
inline constexpr std::uint64_t kRequestLifeMs = 10 * 60 * 1000;

enum class OwnerAction : std::uint8_t { name = 1, list = 2, remove = 3, name_many = 4 };

struct OwnerRequest {
    OwnerAction action = OwnerAction::list;
    std::string name;  // empty to list or to name many
    Digest content;    // zero to list; digest_names() to name many
    std::uint64_t expires_unix_ms = 0;
    crypto::AccountSignature signature;

    // Signs everything above for `chain_id`.
    void sign(const crypto::AccountKey& key, std::uint64_t chain_id);
    // The owner's address; permission_denied when expired, too far ahead or not well signed.
    Result<Address> owner(std::uint64_t chain_id, std::uint64_t now_unix_ms) const;

    Bytes encode() const;
    static Result<OwnerRequest> decode(ByteSpan bytes);
};

// What an owner signs to name many objects at once.
struct Naming {
    std::string name;
    Digest content;
};
// BLAKE3_keyed(K_names, names and contents in their order).
Digest digest_names(std::span<const Naming> namings);

// A name is 1 to 1024 bytes of valid UTF-8 without control characters.
Status check_name(std::string_view name);

}  // namespace mutirao::publish
