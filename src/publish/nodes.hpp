// The ports that publishing needs: calls to storage nodes, and who the nodes are.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "block/share_message.hpp"
#include "crypto/bls_aggregate.hpp"
#include "placement/placement.hpp"

namespace mutirao::publish {

// A part of one node's share of a block, as it is sent: some of its slots, with all their rows.
struct SharePart {
    BlockId id;
    std::uint64_t epoch = 0;
    ByteSpan statement;  // block::Statement::encode() in the first part, empty in the others
    std::vector<block::SlotRows> slots;
    bool sign = false;                  // the last part: the node is asked for its signature
    std::shared_ptr<const void> owner;  // of everything above; the call may outlast the caller

    std::size_t size() const;  // bytes of statement and rows
};

// Rows as a node serves them, and what their bytes live in.
struct ServedRows {
    std::vector<block::ServedMessage::Slot> slots;
    std::shared_ptr<const void> owner;
};

// Calls to storage nodes by address. Each begins a call and returns; `done` is called exactly once,
// on any thread and perhaps before the call returns, and must be quick. The implementation sets
// deadlines. Called from several threads at once.
class StorageCalls {
  public:
    virtual ~StorageCalls() = default;

    // A signature when the part asked for one, else nothing. Idempotent.
    using Stored = std::function<void(Result<std::optional<crypto::BlsSignature>>)>;
    virtual void put(const Address& node, SharePart part, Stored done) = 0;

    using Stated = std::function<void(Result<Bytes>)>;
    virtual void statement(const Address& node, const BlockId& id, Stated done) = 0;

    // The rows among `indexes` that the node has. At most kServedBytesMax bytes of rows a call.
    using Served = std::function<void(Result<ServedRows>)>;
    virtual void rows(const Address& node, const BlockId& id, std::vector<std::uint32_t> indexes,
                      Served done) = 0;
};

inline constexpr std::size_t kServedBytesMax = 16 << 20;

// One epoch's storage nodes with their signing keys, in member order.
struct Committee {
    std::shared_ptr<const placement::Placement> placement;
    std::vector<crypto::BlsVerifiedKey> keys;  // they showed possession when they registered

    std::uint64_t epoch() const { return placement->membership().epoch; }
    std::uint32_t size() const {
        return static_cast<std::uint32_t>(placement->membership().members.size());
    }
    const Address& node(std::uint32_t member) const {
        return placement->membership().members[member].node;
    }
};

// What went wrong at one node, for reports; it did not stop the whole.
struct NodeFailure {
    Address node;
    Error error;
};

}  // namespace mutirao::publish
