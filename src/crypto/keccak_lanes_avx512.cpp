// Eight states in the lanes of AVX-512 (compile options: CMakeLists.txt).
#include "crypto/keccak_rounds.hpp"

#if defined(__x86_64__)
namespace mutirao::crypto::keccak {

void permute_eight_avx512(EightStates& states) {
    typedef std::uint64_t Lane __attribute__((vector_size(64), may_alias));
    permute(reinterpret_cast<Lane(&)[kLanes]>(states.lanes));
}

}  // namespace mutirao::crypto::keccak
#endif
