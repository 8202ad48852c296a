// What decodes is what encode() writes.
#include "base/ensure.hpp"
#include "consensus/fault.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto fault = consensus::Fault::decode({data, size});
    if (!fault.ok()) return 0;
    ENSURE(fault->encode() == to_bytes({data, size}));
    ENSURE(!fault->sentence().empty() && consensus::is_fault({data, size}));
    return 0;
}
