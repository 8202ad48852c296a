// Objects of any size as a sequence of encrypted blocks under one key, or as a part of a block.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "block/certificate.hpp"
#include "crypto/aead.hpp"
#include "publish/block_memory.hpp"
#include "publish/disperser.hpp"
#include "publish/manifest.hpp"
#include "publish/packer.hpp"
#include "publish/retriever.hpp"

namespace mutirao::publish {

// Plaintext bytes in one full block, so that its ciphertext is exactly kBlockSizeMax.
inline constexpr std::uint64_t kBlockPlainMax =
    block::kBlockSizeMax - block::kBlockSizeMax / crypto::kSegmentSize * crypto::kTagSize;

// A certificate, and how many bytes of its block's content this object has and pays for.
struct PaidCertificate {
    block::Certificate certificate;
    std::uint64_t part = 0;
};

// Takes an object's bytes in order. Each full block is coded and sent while the next is filled, as
// many at a time as the gateway's BlockMemory allows; an object of at most kPackedPlainMax bytes is
// packed with others. Memory: the block being filled, whatever the object's size. One thread at a
// time; what is under way when it is destroyed goes on by itself.
class ObjectWriter {
  public:
    ObjectWriter(Publishing publishing, Packer& packer, const crypto::Key& key,
                 Strength strength = Strength::available);

    // Waits while too many blocks are under way. After an error the object is incomplete and the
    // writer refuses to go on.
    Status append(ByteSpan bytes);
    // Disperses what is left, waits for all blocks and returns the manifest. Call once.
    Result<Manifest> finish();

    std::uint64_t received() const { return received_; }
    // Whether a block's memory is held for bytes to come.
    bool holds_block_memory() const { return pending_.capacity() >= kRowsMemory; }
    // After finish(): one certificate for each dispersed block, in order.
    const std::vector<PaidCertificate>& certificates() const { return certificates_; }
    // After finish(): all fragments; of a packed object its share of them, rounded up.
    std::uint64_t stored_bytes() const { return stored_bytes_; }
    std::uint32_t fragments_per_block() const { return fragments_per_block_; }

  private:
    struct Blocks;

    void lay_out(ByteSpan bytes);
    Status disperse_full_block();
    Result<Manifest> finish_packed();
    Result<Manifest> finish_blocks();

    const Publishing publishing_;
    Packer& packer_;
    const crypto::Key key_;
    const Digest key_commitment_;
    const Strength strength_;
    // Plaintext of the block being filled, where it will be sealed: byte i is at place_to_seal(i).
    coding::RowBuffer pending_;
    std::size_t pending_size_ = 0;  // of the plaintext
    std::uint32_t block_count_ = 0;
    std::shared_ptr<Blocks> blocks_;  // shared with the blocks under way
    std::vector<PaidCertificate> certificates_;
    std::uint64_t received_ = 0;
    std::uint64_t stored_bytes_ = 0;
    std::uint32_t fragments_per_block_ = 0;
    bool ended_ = false;
};

// Opens block `index` of an object that was read as `content` (ciphertext; of a packed object only
// its part). permission_denied when the key is not the one that manifest and header commit to.
Result<Bytes> open_block_content(const Manifest& manifest, std::uint32_t index,
                                 const block::Header& header, ByteSpan content,
                                 const crypto::Key& key, const Threads& threads = {});

// A block of an object, read and opened; `read` has its content moved out.
struct PlainRead {
    Bytes plain;
    BlockRead read;
};
Result<PlainRead> read_block(Retriever& retriever, const Committee& committee,
                             const Manifest& manifest, std::uint32_t index, const crypto::Key& key);
// Plaintext bytes [offset, offset + size) of a block: only the rows of their segments are fetched.
Result<PlainRead> read_block_range(Retriever& retriever, const Committee& committee,
                                   const Manifest& manifest, std::uint32_t index,
                                   std::uint64_t offset, std::uint64_t size,
                                   const crypto::Key& key);

}  // namespace mutirao::publish
