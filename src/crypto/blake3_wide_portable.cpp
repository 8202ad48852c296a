// The wide kernel for this instruction set (compile options: CMakeLists.txt).
#include "crypto/blake3_wide_body.hpp"

namespace mutirao::crypto::blake3_detail {

const WideKernel kPortableKernel{"portable", messages, rows, parents, outputs};

}  // namespace mutirao::crypto::blake3_detail
