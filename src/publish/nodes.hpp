// The ports that publishing needs: calls to storage nodes, and who the nodes are.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "crypto/bls.hpp"
#include "placement/placement.hpp"

namespace mutirao::publish {

// Some rows of one slot as a node serves them, with the digests of all the slot's rows in order.
struct ServedSlot {
    std::uint32_t slot = 0;
    std::vector<Digest> digests;
    std::vector<std::pair<std::uint32_t, Bytes>> rows;  // index, bytes
};

// Calls to storage nodes by address. Each blocks until answered or until the implementation's
// deadline. Called from several threads at once.
class StorageCalls {
  public:
    virtual ~StorageCalls() = default;
    virtual Status open_block(const Address& node, const BlockId& id, std::uint64_t epoch,
                              ByteSpan statement) = 0;
    virtual Status put_slot(const Address& node, const BlockId& id, std::uint32_t slot,
                            ByteSpan rows) = 0;
    virtual Result<crypto::BlsSignature> sign(const Address& node, const BlockId& id,
                                              std::uint64_t epoch) = 0;
    virtual Result<Bytes> statement(const Address& node, const BlockId& id) = 0;
    // At most kServedBytesMax bytes of rows a call.
    virtual Result<std::vector<ServedSlot>> rows(const Address& node, const BlockId& id,
                                                 std::span<const std::uint32_t> indexes) = 0;
};

inline constexpr std::size_t kServedBytesMax = 16 << 20;

// One epoch's storage nodes with their signing keys, in member order.
struct Committee {
    std::shared_ptr<const placement::Placement> placement;
    std::vector<crypto::BlsPublicKey> keys;

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
