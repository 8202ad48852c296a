// The sixteen-chunk kernel for this instruction set (compile options: CMakeLists.txt).
#include "crypto/blake3_wide_body.hpp"

#if defined(__x86_64__)
namespace mutirao::crypto::blake3_detail {

void hash_sixteen_avx2(const std::uint8_t* input, const ChainingValue& key, std::uint64_t counter,
                       std::uint32_t flags, ChainingValue out[kLanes]) {
    hash_sixteen_body(input, key, counter, flags, out);
}

}  // namespace mutirao::crypto::blake3_detail
#endif
