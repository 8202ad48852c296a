// A storage node: takes its slots of a block, checks each against what the block's statement
// commits to, and signs that it has them once they survive a power cut. protocol.md section 4.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/ports.hpp"
#include "block/certificate.hpp"
#include "block/share_message.hpp"
#include "block/slot_proof.hpp"
#include "block/statement.hpp"
#include "crypto/bls.hpp"
#include "placement/placement.hpp"
#include "storage/fragment_store.hpp"

namespace mutirao::storage {

inline constexpr std::size_t kOpenBlocksMax = 32;          // about 350 KiB of memory each
inline constexpr std::size_t kServedBytesMax = 16u << 20;  // of rows in one reply

// Who is a storage node in an epoch, as the ledger says. Called from many threads at once.
class Memberships {
  public:
    virtual ~Memberships() = default;
    // Shared because a new epoch replaces it while old dispersals still use it. not_found for an
    // epoch that is not (or no longer) known, unavailable when the ledger cannot be asked.
    virtual Result<std::shared_ptr<const placement::Placement>> placement(std::uint64_t epoch) = 0;
};

struct NodeIdentity {
    Address address;
    std::uint64_t chain_id = 0;
    crypto::BlsSecretKey signing_key;
};

struct Usage {
    std::uint64_t blocks = 0;
    std::uint64_t slots = 0;
    std::uint64_t bytes = 0;    // of payload
    std::uint64_t damaged = 0;  // records lost to the disk since the store was opened, and at open
};

// Any thread may call anything.
class StorageNode {
  public:
    StorageNode(FragmentStore& store, Memberships& memberships, NodeIdentity identity)
        : store_(store), memberships_(memberships), identity_(std::move(identity)) {}

    // Begins a dispersal, or goes on with one. corrupt when the statement is not that of `id`;
    // permission_denied when this node is no member of the epoch; unimplemented for a block of
    // version 2. At most kOpenBlocksMax stay open, the least recently used is closed first; a
    // closed one is opened again by this call. Whether the KZG commitment is that of the leaves is
    // seen by whoever accepts the certificate, from what sign() says of the leaves. About 0.2 ms.
    Status open_block(const BlockId& id, ByteSpan statement, std::uint64_t epoch);

    // A part of this node's share, in one append. Opens the block first when the part brings the
    // statement; not_found, asking for it, when it does not and the block is not open. Checked and
    // refused as put_slot does, all or nothing; slots that are stored already cost nothing. With
    // `sign` what sign() says once the part is stored. A third of a millisecond for each megabyte.
    Result<std::optional<crypto::BlsSignature>> put_share(const block::ShareMessage& share);

    // One slot's rows, one after another. not_found unless the block is open; invalid_argument on a
    // wrong size; permission_denied when placement gives the slot to another node; corrupt, naming
    // slot or row, when they are not what was committed to. Already stored is fine.
    Status put_slot(const BlockId& id, std::uint32_t slot, ByteSpan rows);

    // Signs availability_message for the epoch once all slots that its placement gives this node
    // are stored and synced. unavailable, saying how many are missing, before that.
    Result<crypto::BlsSignature> sign(const BlockId& id, std::uint64_t epoch);

    Result<Bytes> statement(const BlockId& id) const;

    // The rows among `indexes` whose slots are here, as block::ServedMessage; repeated indexes
    // count once. not_found (or why the last could not be read) when none is; invalid_argument for
    // an index outside the block or over kServedBytesMax in all. Every row is hashed before it is
    // served: damaged ones are left out, and their slot is lost.
    Result<Bytes> read_rows(const BlockId& id, std::span<const std::uint32_t> indexes) const;

    // Forgets the block. Whether its payer released it is for the caller to know.
    Status drop(const BlockId& id);

    Usage usage() const;

    // Shows that the row of the slot that `draw` asks for is here. not_found when block or slot is
    // not; corrupt when it is damaged, and then the slot is lost. 4 ms.
    Result<block::SlotProof> prove_slot(const BlockId& id, std::uint32_t slot,
                                        const Digest& draw) const;

  private:
    struct OpenBlock {
        BlockId id;
        std::uint64_t epoch = 0;
        block::StatementCheck check;
        std::vector<std::uint32_t> slots;  // ours in that epoch, ascending
    };

    Result<std::vector<std::uint32_t>> own_slots(const BlockId& id, std::uint64_t epoch) const;
    // Shared with checks in flight while the list drops it.
    std::shared_ptr<const OpenBlock> find_open(const BlockId& id) const;
    Status check_own(const OpenBlock& open, std::uint32_t slot) const;
    std::shared_ptr<const block::Statement> statement_of(const BlockId& id, Error& why_not) const;
    using ServedSlots = std::vector<block::ServedMessage::Slot>;
    ServedSlots read_slots(const BlockId& id, const block::Statement& statement,
                           ServedSlots& wanted, MutableByteSpan rows, Error& failure) const;
    Status read_slot(const BlockId& id, const block::Statement& statement,
                     block::ServedMessage::Slot& slot, MutableByteSpan rows) const;

    FragmentStore& store_;
    Memberships& memberships_;
    const NodeIdentity identity_;

    mutable std::mutex mutex_;                                  // guards open_
    mutable std::list<std::shared_ptr<const OpenBlock>> open_;  // most recently used first
};

}  // namespace mutirao::storage
