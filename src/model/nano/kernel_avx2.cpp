// Vectors of eight floats, with fused multiply-add.
#define MUTIRAO_LANES 8
#include "model/nano/kernel_body.hpp"

#if defined(__x86_64__)

namespace mutirao::model::nano {

extern const Kernels kAvx2Kernels = make_kernels("avx2");

}  // namespace mutirao::model::nano

#endif
