// Whatever decodes, as a batch or as a certificate, is what encode() writes.
#include "base/ensure.hpp"
#include "lane/batch.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const ByteSpan bytes(data, size);
    if (const auto batch = lane::Batch::decode(bytes); batch.ok()) {
        ENSURE(batch->encode() == to_bytes(bytes), "two encodings of one batch");
        ENSURE(batch->statement().count == batch->transactions.size());
    }
    if (const auto certificate = lane::Certificate::decode(bytes); certificate.ok()) {
        ENSURE(certificate->encode() == to_bytes(bytes), "two encodings of one certificate");
        ENSURE(lane::is_certificate(bytes));
        ENSURE(!certificate->verify({}, 1).ok(), "certified by nobody");
    }
    return 0;
}
