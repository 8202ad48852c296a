// The wide kernel for this instruction set (compile options: CMakeLists.txt).
#include "crypto/blake3_wide_body.hpp"

namespace mutirao::crypto::blake3_detail {

void compress_lanes_portable(const std::uint8_t* const inputs[kLanes], const WideJob& job,
                             ChainingValue out[kLanes]) {
    compress_lanes_body(inputs, job, out);
}

}  // namespace mutirao::crypto::blake3_detail
