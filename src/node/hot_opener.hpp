// Opens objects for the hot tier: key shares from their keepers, who check the licence; ciphertext
// from the storage nodes.
#pragma once

#include "hot/open_object.hpp"
#include "node/directory.hpp"
#include "node/identity.hpp"
#include "node/key_shares.hpp"
#include "publish/object.hpp"

namespace mutirao::node {

// Any thread. All references must outlive it and what it opens.
class KeeperOpener final : public hot::Opener {
  public:
    KeeperOpener(Directory& directory, KeyShares& keys, publish::Retriever& retriever,
                 const Identity& identity)
        : directory_(directory), keys_(keys), retriever_(retriever), identity_(identity) {}

    // `credential` is an encoded rights::KeyRequest that asks to be answered to this node's box
    // key. corrupt when it is none; then as KeyShares::open().
    Result<std::shared_ptr<hot::OpenObject>> open(ByteSpan credential) override;

  private:
    Directory& directory_;
    KeyShares& keys_;
    publish::Retriever& retriever_;
    const Identity& identity_;
};

}  // namespace mutirao::node
