// BLAKE3: chunks of 1 KiB, a binary tree of parents above them, an extendable root. The incremental
// form keeps a stack with one chaining value for every complete subtree, as the specification's
// section 5.1.2 describes: after chunk n, as many merges as n has trailing zero bits.
#include <bit>
#include <map>
#include <mutex>

#include "crypto/blake3_compress.hpp"
#include "crypto/hash.hpp"

namespace mutirao::crypto {
namespace blake3_detail {

Words16 compress(const ChainingValue& chaining, const Words16& m, std::uint64_t counter,
                 std::uint32_t block_size, std::uint32_t flags) {
    Words16 v{};
    for (std::size_t i = 0; i < 8; ++i) v[i] = chaining[i];
    for (std::size_t i = 0; i < 4; ++i) v[8 + i] = kInitial[i];
    v[12] = static_cast<std::uint32_t>(counter);
    v[13] = static_cast<std::uint32_t>(counter >> 32);
    v[14] = block_size;
    v[15] = flags;
    const auto mix = [&v](int a, int b, int c, int d, std::uint32_t x, std::uint32_t y) {
        v[a] += v[b] + x;
        v[d] = std::rotr(v[d] ^ v[a], 16);
        v[c] += v[d];
        v[b] = std::rotr(v[b] ^ v[c], 12);
        v[a] += v[b] + y;
        v[d] = std::rotr(v[d] ^ v[a], 8);
        v[c] += v[d];
        v[b] = std::rotr(v[b] ^ v[c], 7);
    };
    for (const auto& s : kSchedule) {
        mix(0, 4, 8, 12, m[s[0]], m[s[1]]);
        mix(1, 5, 9, 13, m[s[2]], m[s[3]]);
        mix(2, 6, 10, 14, m[s[4]], m[s[5]]);
        mix(3, 7, 11, 15, m[s[6]], m[s[7]]);
        mix(0, 5, 10, 15, m[s[8]], m[s[9]]);
        mix(1, 6, 11, 12, m[s[10]], m[s[11]]);
        mix(2, 7, 8, 13, m[s[12]], m[s[13]]);
        mix(3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (std::size_t i = 0; i < 8; ++i) {
        v[i] ^= v[i + 8];
        v[i + 8] ^= chaining[i];
    }
    return v;
}

HashSixteen best_hash_sixteen() {
    static const HashSixteen best = []() -> HashSixteen {
#if defined(__x86_64__)
        if (__builtin_cpu_supports("avx512f")) return hash_sixteen_avx512;
        if (__builtin_cpu_supports("avx2")) return hash_sixteen_avx2;
#endif
        return hash_sixteen_portable;
    }();
    return best;
}

}  // namespace blake3_detail

namespace {

using namespace blake3_detail;

Words16 load_block(ByteSpan bytes) {
    std::uint8_t padded[kBlockSize] = {};
    if (!bytes.empty()) std::memcpy(padded, bytes.data(), bytes.size());
    Words16 words;
    for (std::size_t i = 0; i < 16; ++i)
        words[i] = static_cast<std::uint32_t>(padded[4 * i]) |
                   static_cast<std::uint32_t>(padded[4 * i + 1]) << 8 |
                   static_cast<std::uint32_t>(padded[4 * i + 2]) << 16 |
                   static_cast<std::uint32_t>(padded[4 * i + 3]) << 24;
    return words;
}

ChainingValue first_half(const Words16& words) {
    ChainingValue out;
    std::copy(words.begin(), words.begin() + 8, out.begin());
    return out;
}

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
    void root_bytes(MutableByteSpan out) const {
        for (std::size_t at = 0, block = 0; at < out.size(); ++block) {
            const auto words = compress(chaining, message, block, block_size, flags | root);
            for (std::size_t i = 0; i < kBlockSize && at < out.size(); ++i, ++at)
                out[at] = static_cast<std::uint8_t>(words[i / 4] >> (8 * (i % 4)));
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

class Hasher {
  public:
    Hasher(const ChainingValue& key, std::uint32_t flags) : key_(key), flags_(flags) {}

    void update(ByteSpan input) {
        while (!input.empty()) {
            // The last chunk stays buffered: only when more comes is it known not to be the root.
            if (buffered_ == kChunkSize) {
                push(chunk_output({buffer_.data(), kChunkSize}, key_, chunks_, flags_)
                         .chaining_value());
                buffered_ = 0;
            }
            if (buffered_ == 0 && input.size() > kLanes * kChunkSize) {
                input = take_sixteen(input);
                continue;
            }
            const auto part = std::min(input.size(), kChunkSize - buffered_);
            std::memcpy(buffer_.data() + buffered_, input.data(), part);
            buffered_ += part;
            input = input.subspan(part);
        }
    }

    void finish(MutableByteSpan out) const {
        Output node = chunk_output({buffer_.data(), buffered_}, key_, chunks_, flags_);
        for (std::size_t i = depth_; i-- > 0;)
            node = parent_output(stack_[i], node.chaining_value(), key_, flags_);
        node.root_bytes(out);
    }

  private:
    ByteSpan take_sixteen(ByteSpan input) {
        ChainingValue values[kLanes];
        best_hash_sixteen()(input.data(), key_, chunks_, flags_, values);
        for (const auto& value : values) push(value);
        return input.subspan(kLanes * kChunkSize);
    }

    void push(ChainingValue value) {
        ++chunks_;
        for (auto total = chunks_; (total & 1) == 0; total >>= 1)
            value = parent_output(stack_[--depth_], value, key_, flags_).chaining_value();
        stack_[depth_++] = value;
    }

    ChainingValue key_;
    std::uint32_t flags_;
    std::array<std::uint8_t, kChunkSize> buffer_{};
    std::size_t buffered_ = 0;
    std::uint64_t chunks_ = 0;  // whole chunks pushed
    std::array<ChainingValue, 54> stack_{};
    std::size_t depth_ = 0;
};

ChainingValue key_words(const Key& key) { return first_half(load_block(key.span())); }

void hash_to(const ChainingValue& key, std::uint32_t flags, ByteSpan input, MutableByteSpan out) {
    Hasher hasher(key, flags);
    hasher.update(input);
    hasher.finish(out);
}

}  // namespace

Digest blake3(ByteSpan input) {
    Digest out;
    hash_to(kInitial, 0, input, out.bytes);
    return out;
}

Digest blake3_keyed(const Key& key, ByteSpan input) {
    Digest out;
    hash_to(key_words(key), keyed_hash, input, out.bytes);
    return out;
}

void blake3_xof(ByteSpan input, MutableByteSpan out) { hash_to(kInitial, 0, input, out); }

void blake3_keyed_xof(const Key& key, ByteSpan input, MutableByteSpan out) {
    hash_to(key_words(key), keyed_hash, input, out);
}

void blake3_derive_key_xof(std::string_view context, ByteSpan material, MutableByteSpan out) {
    Key context_key;
    hash_to(kInitial, derive_key_context, as_bytes(context), context_key.bytes);
    hash_to(key_words(context_key), derive_key_material, material, out);
}

Key blake3_derive_key(std::string_view context, ByteSpan material) {
    Key out;
    blake3_derive_key_xof(context, material, out.bytes);
    return out;
}

const Key& domain_key(std::string_view purpose) {
    static std::mutex mutex;  // guards keys; entries are never removed, so references stay
    static std::map<std::string, Key, std::less<>> keys;
    const std::lock_guard lock(mutex);
    auto at = keys.find(purpose);
    if (at == keys.end()) {
        const auto key = blake3_derive_key("mutirao v1 " + std::string(purpose), {});
        at = keys.emplace(purpose, key).first;
    }
    return at->second;
}

struct KeyedHasher::State {
    Hasher hasher;
};

KeyedHasher::KeyedHasher(const Key& key)
    : state_(std::make_unique<State>(State{Hasher(key_words(key), keyed_hash)})) {}
KeyedHasher::~KeyedHasher() = default;
KeyedHasher::KeyedHasher(KeyedHasher&&) noexcept = default;
KeyedHasher& KeyedHasher::operator=(KeyedHasher&&) noexcept = default;

KeyedHasher& KeyedHasher::update(ByteSpan input) {
    state_->hasher.update(input);
    return *this;
}

Digest KeyedHasher::digest() const {
    Digest out;
    state_->hasher.finish(out.bytes);
    return out;
}

}  // namespace mutirao::crypto
