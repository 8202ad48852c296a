// Boxes and segmented ciphertexts from outside: none opens under a key that never sealed it.
#include "crypto/aead.hpp"
#include "crypto/sealed_box.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const ByteSpan input(data, size);
    const auto reader = *crypto::BoxSecretKey::from_bytes(Bytes(32, 7));
    (void)crypto::open_box(reader, {}, input);
    const crypto::Key key{{1}};
    if (const auto plain = crypto::open(key, 0, {}, input); plain.ok())
        ENSURE(crypto::sealed_size(plain->size()) == size);
    return 0;
}
