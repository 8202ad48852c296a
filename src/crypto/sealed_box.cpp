#include "crypto/sealed_box.hpp"

#include <algorithm>
#include <memory>
#include <openssl/evp.h>

#include "base/codec.hpp"
#include "crypto/aead.hpp"

namespace mutirao::crypto {
namespace {

struct KeyFree {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct ContextFree {
    void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using PrivateKey = std::unique_ptr<EVP_PKEY, KeyFree>;

PrivateKey private_key(ByteSpan secret) {
    PrivateKey key(
        EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, secret.data(), secret.size()));
    ENSURE(key != nullptr);
    return key;
}

// X25519 (RFC 7748). invalid_argument for a peer key of low order, whose result is all zero.
Result<Bytes> shared_secret(ByteSpan secret, const BoxPublicKey& peer) {
    const auto own = private_key(secret);
    const PrivateKey other(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, peer.bytes.data(),
                                                       peer.bytes.size()));
    const std::unique_ptr<EVP_PKEY_CTX, ContextFree> context(EVP_PKEY_CTX_new(own.get(), nullptr));
    Bytes out(32);
    std::size_t size = out.size();
    if (other == nullptr || EVP_PKEY_derive_init(context.get()) != 1 ||
        EVP_PKEY_derive_set_peer(context.get(), other.get()) != 1 ||
        EVP_PKEY_derive(context.get(), out.data(), &size) != 1)
        return Error{ErrorKind::invalid_argument, "the reader's public key is not usable"};
    return out;
}

Key box_key(ByteSpan shared, const BoxPublicKey& ephemeral, const BoxPublicKey& reader) {
    Writer out;
    out.raw(shared).raw(ephemeral.span()).raw(reader.span());
    return blake3_derive_key("mutirao v1 sealed box", out.bytes());
}

}  // namespace

BoxSecretKey BoxSecretKey::generate(Random& random) {
    BoxSecretKey out;
    random.fill(out.secret_);
    return out;
}

Result<BoxSecretKey> BoxSecretKey::from_bytes(ByteSpan secret) {
    BoxSecretKey out;
    if (secret.size() != out.secret_.size())
        return Error{ErrorKind::invalid_argument, "an X25519 key has 32 bytes"};
    std::copy(secret.begin(), secret.end(), out.secret_.begin());
    return out;
}

BoxPublicKey BoxSecretKey::public_key() const {
    BoxPublicKey out;
    std::size_t size = out.bytes.size();
    ENSURE(EVP_PKEY_get_raw_public_key(private_key(secret_).get(), out.bytes.data(), &size) == 1);
    return out;
}

Result<Bytes> seal_to(const BoxPublicKey& to, ByteSpan context, ByteSpan secret, Random& random) {
    const auto ephemeral = BoxSecretKey::generate(random);
    TRY(auto shared, shared_secret(ephemeral.secret(), to));
    const auto sender = ephemeral.public_key();
    // The key is fresh for every box, so sequence 0 never repeats under it.
    const auto sealed = seal(box_key(shared, sender, to), 0, context, secret);
    Writer out;
    out.raw(sender.span()).raw(sealed);
    return std::move(out).take();
}

Result<Bytes> open_box(const BoxSecretKey& key, ByteSpan context, ByteSpan box) {
    if (box.size() < BoxPublicKey::kSize + kTagSize)
        return Error{ErrorKind::corrupt, "too short for a sealed box"};
    TRY(auto sender, BoxPublicKey::from_bytes(box.first(BoxPublicKey::kSize)));
    auto shared = shared_secret(key.secret(), sender);
    if (!shared.ok())
        return Error{ErrorKind::permission_denied, "the sealed box names no usable sender"};
    return open(box_key(*shared, sender, key.public_key()), 0, context,
                box.subspan(BoxPublicKey::kSize));
}

Result<Key> agreed_key(const BoxSecretKey& own, const BoxPublicKey& peer, std::string_view context,
                       ByteSpan material) {
    TRY(const auto shared, shared_secret(own.secret(), peer));
    const auto mine = own.public_key();
    Writer out;
    out.raw(shared).raw(std::min(mine, peer).span()).raw(std::max(mine, peer).span()).raw(material);
    return blake3_derive_key(context, out.bytes());
}

}  // namespace mutirao::crypto
