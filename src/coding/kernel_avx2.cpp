// The portable code, compiled for AVX2 (see CMakeLists.txt).
#include "coding/kernel_body.hpp"

#if defined(__x86_64__)
namespace mutirao::coding {

extern const Kernels kAvx2Kernels = make_kernels<ByteArray>("avx2");

}  // namespace mutirao::coding
#endif
