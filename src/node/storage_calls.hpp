// Calls to storage nodes over the Network port, by account address.
#pragma once

#include <functional>
#include <string>

#include "base/ports.hpp"
#include "publish/nodes.hpp"

namespace mutirao::node {

// Where a node is reached, or not_found / unavailable. Any thread.
using FindEndpoint = std::function<Result<std::string>(const Address&)>;

class NetworkStorageCalls final : public publish::StorageCalls {
  public:
    NetworkStorageCalls(Network& network, FindEndpoint find)
        : network_(network), find_(std::move(find)) {}

    Status open_block(const Address& node, const BlockId& id, std::uint64_t epoch,
                      ByteSpan statement) override;
    Status put_slot(const Address& node, const BlockId& id, std::uint32_t slot,
                    ByteSpan rows) override;
    Result<crypto::BlsSignature> sign(const Address& node, const BlockId& id,
                                      std::uint64_t epoch) override;
    Result<Bytes> statement(const Address& node, const BlockId& id) override;
    Result<std::vector<publish::ServedSlot>> rows(const Address& node, const BlockId& id,
                                                  std::span<const std::uint32_t> indexes) override;
    // Not part of publishing: asks the node to drop a released block.
    Status drop(const Address& node, const BlockId& id);

  private:
    Network& network_;
    const FindEndpoint find_;
};

}  // namespace mutirao::node
