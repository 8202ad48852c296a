#include <map>
#include <mutex>

#include "crypto/blake3_tree.hpp"
#include "crypto/hash.hpp"

namespace mutirao::crypto {
namespace {

using namespace blake3_detail;

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
