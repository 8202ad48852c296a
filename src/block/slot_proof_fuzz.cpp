#include "block/slot_proof.hpp"

// What decodes is what encode() writes, and checking it ends.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto proof = block::SlotProof::decode({data, size});
    if (!proof) return 0;
    ENSURE(proof->encode() == to_bytes({data, size}));
    static_cast<void>(block::verify_slot_proof({}, 0, {}, *proof));
    return 0;
}
