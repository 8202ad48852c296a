// Owner requests come from anybody: decode and encode agree, and no bytes make a name pass that is
// no UTF-8.
#include "publish/owner_request.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const ByteSpan bytes(data, size);
    (void)publish::check_name(as_text(bytes)).ok();
    auto request = publish::OwnerRequest::decode(bytes);
    if (!request.ok()) return 0;
    ENSURE(request->encode() == to_bytes(bytes), "one request, one encoding");
    (void)request->owner(8021, 1000).ok();
    return 0;
}
