#include "publish/manifest.hpp"

#include "base/codec.hpp"
#include "crypto/aead.hpp"
#include "crypto/hash.hpp"
#include "publish/object.hpp"

namespace mutirao::publish {
namespace {

constexpr std::uint16_t kOwnBlocks = 1;  // versions
constexpr std::uint16_t kPacked = 2;

}  // namespace

std::uint64_t Manifest::size() const {
    std::uint64_t total = 0;
    for (const auto& block : blocks) total += block.plain_size;
    return total;
}

Digest Manifest::content() const {
    return crypto::blake3_keyed(crypto::domain_key("manifest"), encode());
}

Bytes Manifest::encode() const {
    Writer out;
    if (packed_at) {
        out.u(kPacked).raw(key_commitment.span()).raw(blocks.front().id.span());
        out.u(*packed_at).u(blocks.front().plain_size);
        return std::move(out).take();
    }
    out.u(kOwnBlocks).raw(key_commitment.span());
    out.u(static_cast<std::uint32_t>(blocks.size()));
    for (const auto& block : blocks) out.raw(block.id.span()).u(block.plain_size);
    return std::move(out).take();
}

namespace {

Status decode_packed(Reader& in, Manifest& manifest) {
    ManifestBlock block;
    TRY(block.id, in.fixed<BlockId>());
    TRY(manifest.packed_at, in.u<std::uint64_t>());
    TRY(block.plain_size, in.u<std::uint64_t>());
    if (block.plain_size > kPackedPlainMax || *manifest.packed_at > block::kBlockSizeMax)
        return Error{ErrorKind::corrupt, "the manifest places a packed object where none can be"};
    manifest.blocks.push_back(block);
    return {};
}

Status decode_blocks(Reader& in, Manifest& manifest) {
    TRY(auto count, in.u<std::uint32_t>());
    if (count == 0 || count > kManifestBlocksMax)
        return Error{ErrorKind::corrupt,
                     "a manifest cannot have " + std::to_string(count) + " blocks"};
    for (std::uint32_t i = 0; i < count; ++i) {
        ManifestBlock block;
        TRY(block.id, in.fixed<BlockId>());
        TRY(block.plain_size, in.u<std::uint64_t>());
        // Every block but the last is full: one content has one cut.
        const bool last = i + 1 == count;
        if (block.plain_size > kBlockPlainMax || (!last && block.plain_size != kBlockPlainMax) ||
            (last && count > 1 && block.plain_size == 0))
            return Error{ErrorKind::corrupt,
                         "block " + std::to_string(i) + " of the manifest has a wrong size"};
        manifest.blocks.push_back(block);
    }
    return {};
}

}  // namespace

Result<Manifest> Manifest::decode(ByteSpan bytes) {
    Reader in(bytes);
    TRY(auto version, in.u<std::uint16_t>());
    if (version != kOwnBlocks && version != kPacked)
        return Error{ErrorKind::corrupt,
                     "manifest version " + std::to_string(version) + " is not known"};
    Manifest manifest;
    TRY(manifest.key_commitment, in.fixed<Digest>());
    TRY_VOID(version == kPacked ? decode_packed(in, manifest) : decode_blocks(in, manifest));
    TRY_VOID(in.finish());
    return manifest;
}

}  // namespace mutirao::publish
