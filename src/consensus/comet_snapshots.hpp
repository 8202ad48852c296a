// State for a validator that joins late, in pieces (ABCI's state sync). What is sent is a
// StateExport: its head is the first piece, then the state in pieces of kStatePiece; the pieces'
// hashes go ahead as metadata. The state is checked against the hash that CometBFT's light client
// verified; the hash of the last block is vouched for only by the machine that sent it, and gives
// blocks their names, nothing else. One thread at a time.
#pragma once

#include <deque>
#include <optional>

#include "base/codec.hpp"
#include "consensus/chain.hpp"

namespace mutirao::consensus {

inline constexpr std::uint32_t kSnapshotChunksMax = 4096;

enum class OfferResult : std::uint8_t { accept = 1, abort, reject, reject_format, reject_sender };
enum class ApplyResult : std::uint8_t { accept = 1, abort, retry, retry_snapshot, reject_snapshot };

class CometSnapshots {
  public:
    CometSnapshots(Disk& disk, Chain& chain, Application& application)
        : disk_(disk), chain_(chain), application_(application) {}

    // Requests and answers are the bodies of ABCI messages (ResponseListSnapshots and so on).
    Bytes list();
    Result<Bytes> load(ByteSpan request);
    Result<Bytes> offer(ByteSpan request);
    Result<Bytes> apply(ByteSpan request);

  private:
    struct Incoming {
        std::uint64_t height = 0;
        Digest app_hash;
        std::vector<Digest> chunk_hashes;
        std::vector<Bytes> chunks;
        std::size_t missing = 0;
    };
    // A snapshot that others may read: its file stays readable when a newer one takes its name.
    struct Offered {
        StateIndex index;
        Bytes head;
        std::unique_ptr<File> file;
        Writer hashes;  // of the head, and of the pieces
        std::size_t chunks() const { return 1 + index.pieces.size(); }
        Result<Bytes> chunk(std::size_t number) const;
    };
    Status prepare();
    OfferResult take_offer(ByteSpan snapshot, ByteSpan app_hash);
    ApplyResult finish();

    Disk& disk_;
    Chain& chain_;
    Application& application_;
    // The newest two, so that who reads one has until the second next to finish.
    std::deque<Offered> offered_;
    std::optional<Incoming> incoming_;
};

}  // namespace mutirao::consensus
