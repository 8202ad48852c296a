// The wide kernel for this instruction set (compile options: CMakeLists.txt).
#include "crypto/blake3_wide_body.hpp"

#if defined(__x86_64__)
namespace mutirao::crypto::blake3_detail {

const WideKernel kAvx2Kernel{"avx2", messages, rows, parents, outputs};

}  // namespace mutirao::crypto::blake3_detail
#endif
