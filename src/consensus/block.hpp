// A block of the ledger: a header signed by its proposer, and transactions. Pure; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "base/codec.hpp"
#include "crypto/bls.hpp"

namespace mutirao::consensus {

inline constexpr std::size_t kBlockBytesMax = 1 << 20;  // of transactions
inline constexpr std::size_t kBlockTransactionsMax = 8192;
inline constexpr std::size_t kBlockFaultsMax = 4096;        // beside them; CometBFT brings fewer
inline constexpr std::size_t kTransactionMax = 128 * 1024;  // bytes of one

struct Block {
    std::uint64_t height = 0;
    std::uint64_t time_ms = 0;
    Digest previous;                  // hash() of the block before
    Digest state_before;              // state hash that it builds on
    std::vector<Bytes> transactions;  // and validators' faults (fault.hpp)
    crypto::BlsSignature signature;   // of the proposer over hash()

    // Keyed BLAKE3 of everything but the signature.
    Digest hash() const;
    Bytes encode() const;
    // corrupt on anything that encode() would not have written.
    static Result<Block> decode(ByteSpan bytes);

  private:
    void write_body(Writer& out) const;
};

}  // namespace mutirao::consensus
