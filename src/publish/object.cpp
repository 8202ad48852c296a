#include "publish/object.hpp"

#include <algorithm>

#include "base/codec.hpp"

namespace mutirao::publish {
namespace {

// Binds a ciphertext to its place in the object: blocks cannot be swapped or reused elsewhere.
Bytes block_context(const Digest& key_commitment, std::uint32_t index) {
    Writer out;
    out.raw(as_bytes("mutirao v1 block")).raw(key_commitment.span()).u(index);
    return std::move(out).take();
}

// All rows of a full block.
constexpr std::size_t kRowsMemory = 3 * block::kBlockSizeMax;

}  // namespace

ObjectWriter::ObjectWriter(Disperser& disperser, CurrentCommittee committee, const crypto::Key& key)
    : disperser_(disperser), committee_(std::move(committee)), key_(key) {
    manifest_.key_commitment = crypto::commit_key(key);
}

Status ObjectWriter::append(ByteSpan bytes) {
    if (failed_)
        return Error{ErrorKind::unavailable, "an earlier block of this object was not stored"};
    received_ += bytes.size();
    while (!bytes.empty()) {
        // A full block leaves only when more bytes follow, so that the last block is never empty.
        if (pending_size_ == kBlockPlainMax) TRY_VOID(disperse_block());
        const auto room = static_cast<std::size_t>(kBlockPlainMax) - pending_size_;
        const auto part = bytes.first(std::min(room, bytes.size()));
        lay_out(part);
        bytes = bytes.subspan(part.size());
    }
    return {};
}

void ObjectWriter::lay_out(ByteSpan bytes) {
    // Beyond a mebibyte a whole block is likely: room for its rows, of which only what is written
    // becomes memory. Below, twice what is needed.
    const auto end = crypto::sealed_size(pending_size_ + bytes.size());
    if (end > crypto::kSegmentSize)
        pending_.reserve(kRowsMemory);
    else if (end > pending_.capacity())
        pending_.reserve(2 * end);
    pending_.resize(end);
    while (!bytes.empty()) {
        const auto left = crypto::kSegmentSize - pending_size_ % crypto::kSegmentSize;
        const auto part = bytes.first(std::min(left, bytes.size()));
        std::copy(part.begin(), part.end(), pending_.data() + crypto::place_to_seal(pending_size_));
        pending_size_ += part.size();
        bytes = bytes.subspan(part.size());
    }
}

Status ObjectWriter::disperse_block() {
    failed_ = true;  // until this block is certified
    const auto index = static_cast<std::uint32_t>(manifest_.blocks.size());
    if (index == kManifestBlocksMax)
        return Error{ErrorKind::invalid_argument,
                     "an object has at most " + std::to_string(kManifestBlocksMax) + " blocks"};
    pending_.resize(crypto::sealed_size(pending_size_));  // an empty block has a tag as well
    const auto context = block_context(manifest_.key_commitment, index);
    TRY(auto coded, block::seal_and_code(std::move(pending_), {key_, index, context}, {}));
    auto shared = std::make_shared<const block::CodedBlock>(std::move(coded));
    TRY(auto committee, committee_());
    TRY(auto dispersal, disperser_.disperse(shared, committee));
    manifest_.blocks.push_back({dispersal.certificate.id, pending_size_});
    certificates_.push_back(std::move(dispersal.certificate));
    stored_bytes_ += shared->rows.size();
    fragments_per_block_ = std::max(fragments_per_block_, shared->statement.header.rows);
    pending_size_ = 0;
    failed_ = false;
    return {};
}

Result<Manifest> ObjectWriter::finish() {
    if (failed_)
        return Error{ErrorKind::unavailable, "an earlier block of this object was not stored"};
    TRY_VOID(disperse_block());
    return manifest_;
}

Result<Bytes> open_block_content(const Manifest& manifest, std::uint32_t index,
                                 const block::Header& header, ByteSpan content,
                                 const crypto::Key& key) {
    if (index >= manifest.blocks.size())
        return Error{ErrorKind::invalid_argument,
                     "the object has " + std::to_string(manifest.blocks.size()) + " blocks"};
    if (header.cipher != block::Cipher::aes_256_gcm ||
        header.key_commitment != manifest.key_commitment)
        return Error{ErrorKind::corrupt, "the block belongs to another object"};
    if (crypto::commit_key(key) != manifest.key_commitment)
        return Error{ErrorKind::permission_denied, "wrong key: it does not open this object"};
    TRY(auto plain,
        crypto::open(key, index, block_context(manifest.key_commitment, index), content));
    if (plain.size() != manifest.blocks[index].plain_size)
        return Error{ErrorKind::corrupt, "the block's size is not the one in the manifest"};
    return plain;
}

}  // namespace mutirao::publish
