#include "crypto/drawn_weights.hpp"

#include <cstring>

#include "crypto/hash.hpp"

namespace mutirao::crypto {

std::vector<Weight> drawn_weights(std::string_view purpose, ByteSpan statement, std::size_t count) {
    Bytes stream(count * sizeof(Weight));
    blake3_keyed_xof(domain_key(purpose), statement, stream);
    std::vector<Weight> out(count);
    for (std::size_t i = 0; i < count; ++i)
        std::memcpy(out[i].data(), stream.data() + i * sizeof(Weight), sizeof(Weight));
    return out;
}

}  // namespace mutirao::crypto
