// Calls to storage nodes over the Network port, by account address. Fragments go over the data
// network in the bytes of block/share_message.hpp; docs/reference/network-calls.md has the methods.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/ports.hpp"
#include "publish/nodes.hpp"

namespace mutirao::node {

// Where a node is reached, or not_found / unavailable. Any thread.
using FindEndpoint = std::function<Result<std::string>(const Address&)>;

// Asked with block::ShareMessage; answered with nothing, or the crypto::BlsSignature asked for.
inline constexpr std::string_view kPutFragments = "/mutirao.v1.Fragments/Put";
// Asked with id (32) | row indexes u32 each; answered with block::ServedMessage.
inline constexpr std::string_view kReadFragments = "/mutirao.v1.Fragments/Rows";
// Asked with id (32); answered with block::Statement.
inline constexpr std::string_view kReadStatement = "/mutirao.v1.Fragments/Statement";

// Calls to nodes that take no time beyond the network's own: where a node is, is looked up in the
// executor, and remembered until a call to it fails. What it is given must outlive it.
class NetworkStorageCalls final : public publish::StorageCalls {
  public:
    NetworkStorageCalls(Network& network, Network& data, Executor& executor, FindEndpoint find);

    void put(const Address& node, publish::SharePart part, Stored done) override;
    void statement(const Address& node, const BlockId& id, Stated done) override;
    void rows(const Address& node, const BlockId& id, std::vector<std::uint32_t> indexes,
              Served done) override;
    // Not part of publishing: asks the node to drop a released block, and waits.
    Status drop(const Address& node, const BlockId& id);

  private:
    struct Endpoints {
        std::mutex mutex;  // guards known
        std::unordered_map<Address, std::string> known;
    };

    void start(const Address& node, std::string_view method, Message request, std::size_t bytes,
               Network::Done done);

    Network& network_;
    Network& data_;
    Executor& executor_;
    const FindEndpoint find_;
    const std::shared_ptr<Endpoints> endpoints_;  // calls that outlast this forget in it
};

}  // namespace mutirao::node
