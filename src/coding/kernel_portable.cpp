#include "coding/kernel_body.hpp"

namespace mutirao::coding {

extern const Kernels kPortableKernels = make_kernels<ByteArray>("portable");

}  // namespace mutirao::coding
