// Ethereum accounts: secp256k1 keys (libsecp256k1), recoverable low-s signatures, EIP-55 addresses,
// EIP-191 personal messages. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/ports.hpp"

namespace mutirao::crypto {

struct AccountSignature {
    FixedBytes<struct SigRTag, 32> r;  // big-endian
    FixedBytes<struct SigSTag, 32> s;  // big-endian, at most half the group order (EIP-2)
    std::uint8_t y_parity = 0;         // 0 or 1

    static constexpr std::size_t kSize = 65;
    Bytes to_bytes() const;  // r | s | y_parity
    static Result<AccountSignature> from_bytes(ByteSpan bytes);
};

class AccountKey {
  public:
    static AccountKey generate(Random& random);
    // 32 big-endian bytes; refuses 0 and anything not below the group order.
    static Result<AccountKey> from_bytes(ByteSpan secret);

    Address address() const;
    // RFC 6979 deterministic nonce, low s.
    AccountSignature sign(const Digest& hash) const;
    ByteSpan secret() const { return secret_; }  // borrowed; for the keystore only

  private:
    std::array<std::uint8_t, 32> secret_{};
};

// The signer's address; permission_denied on a high s, y_parity over 1, or a signature that
// recovers to no key. About 50 us.
Result<Address> recover(const Digest& hash, const AccountSignature& signature);

// keccak256("\x19Ethereum Signed Message:\n" + size + message): what wallets sign (EIP-191).
Digest personal_message_hash(ByteSpan message);

// EIP-55 mixed-case text with 0x, and back (any case is read; a wrong checksum in mixed case is
// refused).
std::string to_checksum_text(const Address& address);
Result<Address> address_from_text(std::string_view text);

}  // namespace mutirao::crypto
