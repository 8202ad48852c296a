// Manifests come from gateways and keepers: decode and encode agree, whatever the bytes.
#include "publish/manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const ByteSpan bytes(data, size);
    if (auto manifest = publish::Manifest::decode(bytes); manifest.ok())
        ENSURE(manifest->encode() == to_bytes(bytes), "one manifest, one encoding");
    return 0;
}
