// Small objects as parts of a block that they share, one or many at once.
#pragma once

#include <span>
#include <vector>

#include "crypto/aead.hpp"
#include "publish/manifest.hpp"
#include "publish/packer.hpp"

namespace mutirao::publish {

inline constexpr std::size_t kTogetherMax = 1024;  // objects in one call

// A packed object is one whole message, wherever in its block it is: what its key seals it with.
Bytes packed_context(const Digest& key_commitment);

struct SmallObject {
    crypto::Key key;  // of this object only
    ByteSpan plain;   // at most kPackedPlainMax bytes
};

struct StoredTogether {
    block::Certificate certificate;    // of the one block that holds them all
    std::vector<Manifest> manifests;   // in the order of the objects
    std::vector<std::uint64_t> parts;  // bytes of the block's content that each has and pays for
    std::vector<std::uint64_t> stored_bytes;  // each one's share of the fragments, rounded up
    std::uint32_t fragments_per_block = 0;
};

// Seals 1 to kTogetherMax objects and has them packed; returns once their block is certified.
// invalid_argument when they are too many or too large for one block (PackLimits::bytes_max); else
// the errors of Packer::store, and then none is stored. Any thread.
Result<StoredTogether> store_together(Packer& packer, std::span<const SmallObject> objects,
                                      Strength strength);

}  // namespace mutirao::publish
