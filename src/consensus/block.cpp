#include "consensus/block.hpp"

#include <algorithm>

#include "base/codec.hpp"
#include "consensus/fault.hpp"
#include "crypto/hash.hpp"

namespace mutirao::consensus {
namespace {

constexpr std::uint16_t kVersion = 1;

}  // namespace

void Block::write_body(Writer& out) const {
    out.u(kVersion).u(height).u(time_ms).raw(previous.span()).raw(state_before.span());
    out.u(static_cast<std::uint32_t>(transactions.size()));
    for (const auto& transaction : transactions) out.blob(transaction);
}

Digest Block::hash() const {
    Writer out;
    write_body(out);
    return crypto::blake3_keyed(crypto::domain_key("ledger block"), out.bytes());
}

Bytes Block::encode() const {
    Writer out;
    write_body(out);
    out.raw(signature.span());
    return std::move(out).take();
}

Result<Block> Block::decode(ByteSpan bytes) {
    Reader in(bytes);
    Block block;
    TRY(auto version, in.u<std::uint16_t>());
    if (version != kVersion)
        return Error{ErrorKind::corrupt,
                     "ledger block version " + std::to_string(version) + " is not known"};
    TRY(block.height, in.u<std::uint64_t>());
    TRY(block.time_ms, in.u<std::uint64_t>());
    TRY(block.previous, in.fixed<Digest>());
    TRY(block.state_before, in.fixed<Digest>());
    TRY(auto count, in.u<std::uint32_t>());
    std::size_t bytes_left = kBlockBytesMax, transactions_left = kBlockTransactionsMax;
    std::size_t faults_left = kBlockFaultsMax;
    for (std::uint32_t i = 0; i < count; ++i) {
        TRY(const auto raw, in.blob(kTransactionMax));
        auto& left = is_fault(raw) ? faults_left : transactions_left;
        const auto counted = is_fault(raw) ? 0 : raw.size();
        if (left == 0 || counted > bytes_left || (is_fault(raw) && raw.size() != Fault::kSize))
            return Error{ErrorKind::corrupt, "a ledger block with too many transactions"};
        --left;
        bytes_left -= counted;
        block.transactions.push_back(to_bytes(raw));
    }
    TRY(block.signature, in.fixed<crypto::BlsSignature>());
    TRY_VOID(in.finish());
    return block;
}

}  // namespace mutirao::consensus
