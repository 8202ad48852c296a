// Keepers and batches for tests.
#pragma once

#include "base/codec.hpp"
#include "crypto/hash.hpp"
#include "lane/batch.hpp"

namespace mutirao::lane {

inline constexpr std::uint64_t kChain = 8021;

inline crypto::BlsSecretKey keeper_key(std::uint32_t number) {
    const auto secret = crypto::keccak256(Writer().u(number).bytes());
    return crypto::BlsSecretKey::generate(secret.span()).value();
}
inline Keepers keepers_of(std::uint32_t count) {
    Keepers out;
    for (std::uint32_t i = 0; i < count; ++i) {
        out.keys.push_back(
            crypto::BlsVerifiedKey::possession_shown(keeper_key(i).public_key()).value());
        out.votes.push_back(1);
    }
    return out;
}
inline crypto::AccountKey author_key(std::uint32_t number) {
    const auto secret = crypto::keccak256(Writer().u(number).u(number).bytes());
    return crypto::AccountKey::from_bytes(secret.span()).value();
}
// Signed; its transactions are only bytes.
inline Batch batch_of(std::uint32_t author, std::uint64_t sequence, std::uint8_t content = 0) {
    Batch out;
    out.sequence = sequence;
    for (std::uint8_t i = 0; i < 5; ++i) out.transactions.push_back(Bytes(10u + i, content));
    out.sign(author_key(author), kChain);
    return out;
}

}  // namespace mutirao::lane
