#include "train/run_state.hpp"

// One state has one encoding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto state = train::decode_run_state({data, size});
    if (state) ENSURE(train::encode_run_state(*state) == to_bytes({data, size}));
    return 0;
}
