// Whatever decodes is what encode() writes.
#include "base/ensure.hpp"
#include "consensus/block.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const mutirao::ByteSpan bytes(data, size);
    const auto block = mutirao::consensus::Block::decode(bytes);
    if (block.ok()) {
        ENSURE(block->encode() == mutirao::to_bytes(bytes), "two encodings of one block");
        ENSURE(!block->hash().is_zero());
    }
    return 0;
}
