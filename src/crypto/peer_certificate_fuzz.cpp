#include "crypto/peer_certificate.hpp"

// No bytes do harm.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    static_cast<void>(crypto::verify_peer_certificate(as_text(ByteSpan(data, size))).ok());
    return 0;
}
