#include "crypto/ed25519.hpp"

#include <memory>
#include <openssl/evp.h>

#include "base/ensure.hpp"

namespace mutirao::crypto {

Result<Ed25519Key> Ed25519Key::from_seed(ByteSpan seed) {
    Ed25519Key out;
    TRY(out.seed, decltype(out.seed)::from_bytes(seed));
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()),
        &EVP_PKEY_free);
    std::size_t size = out.public_key.bytes.size();
    ENSURE(key != nullptr &&
               EVP_PKEY_get_raw_public_key(key.get(), out.public_key.bytes.data(), &size) == 1,
           "every 32 bytes are an Ed25519 seed");
    return out;
}

Ed25519Key Ed25519Key::generate(Random& random) {
    const auto seed = random.fixed<decltype(Ed25519Key::seed)>();
    return from_seed(seed.span()).value();
}

Digest sha256(ByteSpan input) {
    Digest out;
    ENSURE(EVP_Digest(input.data(), input.size(), out.bytes.data(), nullptr, EVP_sha256(),
                      nullptr) == 1,
           "SHA-256 is in every OpenSSL");
    return out;
}

}  // namespace mutirao::crypto
