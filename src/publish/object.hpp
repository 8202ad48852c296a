// Objects of any size as a sequence of encrypted blocks under one key.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "block/certificate.hpp"
#include "crypto/aead.hpp"
#include "publish/disperser.hpp"
#include "publish/manifest.hpp"
#include "publish/retriever.hpp"

namespace mutirao::publish {

// Plaintext bytes in one full block, so that its ciphertext is exactly kBlockSizeMax.
inline constexpr std::uint64_t kBlockPlainMax =
    block::kBlockSizeMax - block::kBlockSizeMax / crypto::kSegmentSize * crypto::kTagSize;

// The committee that new blocks go to, asked for each block.
using CurrentCommittee = std::function<Result<Committee>()>;

// Takes an object's bytes in order and disperses each block as soon as it is full: at most two
// blocks' worth of memory whatever the object's size. One thread at a time.
class ObjectWriter {
  public:
    ObjectWriter(Disperser& disperser, CurrentCommittee committee, const crypto::Key& key);

    // After an error the object is incomplete and the writer refuses to go on.
    Status append(ByteSpan bytes);
    // Disperses what is left and returns the manifest. Call once.
    Result<Manifest> finish();

    std::uint64_t received() const { return received_; }
    // One certificate for each dispersed block, in order.
    const std::vector<block::Certificate>& certificates() const { return certificates_; }
    std::uint64_t stored_bytes() const { return stored_bytes_; }  // all fragments
    std::uint32_t fragments_per_block() const { return fragments_per_block_; }

  private:
    void lay_out(ByteSpan bytes);
    Status disperse_block();

    Disperser& disperser_;
    CurrentCommittee committee_;
    const crypto::Key key_;
    // Plaintext of the block being filled, where it will be sealed: byte i is at place_to_seal(i).
    coding::RowBuffer pending_;
    std::size_t pending_size_ = 0;  // of the plaintext
    Manifest manifest_;
    std::vector<block::Certificate> certificates_;
    std::uint64_t received_ = 0;
    std::uint64_t stored_bytes_ = 0;
    std::uint32_t fragments_per_block_ = 0;
    bool failed_ = false;
};

// Opens block `index` of an object that was read as `content` (ciphertext). permission_denied when
// the key is not the one that the manifest and the header commit to.
Result<Bytes> open_block_content(const Manifest& manifest, std::uint32_t index,
                                 const block::Header& header, ByteSpan content,
                                 const crypto::Key& key);

}  // namespace mutirao::publish
