// State for a validator that joins late, in pieces (ABCI's state sync). What is sent is the hash of
// the last block and the application's snapshot; the pieces' hashes go ahead as metadata. The state
// is checked against the hash that CometBFT's light client verified; the hash of the last block is
// vouched for only by the machine that sent it, and gives blocks their names, nothing else.
// One thread at a time.
#pragma once

#include <optional>

#include "consensus/chain.hpp"

namespace mutirao::consensus {

inline constexpr std::size_t kSnapshotChunk = 1 << 20;
inline constexpr std::uint32_t kSnapshotChunksMax = 4096;

enum class OfferResult : std::uint8_t { accept = 1, abort, reject, reject_format, reject_sender };
enum class ApplyResult : std::uint8_t { accept = 1, abort, retry, retry_snapshot, reject_snapshot };

class CometSnapshots {
  public:
    CometSnapshots(Chain& chain, Application& application)
        : chain_(chain), application_(application) {}

    // Requests and answers are the bodies of ABCI messages (ResponseListSnapshots and so on).
    Bytes list();
    Result<Bytes> load(ByteSpan request);
    Result<Bytes> offer(ByteSpan request);
    Result<Bytes> apply(ByteSpan request);

  private:
    struct Incoming {
        std::uint64_t height = 0;
        Digest app_hash, hash;
        std::vector<Digest> chunk_hashes;
        std::vector<Bytes> chunks;
        std::size_t missing = 0;
    };
    OfferResult take_offer(ByteSpan snapshot, ByteSpan app_hash);
    ApplyResult finish();

    Chain& chain_;
    Application& application_;
    std::uint64_t prepared_height_ = 0;
    Bytes prepared_;  // what load() cuts up
    std::optional<Incoming> incoming_;
};

}  // namespace mutirao::consensus
