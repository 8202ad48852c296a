// A reader of one object through the hot tier of the whole network: each shard from its home, or
// from the next node when that one has gone, or from cold storage through a gateway.
#pragma once

#include <map>
#include <mutex>

#include "node/hot_members.hpp"
#include "publish/manifest.hpp"

namespace mutirao::node {

// An encoded rights::KeyRequest for the object, signed by its reader, that asks to be answered to
// this key. Called once for each node that is asked, and again when a read's time is over: keepers
// answer each request once.
using Credential = std::function<Bytes(const crypto::BoxPublicKey& reply_to)>;

// Any thread may call. What it is given must outlive it.
class HotClient {
  public:
    HotClient(Network& network, Clock& clock, HotMembers& members, const Digest& content,
              Credential credential)
        : network_(network),
          clock_(clock),
          members_(members),
          content_(content),
          credential_(std::move(credential)) {}

    // What the object consists of; the first call opens it somewhere.
    Result<std::shared_ptr<const publish::Manifest>> manifest();
    // Bytes [offset, offset + size) of shard `index`. A read that one node does not answer costs a
    // call to the next; a node that failed is asked last for two seconds.
    // Errors: permission_denied and invalid_argument as the first node says so; else the last
    // node's, when no node and no gateway gave the bytes.
    Result<Bytes> read(std::uint32_t index, std::uint64_t offset, std::uint64_t size);
    // The same from the memory of the shard's home alone, for whoever has the manifest and another
    // way to the bytes: unavailable when it is not there, and nothing is brought there.
    Result<Bytes> read_if_held(const publish::Manifest& manifest, std::uint32_t index,
                               std::uint64_t offset, std::uint64_t size);

  private:
    enum class From : std::uint8_t { memory, hot, cold };  // memory: only if it is held
    struct Session {
        std::string hot;   // read id, empty when there is none
        std::string cold;  // the same of Publish
    };
    Result<Bytes> ask(const HotMember& member, From from, std::uint32_t index, std::uint64_t offset,
                      std::uint64_t size);
    Result<std::string> session(const HotMember& member, bool cold, bool anew);
    Status keep_manifest(const std::string& field);
    std::vector<HotMember> in_order(const HotRing& ring, std::uint32_t index);

    Network& network_;
    Clock& clock_;
    HotMembers& members_;
    const Digest content_;
    const Credential credential_;
    std::mutex mutex_;  // guards everything below; not held while a node is asked
    std::map<Address, Session> sessions_;
    std::map<Address, Duration> failed_at_;
    std::shared_ptr<const publish::Manifest> manifest_;
};

}  // namespace mutirao::node
