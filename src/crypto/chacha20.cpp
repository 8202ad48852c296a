#include "crypto/chacha20.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <openssl/evp.h>

namespace mutirao::crypto {

namespace {

struct CipherFree {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

}  // namespace

void chacha20_stream(const Key& key, std::uint32_t first_block, MutableByteSpan out) {
    // OpenSSL's 16 bytes are the block's number, little-endian, and the nonce.
    std::array<std::uint8_t, 16> counter{};
    for (std::size_t i = 0; i < 4; ++i)
        counter[i] = static_cast<std::uint8_t>(first_block >> (8 * i));
    const std::unique_ptr<EVP_CIPHER_CTX, CipherFree> context(EVP_CIPHER_CTX_new());
    ENSURE(context && EVP_EncryptInit_ex(context.get(), EVP_chacha20(), nullptr, key.bytes.data(),
                                         counter.data()) == 1);
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    constexpr std::size_t kPieceMax = std::numeric_limits<int>::max() / 2;
    while (!out.empty()) {
        const auto piece = out.first(std::min(out.size(), kPieceMax));
        int size = 0;
        ENSURE(EVP_EncryptUpdate(context.get(), piece.data(), &size, piece.data(),
                                 static_cast<int>(piece.size())) == 1);
        out = out.subspan(piece.size());
    }
}

}  // namespace mutirao::crypto
