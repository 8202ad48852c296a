// Whatever decodes, as a batch, a certificate, a statement or a request, is what encode() writes.
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
    if (const auto statement = lane::BatchStatement::decode(bytes); statement.ok())
        ENSURE(statement->encode() == to_bytes(bytes), "two encodings of one statement");
    if (const auto request = lane::KeepRequest::decode(bytes); request.ok())
        ENSURE(request->encode() == to_bytes(bytes), "two encodings of one request");
    return 0;
}
