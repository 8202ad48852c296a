#include "node/identity.hpp"

#include "crypto/hash.hpp"

namespace mutirao::node {
namespace {

constexpr std::string_view kFile = "identity.key";

}  // namespace

Result<Identity> Identity::derive(const Digest& secret) {
    const auto account = crypto::blake3_derive_key("mutirao v1 identity account", secret.span());
    const auto bls = crypto::blake3_derive_key("mutirao v1 identity bls", secret.span());
    const auto box = crypto::blake3_derive_key("mutirao v1 identity box", secret.span());
    TRY(auto account_key, crypto::AccountKey::from_bytes(account.span()));
    TRY(auto bls_key, crypto::BlsSecretKey::generate(bls.span()));
    TRY(auto box_key, crypto::BoxSecretKey::from_bytes(box.span()));
    return Identity{std::move(account_key), std::move(bls_key), std::move(box_key)};
}

Result<Identity> Identity::load_or_create(Disk& disk, Random& random) {
    TRY(auto exists, disk.exists(kFile));
    if (!exists) {
        const auto secret = random.fixed<Digest>();
        TRY_VOID(disk.write_file_atomic(kFile, secret.span()));
        return derive(secret);
    }
    TRY(auto bytes, disk.read_file(kFile, Digest::kSize));
    auto secret = Digest::from_bytes(bytes);
    if (!secret.ok())
        return Error{ErrorKind::corrupt,
                     "identity.key does not hold 32 bytes; restore it from a "
                     "copy, or remove it to join as a new node"};
    return derive(*secret);
}

}  // namespace mutirao::node
