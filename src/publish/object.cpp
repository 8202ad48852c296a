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
        if (pending_.size() == kBlockPlainMax) TRY_VOID(disperse_block());
        const auto room = static_cast<std::size_t>(kBlockPlainMax) - pending_.size();
        const auto part = bytes.first(std::min(room, bytes.size()));
        pending_.insert(pending_.end(), part.begin(), part.end());
        bytes = bytes.subspan(part.size());
    }
    return {};
}

Status ObjectWriter::disperse_block() {
    failed_ = true;  // until this block is certified
    const auto index = static_cast<std::uint32_t>(manifest_.blocks.size());
    if (index == kManifestBlocksMax)
        return Error{ErrorKind::invalid_argument,
                     "an object has at most " + std::to_string(kManifestBlocksMax) + " blocks"};
    block::Header header;
    header.cipher = block::Cipher::aes_256_gcm;
    header.key_commitment = manifest_.key_commitment;
    const auto sealed =
        crypto::seal(key_, index, block_context(manifest_.key_commitment, index), pending_);
    TRY(auto coded, block::code_block(sealed, header));
    auto shared = std::make_shared<const block::CodedBlock>(std::move(coded));
    TRY(auto committee, committee_());
    TRY(auto dispersal, disperser_.disperse(shared, committee));
    manifest_.blocks.push_back({dispersal.certificate.id, pending_.size()});
    certificates_.push_back(std::move(dispersal.certificate));
    stored_bytes_ += shared->rows.size();
    fragments_per_block_ = std::max(fragments_per_block_, shared->statement.header.rows);
    pending_.clear();
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
