// Vectors of sixteen floats.
#define MUTIRAO_LANES 16
#include "model/nano/kernel_body.hpp"

#if defined(__x86_64__)

namespace mutirao::model::nano {

extern const Kernels kAvx512Kernels = make_kernels("avx512");

}  // namespace mutirao::model::nano

#endif
