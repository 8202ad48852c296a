// What an object consists of: its size and its blocks, in order. The digest of the manifest names
// the object's content everywhere (catalogue, key keepers, rights). Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao::publish {

inline constexpr std::size_t kManifestSizeMax = 4 << 20;  // bytes: about 100,000 blocks, 3 TiB
inline constexpr std::size_t kManifestBlocksMax = kManifestSizeMax / 40 - 4;

struct ManifestBlock {
    BlockId id;
    std::uint64_t plain_size = 0;  // bytes of plaintext in it
    bool operator==(const ManifestBlock&) const = default;
};

struct Manifest {
    Digest key_commitment;              // crypto::commit_key of the one key of all its blocks
    std::vector<ManifestBlock> blocks;  // at least one; an empty object has one empty block
    // A small object is a part of one block that it shares with others: where in the block's
    // content it begins. It takes crypto::sealed_size(plain_size) bytes there.
    std::optional<std::uint64_t> packed_at;

    std::uint64_t size() const;  // bytes of plaintext in all blocks

    // BLAKE3_keyed(K_manifest, encode()).
    Digest content() const;

    Bytes encode() const;
    // corrupt on anything that encode() would not have written.
    static Result<Manifest> decode(ByteSpan bytes);
    bool operator==(const Manifest&) const = default;
};

}  // namespace mutirao::publish
