#include "publish/object.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/codec.hpp"
#include "publish/small_objects.hpp"

namespace mutirao::publish {
namespace {

// Binds a ciphertext to its place in the object: blocks cannot be swapped or reused elsewhere.
Bytes block_context(const Digest& key_commitment, std::uint32_t index) {
    Writer out;
    out.raw(as_bytes("mutirao v1 block")).raw(key_commitment.span()).u(index);
    return std::move(out).take();
}

Bytes context_of(const Manifest& manifest, std::uint32_t index) {
    return manifest.packed_at ? packed_context(manifest.key_commitment)
                              : block_context(manifest.key_commitment, index);
}

// Whether this is a block of the object and the key is the object's.
Status check_opening(const Manifest& manifest, std::uint32_t index, const block::Header& header,
                     const crypto::Key& key) {
    if (index >= manifest.blocks.size())
        return Error{ErrorKind::invalid_argument,
                     "the object has " + std::to_string(manifest.blocks.size()) + " blocks"};
    const bool belongs = manifest.packed_at ? header.cipher == block::Cipher::none
                                            : header.cipher == block::Cipher::aes_256_gcm &&
                                                  header.key_commitment == manifest.key_commitment;
    if (!belongs) return Error{ErrorKind::corrupt, "the block belongs to another object"};
    if (crypto::commit_key(key) != manifest.key_commitment)
        return Error{ErrorKind::permission_denied, "wrong key: it does not open this object"};
    return {};
}

}  // namespace

// The blocks of one object: written by its writer and by the tasks that disperse them.
struct ObjectWriter::Blocks {
    struct Block {
        std::optional<PaidCertificate> paid;
        std::uint64_t plain_size = 0;
        std::uint64_t stored_bytes = 0;
        std::uint32_t rows = 0;
    };

    std::mutex mutex;  // guards everything below
    std::condition_variable changed;
    std::vector<Block> blocks;
    std::uint32_t running = 0;
    std::optional<Error> failure;

    std::optional<Error> failed() {
        const std::lock_guard lock(mutex);
        return failure;
    }
    void end(std::uint32_t index, Result<Block> block) {
        const std::lock_guard lock(mutex);
        if (block.ok())
            blocks[index] = std::move(*block);
        else if (!failure)
            failure = block.error();
        --running;
        changed.notify_all();
    }
    void begin() {
        const std::lock_guard lock(mutex);
        blocks.emplace_back();
        ++running;
    }
};

ObjectWriter::ObjectWriter(Publishing publishing, Packer& packer, const crypto::Key& key,
                           Strength strength)
    : publishing_(std::move(publishing)),
      packer_(packer),
      key_(key),
      key_commitment_(crypto::commit_key(key)),
      strength_(strength),
      blocks_(std::make_shared<Blocks>()) {}

Status ObjectWriter::append(ByteSpan bytes) {
    if (ended_) return Error{ErrorKind::unavailable, "this object's writing has ended"};
    if (auto failure = blocks_->failed())
        return std::move(*failure).within("an earlier block of this object was not stored");
    received_ += bytes.size();
    while (!bytes.empty()) {
        // A full block leaves only when more bytes follow, so that the last block is never empty.
        if (pending_size_ == kBlockPlainMax) TRY_VOID(disperse_full_block());
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
    if (end > crypto::kSegmentSize && pending_.capacity() < kRowsMemory) {
        auto buffer = publishing_.memory.take_buffer();
        buffer.resize(pending_.size());
        std::copy(pending_.begin(), pending_.end(), buffer.begin());
        pending_ = std::move(buffer);
    } else if (end > pending_.capacity()) {
        pending_.reserve(2 * end);
    }
    pending_.resize(end);
    while (!bytes.empty()) {
        const auto left = crypto::kSegmentSize - pending_size_ % crypto::kSegmentSize;
        const auto part = bytes.first(std::min(left, bytes.size()));
        std::copy(part.begin(), part.end(), pending_.data() + crypto::place_to_seal(pending_size_));
        pending_size_ += part.size();
        bytes = bytes.subspan(part.size());
    }
}

namespace {

// One block's way from plaintext to certificate.
struct BlockTask {
    Publishing publishing;
    crypto::Key key;
    Digest key_commitment;
    Strength strength;
    std::uint32_t index;
    std::uint64_t plain_size;
    coding::RowBuffer plain;  // laid out for sealing

    struct Stored {
        PaidCertificate paid;
        std::uint64_t bytes;
        std::uint32_t rows;
    };
    Result<Stored> run() {
        const auto context = block_context(key_commitment, index);
        TRY(auto coded,
            block::seal_and_code(std::move(plain), {key, index, context}, {}, publishing.coding()));
        const auto shared = publishing.memory.share(std::move(coded));
        TRY(auto committee, publishing.committee());
        TRY(auto dispersal,
            publishing.disperser.disperse(shared, committee, strength, publishing.coding()));
        const auto& header = shared->statement.header;
        return Stored{
            {std::move(dispersal.certificate), header.length}, shared->rows.size(), header.rows};
    }
};

}  // namespace

Status ObjectWriter::disperse_full_block() {
    if (block_count_ == kManifestBlocksMax) {
        ended_ = true;
        return Error{ErrorKind::invalid_argument,
                     "an object has at most " + std::to_string(kManifestBlocksMax) + " blocks"};
    }
    pending_.resize(crypto::sealed_size(pending_size_));  // an empty block has a tag as well
    auto task = std::make_shared<BlockTask>(BlockTask{publishing_, key_, key_commitment_, strength_,
                                                      block_count_++, pending_size_,
                                                      std::exchange(pending_, {})});
    pending_size_ = 0;
    auto lease = std::make_shared<BlockMemory::Lease>(
        publishing_.memory.acquire(std::min(3 * task->plain.size(), kRowsMemory)));
    blocks_->begin();
    publishing_.executor.post([task, lease, blocks = blocks_]() mutable {
        auto stored = task->run();
        lease.reset();
        if (!stored.ok()) return blocks->end(task->index, std::move(stored).error());
        blocks->end(task->index, Blocks::Block{std::move(stored->paid), task->plain_size,
                                               stored->bytes, stored->rows});
    });
    return {};
}

Result<Manifest> ObjectWriter::finish() {
    if (ended_) return Error{ErrorKind::unavailable, "this object's writing has ended"};
    ended_ = true;
    return block_count_ == 0 && pending_size_ <= kPackedPlainMax ? finish_packed()
                                                                 : finish_blocks();
}

Result<Manifest> ObjectWriter::finish_packed() {
    const SmallObject object{key_, pending_.span().first(pending_size_)};
    TRY(auto stored, store_together(packer_, {&object, 1}, strength_));
    fragments_per_block_ = stored.fragments_per_block;
    stored_bytes_ = stored.stored_bytes.front();
    certificates_.push_back({std::move(stored.certificate), stored.parts.front()});
    return std::move(stored.manifests.front());
}

Result<Manifest> ObjectWriter::finish_blocks() {
    TRY_VOID(disperse_full_block());
    std::unique_lock lock(blocks_->mutex);
    blocks_->changed.wait(lock, [&] { return blocks_->running == 0; });
    if (blocks_->failure) return *blocks_->failure;
    Manifest manifest{key_commitment_, {}, {}};
    for (auto& block : blocks_->blocks) {
        manifest.blocks.push_back({block.paid->certificate.id, block.plain_size});
        stored_bytes_ += block.stored_bytes;
        fragments_per_block_ = std::max(fragments_per_block_, block.rows);
        certificates_.push_back(std::move(*block.paid));
    }
    return manifest;
}

Result<Bytes> open_block_content(const Manifest& manifest, std::uint32_t index,
                                 const block::Header& header, ByteSpan content,
                                 const crypto::Key& key, const Threads& threads) {
    TRY_VOID(check_opening(manifest, index, header, key));
    const auto sequence = manifest.packed_at ? 0 : index;
    TRY(auto plain, crypto::open(key, sequence, context_of(manifest, index), content, threads));
    if (plain.size() != manifest.blocks[index].plain_size)
        return Error{ErrorKind::corrupt, "the block's size is not the one in the manifest"};
    return plain;
}

namespace {

// Plaintext bytes of a block as the whole AEAD segments that hold them.
struct SealedRange {
    std::uint64_t offset = 0;  // in the block's content: what is read
    std::uint64_t size = 0;
    std::uint64_t first_segment = 0;
    std::uint64_t skip = 0;  // plaintext bytes before the wanted ones
};

Result<SealedRange> sealed_range(const Manifest& manifest, std::uint32_t index,
                                 std::uint64_t offset, std::uint64_t size) {
    if (index >= manifest.blocks.size())
        return Error{ErrorKind::invalid_argument,
                     "the object has " + std::to_string(manifest.blocks.size()) + " blocks"};
    const std::uint64_t plain_size = manifest.blocks[index].plain_size;
    if (offset > plain_size || size > plain_size - offset)
        return Error{ErrorKind::invalid_argument, "block " + std::to_string(index) + " has " +
                                                      std::to_string(plain_size) +
                                                      " bytes; there are none beyond"};
    const std::uint64_t total = crypto::sealed_size(plain_size);
    // An empty range is read as the segment that it stands in, so that its tag speaks for it.
    const auto last = (offset + std::max<std::uint64_t>(size, 1) - 1) / crypto::kSegmentSize;
    SealedRange out;
    out.first_segment = std::min(offset / crypto::kSegmentSize, last);
    out.skip = offset - out.first_segment * crypto::kSegmentSize;
    const std::uint64_t begin = crypto::place_to_seal(out.first_segment * crypto::kSegmentSize);
    const auto end =
        std::min<std::uint64_t>(total, crypto::place_to_seal((last + 1) * crypto::kSegmentSize));
    out.offset = manifest.packed_at.value_or(0) + begin;
    out.size = end - begin;
    return out;
}

}  // namespace

Result<PlainRead> read_block(Retriever& retriever, const Committee& committee,
                             const Manifest& manifest, std::uint32_t index,
                             const crypto::Key& key) {
    if (manifest.packed_at)
        return read_block_range(retriever, committee, manifest, index, 0,
                                manifest.blocks.front().plain_size, key);
    if (index >= manifest.blocks.size())
        return Error{ErrorKind::invalid_argument,
                     "the object has " + std::to_string(manifest.blocks.size()) + " blocks"};
    PlainRead out;
    TRY(out.read, retriever.read(manifest.blocks[index].id, committee));
    TRY(out.plain, open_block_content(manifest, index, out.read.header, out.read.content, key,
                                      retriever.threads()));
    out.read.content = {};
    return out;
}

Result<PlainRead> read_block_range(Retriever& retriever, const Committee& committee,
                                   const Manifest& manifest, std::uint32_t index,
                                   std::uint64_t offset, std::uint64_t size,
                                   const crypto::Key& key) {
    TRY(const auto range, sealed_range(manifest, index, offset, size));
    PlainRead out;
    TRY(out.read,
        retriever.read_range(manifest.blocks[index].id, committee, range.offset, range.size));
    TRY_VOID(check_opening(manifest, index, out.read.header, key));
    const std::uint64_t total = crypto::sealed_size(manifest.blocks[index].plain_size);
    if (!manifest.packed_at && out.read.header.length != total)
        return Error{ErrorKind::corrupt, "the block's size is not the one in the manifest"};
    const auto sequence = manifest.packed_at ? 0 : index;
    TRY(auto plain, crypto::open_part(key, sequence, context_of(manifest, index), total,
                                      range.first_segment, out.read.content));
    plain.erase(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(range.skip));
    plain.resize(size);
    out.plain = std::move(plain);
    out.read.content = {};
    return out;
}

}  // namespace mutirao::publish
