#include "base/ensure.hpp"
#include "hot/local_message.hpp"
#include "hot/sealed_level.hpp"

using namespace mutirao;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteSpan bytes(data, size);
    if (const auto request = hot::LocalRequest::decode(bytes); request.ok())
        ENSURE(request->encode() == to_bytes(bytes));
    if (const auto hello = hot::LocalHello::decode(bytes); hello.ok())
        ENSURE(hello->encode() == to_bytes(bytes));
    if (const auto opened = hot::LocalOpened::decode(bytes); opened.ok())
        ENSURE(opened->encode() == to_bytes(bytes));
    if (const auto body = hot::decode_answer(bytes); body.ok())
        ENSURE(hot::encode_answer(body) == to_bytes(bytes));
    if (const auto sealed = hot::SealedFile::open({}, bytes); sealed.ok())
        ENSURE(hot::SealedFile::head({}, *sealed).size() + sealed->size() == size);
    return 0;
}
