#include "crypto/aead.hpp"

#include <algorithm>
#include <memory>
#include <openssl/evp.h>

namespace mutirao::crypto {
namespace {

constexpr std::size_t kNonceSize = 12;
constexpr std::uint64_t kLastSegment = std::uint64_t{1} << 63;

struct CipherFree {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, CipherFree>;

std::array<std::uint8_t, kNonceSize> nonce(std::uint32_t sequence, std::uint64_t segment,
                                           bool last) {
    std::array<std::uint8_t, kNonceSize> out;
    const std::uint64_t marked = segment | (last ? kLastSegment : 0);
    for (std::size_t i = 0; i < 4; ++i) out[i] = static_cast<std::uint8_t>(sequence >> (8 * i));
    for (std::size_t i = 0; i < 8; ++i) out[4 + i] = static_cast<std::uint8_t>(marked >> (8 * i));
    return out;
}

constexpr std::size_t kWholeSegment = kSegmentSize + kTagSize;

// The last segment holds a tag, and is empty only when it is the only one.
bool is_sealed_size(std::size_t size) {
    const std::size_t rest = size % kWholeSegment;
    return size == kTagSize || (size > 0 && (rest == 0 || rest > kTagSize));
}

int size_of(ByteSpan bytes) { return static_cast<int>(bytes.size()); }

}  // namespace

std::size_t sealed_size(std::size_t plain_size) {
    const std::size_t segments =
        std::max<std::size_t>(1, (plain_size + kSegmentSize - 1) / kSegmentSize);
    return plain_size + segments * kTagSize;
}

Bytes seal(const Key& key, std::uint32_t sequence, ByteSpan associated, ByteSpan plain) {
    Bytes out(sealed_size(plain.size()));
    for (std::size_t at = 0; at < plain.size(); at += kSegmentSize) {
        const auto part = plain.subspan(at, std::min(kSegmentSize, plain.size() - at));
        std::copy(part.begin(), part.end(),
                  out.begin() + static_cast<std::ptrdiff_t>(place_to_seal(at)));
    }
    seal_in_place(key, sequence, associated, out);
    return out;
}

void seal_in_place(const Key& key, std::uint32_t sequence, ByteSpan associated,
                   MutableByteSpan segments, const Threads& threads) {
    ENSURE(is_sealed_size(segments.size()), "no plaintext has this size when it is sealed");
    const std::size_t count = (segments.size() + kWholeSegment - 1) / kWholeSegment;
    run_parallel(threads, count, [&](unsigned, std::size_t i) {
        const auto whole = segments.subspan(i * kWholeSegment);
        const auto segment = whole.first(std::min(kWholeSegment, whole.size()));
        const auto text = segment.first(segment.size() - kTagSize);
        const auto iv = nonce(sequence, i, i + 1 == count);
        const Cipher cipher(EVP_CIPHER_CTX_new());
        int done = 0;
        // None of these can fail with a key and a nonce of the right size.
        ENSURE(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.bytes.data(),
                                  iv.data()) == 1);
        if (!associated.empty())
            ENSURE(EVP_EncryptUpdate(cipher.get(), nullptr, &done, associated.data(),
                                     size_of(associated)) == 1);
        if (!text.empty())
            ENSURE(EVP_EncryptUpdate(cipher.get(), text.data(), &done, text.data(),
                                     size_of(text)) == 1);
        std::uint8_t* const tag = segment.data() + text.size();
        ENSURE(EVP_EncryptFinal_ex(cipher.get(), tag, &done) == 1);
        ENSURE(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagSize, tag) == 1);
    });
}

namespace {

// Decrypts one segment into `plain`; false when its tag does not verify.
bool open_segment(const Key& key, ByteSpan iv, ByteSpan associated, ByteSpan segment,
                  MutableByteSpan plain) {
    std::array<std::uint8_t, kTagSize> tag;
    std::copy(segment.end() - kTagSize, segment.end(), tag.begin());
    const Cipher cipher(EVP_CIPHER_CTX_new());
    int done = 0;
    ENSURE(EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.bytes.data(),
                              iv.data()) == 1);
    if (!associated.empty())
        ENSURE(EVP_DecryptUpdate(cipher.get(), nullptr, &done, associated.data(),
                                 size_of(associated)) == 1);
    if (!plain.empty())
        ENSURE(EVP_DecryptUpdate(cipher.get(), plain.data(), &done, segment.data(),
                                 size_of(plain)) == 1);
    ENSURE(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, tag.data()) == 1);
    std::uint8_t none = 0;
    return EVP_DecryptFinal_ex(cipher.get(), &none, &done) == 1;
}

}  // namespace

Result<Bytes> open(const Key& key, std::uint32_t sequence, ByteSpan associated, ByteSpan sealed,
                   const Threads& threads) {
    return open_part(key, sequence, associated, sealed.size(), 0, sealed, threads);
}

Result<Bytes> open_part(const Key& key, std::uint32_t sequence, ByteSpan associated,
                        std::uint64_t total, std::uint64_t first, ByteSpan sealed,
                        const Threads& threads) {
    if (!is_sealed_size(total))
        return Error{ErrorKind::corrupt,
                     std::to_string(total) + " bytes cannot be an encrypted message"};
    const std::uint64_t segments = (total + kWholeSegment - 1) / kWholeSegment;
    const std::uint64_t left = first < segments ? total - first * kWholeSegment : 0;
    if (sealed.empty() || sealed.size() > left ||
        (sealed.size() < left && sealed.size() % kWholeSegment != 0))
        return Error{ErrorKind::invalid_argument,
                     std::to_string(sealed.size()) + " bytes from segment " +
                         std::to_string(first) + " are not whole segments of the message"};
    const std::size_t count = (sealed.size() + kWholeSegment - 1) / kWholeSegment;
    Bytes out(sealed.size() - count * kTagSize);
    std::vector<std::uint8_t> good(count);
    run_parallel(threads, count, [&](unsigned, std::size_t i) {
        const auto whole = sealed.subspan(i * kWholeSegment);
        const auto segment = whole.first(std::min(kWholeSegment, whole.size()));
        const auto plain =
            MutableByteSpan(out).subspan(i * kSegmentSize, segment.size() - kTagSize);
        const auto iv = nonce(sequence, first + i, first + i + 1 == segments);
        good[i] = open_segment(key, iv, associated, segment, plain);
    });
    for (std::size_t i = 0; i < count; ++i)
        if (!good[i])
            return Error{ErrorKind::permission_denied, "wrong key or changed data: segment " +
                                                           std::to_string(first + i) +
                                                           " does not verify"};
    return out;
}

Digest commit_key(const Key& key) { return blake3_keyed(domain_key("key"), key.span()); }

}  // namespace mutirao::crypto
