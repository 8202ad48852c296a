// What decodes as an exported state, or as the index of one, encodes to the same bytes.
#include "base/ensure.hpp"
#include "consensus/state_export.hpp"

using namespace mutirao;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteSpan bytes(data, size);
    if (const auto read = consensus::StateExport::decode(bytes); read.ok())
        ENSURE(read->encode() == to_bytes(bytes), "an exported state has one encoding");
    if (const auto read = consensus::StateIndex::decode(bytes); read.ok())
        ENSURE(read->encode() == to_bytes(bytes), "an index has one encoding");
    return 0;
}
