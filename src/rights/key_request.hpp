// A signed request to a keeper: release a share of a content's key, or forget it. Signed by a
// wallet (EIP-191), valid for a few minutes. Pure; any thread.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "crypto/account.hpp"
#include "crypto/sealed_box.hpp"

namespace mutirao::rights {

inline constexpr std::uint64_t kRequestLifeMaxMs = 10 * 60 * 1000;

// Part of what is signed: a captured request to release never serves to forget.
enum class KeyAction : std::uint8_t { release = 1, forget = 2 };

struct KeyRequest {
    KeyAction action = KeyAction::release;
    Digest content;                 // digest of the content's manifest
    Address requester;              // who signed
    Digest run;                     // the run or model that it is licensed for; zero: as owner
    crypto::BoxPublicKey reply_to;  // the share is sealed to it
    std::uint64_t expires_unix_ms = 0;
    crypto::AccountSignature signature;

    // BLAKE3_keyed(K_key_request, everything but the signature): names this request, and is the
    // context of the sealed reply.
    Digest digest() const;

    // Sets requester and signature.
    void sign(const crypto::AccountKey& key);
    // permission_denied, with the reason, when the requester did not sign this, when it has expired
    // or when it would be valid for longer than kRequestLifeMaxMs from now.
    Status verify(std::uint64_t now_unix_ms) const;

    Bytes encode() const;
    // corrupt on anything that encode() would not have written.
    static Result<KeyRequest> decode(ByteSpan bytes);
};

}  // namespace mutirao::rights
