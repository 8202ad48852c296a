// Wallet files that other wallets read too: Web3 Secret Storage version 3 (scrypt, AES-128-CTR,
// Keccak-256 MAC). Pure; any thread. Decrypting takes about a second at full strength: that is the
// point of scrypt.
#pragma once

#include <string>
#include <string_view>

#include "crypto/account.hpp"

namespace mutirao::crypto {

struct KeystoreStrength {
    std::uint32_t scrypt_n = 1 << 17;  // power of two; memory is 128 * r * n bytes
    std::uint32_t scrypt_r = 8;
    std::uint32_t scrypt_p = 1;
};

// JSON text of the keystore file.
std::string write_keystore(const AccountKey& key, std::string_view password, Random& random,
                           const KeystoreStrength& strength = {});

// permission_denied "wrong password ..." when the MAC differs; corrupt when the file is no version
// 3 keystore (memory and work asked for by a hostile file are bounded to 256 MiB).
Result<AccountKey> read_keystore(std::string_view json, std::string_view password);

}  // namespace mutirao::crypto
