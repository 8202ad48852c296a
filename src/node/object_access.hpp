// Objects for roles that hold a licence (trainers, providers) and for gateways: the key from its
// keepers, the blocks from their nodes, the plaintext in memory only.
#pragma once

#include "node/directory.hpp"
#include "node/key_shares.hpp"
#include "publish/object.hpp"

namespace mutirao::node {

inline constexpr std::uint64_t kObjectInMemoryMax = std::uint64_t{1} << 30;

// Any thread. All references must outlive it.
class ObjectAccess {
  public:
    ObjectAccess(Directory& directory, KeyShares& keys, publish::Retriever& retriever, Clock& clock)
        : directory_(directory), keys_(keys), retriever_(retriever), clock_(clock) {}

    // One block's plaintext, with how it was read.
    Result<publish::PlainRead> read_block(const publish::Manifest& manifest, const crypto::Key& key,
                                          std::uint32_t index);
    // Bytes [offset, offset + size) of a block's plaintext; only what they need is fetched.
    Result<publish::PlainRead> read_range(const publish::Manifest& manifest, const crypto::Key& key,
                                          std::uint32_t index, std::uint64_t offset,
                                          std::uint64_t size);

    // Gathers the key of an object, as `reader` may read it for `run`.
    Result<KeyShares::Opened> open(const Digest& content, const Digest& run,
                                   const crypto::AccountKey& reader,
                                   const crypto::BoxSecretKey& box);

    // A whole object of at most kObjectInMemoryMax bytes, as `reader` may read it for `run`.
    Result<Bytes> read(const Digest& content, const Digest& run, const crypto::AccountKey& reader,
                       const crypto::BoxSecretKey& box);

  private:
    Result<publish::Committee> committee_of(const publish::Manifest& manifest, std::uint32_t index);

    Directory& directory_;
    KeyShares& keys_;
    publish::Retriever& retriever_;
    Clock& clock_;
};

}  // namespace mutirao::node
