#include "crypto/ed25519.hpp"

#include <memory>
#include <openssl/evp.h>

#include "base/ensure.hpp"

namespace mutirao::crypto {
namespace {

using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

KeyPtr private_key(ByteSpan seed) {
    return {EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()),
            &EVP_PKEY_free};
}

}  // namespace

Result<Ed25519Key> Ed25519Key::from_seed(ByteSpan seed) {
    Ed25519Key out;
    TRY(out.seed, decltype(out.seed)::from_bytes(seed));
    const auto key = private_key(seed);
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

Ed25519Signature Ed25519Key::sign(ByteSpan message) const {
    const auto key = private_key(seed.span());
    const DigestPtr context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    Ed25519Signature out;
    std::size_t size = out.bytes.size();
    ENSURE(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
               EVP_DigestSign(context.get(), out.bytes.data(), &size, message.data(),
                              message.size()) == 1,
           "Ed25519 signs any message");
    return out;
}

bool verify_ed25519(const Ed25519PublicKey& key, ByteSpan message,
                    const Ed25519Signature& signature) {
    const KeyPtr point(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.bytes.data(), key.bytes.size()),
        &EVP_PKEY_free);
    const DigestPtr context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    return point != nullptr &&
           EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, point.get()) == 1 &&
           EVP_DigestVerify(context.get(), signature.bytes.data(), signature.bytes.size(),
                            message.data(), message.size()) == 1;
}

Digest sha256(ByteSpan input) {
    Digest out;
    ENSURE(EVP_Digest(input.data(), input.size(), out.bytes.data(), nullptr, EVP_sha256(),
                      nullptr) == 1,
           "SHA-256 is in every OpenSSL");
    return out;
}

}  // namespace mutirao::crypto
