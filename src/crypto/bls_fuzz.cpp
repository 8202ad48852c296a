// Keys and signatures from outside: a key, a signature, and the message that it may be of.
#include "crypto/bls_aggregate.hpp"

namespace {

using namespace mutirao;
using namespace mutirao::crypto;

// A known key beside the foreign one, so that an aggregate always has one good part.
struct Known {
    BlsSecretKey secret = *BlsSecretKey::generate(Bytes(32, 7));
    BlsVerifiedKey key = *BlsVerifiedKey::possession_shown(secret.public_key());
};

void try_aggregate(const BlsVerifiedKey& key, ByteSpan message, const BlsSignature& signature,
                   bool valid) {
    static const Known known;
    const std::array keys{known.key, key};
    const std::array signatures{known.secret.sign(message), signature};
    const auto result = aggregate_valid(keys, message, signatures);
    if (!result.ok()) return;  // the foreign key is minus the known one
    ENSURE(result->bad.empty() == valid);
    ENSURE(verify_aggregate(std::span(keys).first(valid ? 2 : 1), message, result->signature));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteSpan input(data, size);
    (void)BlsSecretKey::from_bytes(input);
    if (size < BlsPublicKey::kSize + BlsSignature::kSize) return 0;
    const auto key = *BlsPublicKey::from_bytes(input.first(BlsPublicKey::kSize));
    const auto signature =
        *BlsSignature::from_bytes(input.subspan(BlsPublicKey::kSize, BlsSignature::kSize));
    const auto message = input.subspan(BlsPublicKey::kSize + BlsSignature::kSize);
    const bool valid = verify(key, message, signature);
    const auto sum = aggregate({&signature, 1});
    ENSURE(!valid || (sum.ok() && *sum == signature));
    const auto checked = BlsVerifiedKey::possession_shown(key);
    ENSURE(checked.ok() || !valid);
    ENSURE(checked.ok() || !verify_possession(key, signature));
    if (!checked.ok()) return 0;
    ENSURE(checked->public_key() == key);
    try_aggregate(*checked, message, signature, valid);
    return 0;
}
