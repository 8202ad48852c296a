// Objects opened for reading, as the hot tier sees them: names of shards, and how to bring one.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.hpp"

namespace mutirao::hot {

inline constexpr std::uint64_t kShardSizeMax = 32u << 20;  // bytes of plaintext

// A shard is one block's plaintext as one object has it.
struct ShardName {
    Digest object;  // content of its manifest
    BlockId block;

    auto operator<=>(const ShardName&) const = default;
    // BLAKE3(object | block): names its file, and places it on the ring.
    Digest digest() const;
};

// An object whose reader was found to have a licence, with its key. Any thread may call.
class OpenObject {
  public:
    virtual ~OpenObject() = default;
    virtual Digest content() const = 0;
    // What remote readers are told of it: its encoded manifest.
    virtual Result<Bytes> manifest() const = 0;
    virtual std::uint32_t shards() const = 0;
    // Of shard `index` < shards(): its block, and bytes of plaintext.
    virtual BlockId block(std::uint32_t index) const = 0;
    virtual std::uint64_t size(std::uint32_t index) const = 0;
    // Ciphertext from cold storage, each row checked against the block id. May take seconds.
    virtual Result<Bytes> read_sealed(std::uint32_t index) = 0;
    // Its plaintext. corrupt or permission_denied when the bytes are not this shard's.
    virtual Result<Bytes> open_sealed(std::uint32_t index, ByteSpan sealed) = 0;

    ShardName name(std::uint32_t index) const { return {content(), block(index)}; }
};

// Opens objects for who shows that they may read: `credential` is an encoded rights::KeyRequest,
// and the licence is checked by the keepers of the key, on the ledger. Any thread may call.
class Opener {
  public:
    virtual ~Opener() = default;
    virtual Result<std::shared_ptr<OpenObject>> open(ByteSpan credential) = 0;
};

}  // namespace mutirao::hot

template <>
struct std::hash<mutirao::hot::ShardName> {
    std::size_t operator()(const mutirao::hot::ShardName& name) const noexcept {
        return std::hash<mutirao::Digest>()(name.object) * 31 +
               std::hash<mutirao::BlockId>()(name.block);
    }
};
