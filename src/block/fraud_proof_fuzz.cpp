#include "block/fraud_proof.hpp"

// What decodes is what encode() writes, and a verdict comes back whatever it says.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto proof = block::FraudProof::decode({data, size});
    if (!proof) return 0;
    ENSURE(proof->encode() == to_bytes({data, size}));
    const auto verdict = block::verify_fraud(proof->statement.id(), *proof);
    ENSURE(verdict != block::FraudVerdict::other_block);
    ENSURE(block::verify_fraud(BlockId{}, *proof) == block::FraudVerdict::other_block);
    return 0;
}
