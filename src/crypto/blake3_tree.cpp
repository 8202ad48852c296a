// Chunks of 1 KiB, a binary tree of parents above them, an extendable root. A left subtree is
// always a full one, so that the subtrees standing beside each other after n chunks are the binary
// digits of n (specification, section 5.1.2); whole chunks are hashed sixteen at a time.
#include "crypto/blake3_tree.hpp"

#include <algorithm>

namespace mutirao::crypto::blake3_detail {
namespace {

// The last compression of a node, not yet done: what becomes its chaining value, or the root.
struct Output {
    ChainingValue chaining;
    Words16 message;
    std::uint64_t counter;
    std::uint32_t block_size;
    std::uint32_t flags;

    ChainingValue chaining_value() const {
        return first_half(compress(chaining, message, counter, block_size, flags));
    }
    // From two blocks on, sixteen at a time are hardly dearer than one (a wide call costs as much
    // as two to three narrow ones).
    void root_bytes(MutableByteSpan out, const WideKernel& wide) const {
        std::uint64_t block = 0;
        while (out.size() > 3 * kBlockSize) {
            std::uint8_t blocks[kLanes * kBlockSize];
            const bool whole = out.size() >= sizeof blocks;
            wide.outputs({chaining, message, block, block_size, flags | root},
                         whole ? out.data() : blocks);
            if (!whole) std::memcpy(out.data(), blocks, out.size());
            out = out.subspan(whole ? sizeof blocks : out.size());
            block += kLanes;
        }
        for (; !out.empty(); ++block) {
            const auto words = compress(chaining, message, block, block_size, flags | root);
            const auto size = std::min(kBlockSize, out.size());
            std::memcpy(out.data(), words.data(), size);
            out = out.subspan(size);
        }
    }
};

Output parent_output(const ChainingValue& left, const ChainingValue& right,
                     const ChainingValue& key, std::uint32_t flags) {
    Output out{key, {}, 0, kBlockSize, flags | parent};
    std::copy(left.begin(), left.end(), out.message.begin());
    std::copy(right.begin(), right.end(), out.message.begin() + 8);
    return out;
}

Output chunk_output(ByteSpan chunk, const ChainingValue& key, std::uint64_t counter,
                    std::uint32_t flags) {
    Output out{key, {}, counter, 0, flags | chunk_start};
    while (chunk.size() > kBlockSize) {
        out.chaining = first_half(compress(out.chaining, load_block(chunk.first(kBlockSize)),
                                           counter, kBlockSize, out.flags));
        out.flags = flags;
        chunk = chunk.subspan(kBlockSize);
    }
    out.message = load_block(chunk);
    out.block_size = static_cast<std::uint32_t>(chunk.size());
    out.flags |= chunk_end;
    return out;
}

}  // namespace

Words16 load_block(ByteSpan bytes) {
    Words16 words{};
    if (!bytes.empty()) std::memcpy(words.data(), bytes.data(), bytes.size());
    return words;
}

ChainingValue first_half(const Words16& words) {
    ChainingValue out;
    std::copy(words.begin(), words.begin() + 8, out.begin());
    return out;
}

void Hasher::update(ByteSpan input) {
    while (!input.empty()) {
        settle();
        if (buffered_ == kChunkSize) {
            push(chunk_output(buffer_, key_, chunks_, flags_).chaining_value(), 1);
            buffered_ = 0;
        } else if (buffered_ == 0 && input.size() >= 2 * kChunkSize) {
            input = input.subspan(take_chunks(input));
        } else {
            const auto part = std::min(input.size(), kChunkSize - buffered_);
            std::memcpy(buffer_.data() + buffered_, input.data(), part);
            buffered_ += part;
            input = input.subspan(part);
        }
    }
}

// Hashes whole chunks from the front of `input` (which has two or more) side by side, at most up to
// the next multiple of sixteen, and returns their size in bytes.
std::size_t Hasher::take_chunks(ByteSpan input) {
    const std::size_t count = std::min(kLanes - chunks_ % kLanes, input.size() / kChunkSize);
    const std::uint8_t* inputs[kLanes];
    ChainingValue values[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i)
        inputs[i] = input.data() + (i < count ? i : 0) * kChunkSize;
    wide_->messages(inputs,
                    {.key = key_,
                     .lanes = count,
                     .blocks = kChunkSize / kBlockSize,
                     .counter = chunks_,
                     .counter_step = 1,
                     .flags = flags_,
                     .first_flags = chunk_start,
                     .last_flags = chunk_end},
                    values);
    if (count < kLanes) {
        for (std::size_t i = 0; i < count; ++i) {
            settle();
            push(values[i], 1);
        }
        return count * kChunkSize;
    }
    // A full subtree of sixteen: up to its two halves no parent can be the root.
    std::uint8_t children[kLanes / 2 * kBlockSize];
    for (std::size_t parents = kLanes / 2; parents >= 2; parents /= 2) {
        std::memcpy(children, values, parents * kBlockSize);
        for (std::size_t i = 0; i < kLanes; ++i)
            inputs[i] = children + (i < parents ? i : 0) * kBlockSize;
        wide_->messages(
            inputs, {.key = key_, .lanes = parents, .blocks = 1, .flags = flags_ | parent}, values);
    }
    push(values[0], kLanes / 2);
    push(values[1], kLanes / 2);
    return kLanes * kChunkSize;
}

void Hasher::push(const ChainingValue& value, std::uint64_t chunks) {
    stack_[depth_++] = value;
    chunks_ += chunks;
}

// More input is coming, so nothing on the stack is the root: merge all that is complete.
void Hasher::settle() {
    const auto subtrees = static_cast<std::size_t>(std::popcount(chunks_));
    while (depth_ > subtrees) {
        --depth_;
        stack_[depth_ - 1] =
            parent_output(stack_[depth_ - 1], stack_[depth_], key_, flags_).chaining_value();
    }
}

void Hasher::finish(MutableByteSpan out) const {
    std::size_t left = depth_;
    Output node;
    if (buffered_ > 0 || depth_ == 0) {
        node = chunk_output(ByteSpan(buffer_).first(buffered_), key_, chunks_, flags_);
    } else {
        left = depth_ - 2;
        node = parent_output(stack_[left], stack_[left + 1], key_, flags_);
    }
    while (left > 0) node = parent_output(stack_[--left], node.chaining_value(), key_, flags_);
    node.root_bytes(out, *wide_);
}

}  // namespace mutirao::crypto::blake3_detail
