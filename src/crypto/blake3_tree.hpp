// BLAKE3's tree over the chunks of one input, built while the input comes in. Internal to crypto.
// One thread at a time.
#pragma once

#include "base/bytes.hpp"
#include "crypto/blake3_compress.hpp"

namespace mutirao::crypto::blake3_detail {

// 64 bytes (fewer are padded with zeros) as little-endian words.
Words16 load_block(ByteSpan bytes);
ChainingValue first_half(const Words16& words);

class Hasher {
  public:
    // `key` is kInitial, or a key with the flag of its mode. `wide` outlives the hasher.
    Hasher(const ChainingValue& key, std::uint32_t flags,
           const WideKernel& wide = best_wide_kernel())
        : key_(key), flags_(flags), wide_(&wide) {}

    void update(ByteSpan input);
    // The output of everything so far, of any size; more input may follow.
    void finish(MutableByteSpan out) const;

  private:
    std::size_t take_chunks(ByteSpan input);
    void push(const ChainingValue& value, std::uint64_t chunks);
    void settle();

    ChainingValue key_;
    std::uint32_t flags_;
    const WideKernel* wide_;
    std::array<std::uint8_t, kChunkSize> buffer_{};  // the chunk that is not whole yet
    std::size_t buffered_ = 0;
    // Chaining values of complete subtrees, the largest (and first) at the bottom. The topmost two
    // stay apart until more input is known: their parent may be the root, which is no chaining
    // value. 2^54 chunks are the most that a 64-bit size allows.
    std::array<ChainingValue, 56> stack_{};
    std::size_t depth_ = 0;
    std::uint64_t chunks_ = 0;  // under the values on the stack
};

}  // namespace mutirao::crypto::blake3_detail
