#include "net/grpc_status.hpp"

#include <array>
#include <grpc/support/log.h>
#include <memory>
#include <vector>

#include "base/log.hpp"

namespace mutirao::net {
namespace {

using grpc::StatusCode;

// gRPC's words, held by GrpcTls.an_impostor_gets_no_call.
constexpr std::string_view kRefusedByVerifier = "ustom verification check failed";

struct Mapping {
    ErrorKind kind;
    StatusCode code;
};

constexpr std::array kMappings{
    Mapping{ErrorKind::invalid_argument, StatusCode::INVALID_ARGUMENT},
    Mapping{ErrorKind::not_found, StatusCode::NOT_FOUND},
    Mapping{ErrorKind::already_exists, StatusCode::ALREADY_EXISTS},
    Mapping{ErrorKind::permission_denied, StatusCode::PERMISSION_DENIED},
    Mapping{ErrorKind::insufficient_funds, StatusCode::FAILED_PRECONDITION},
    Mapping{ErrorKind::resource_exhausted, StatusCode::RESOURCE_EXHAUSTED},
    Mapping{ErrorKind::unavailable, StatusCode::UNAVAILABLE},
    Mapping{ErrorKind::timeout, StatusCode::DEADLINE_EXCEEDED},
    Mapping{ErrorKind::corrupt, StatusCode::DATA_LOSS},
    Mapping{ErrorKind::unimplemented, StatusCode::UNIMPLEMENTED},
    Mapping{ErrorKind::io, StatusCode::INTERNAL},
};

ErrorKind kind_of(StatusCode code) {
    switch (code) {
        case StatusCode::OUT_OF_RANGE:
        case StatusCode::FAILED_PRECONDITION: return ErrorKind::invalid_argument;
        case StatusCode::UNAUTHENTICATED: return ErrorKind::permission_denied;
        case StatusCode::ABORTED:
        case StatusCode::CANCELLED: return ErrorKind::unavailable;
        default: break;
    }
    for (const auto& mapping : kMappings)
        if (mapping.code == code) return mapping.kind;
    return ErrorKind::io;
}

std::string shortened(const std::string& sentence) {
    if (sentence.size() <= kSentenceBytesMax) return sentence;
    std::size_t end = kSentenceBytesMax;
    while (end > 0 && (static_cast<unsigned char>(sentence[end]) & 0xc0) == 0x80) --end;
    return sentence.substr(0, end) + "...";
}

void log_grpc(gpr_log_func_args* line) { LOG_DEBUG(std::string("grpc: ") + line->message); }

}  // namespace

grpc::Status to_status(const Error& error) {
    StatusCode code = StatusCode::UNKNOWN;
    for (const auto& mapping : kMappings)
        if (mapping.kind == error.kind) code = mapping.code;
    return {code, shortened(error.message)};
}

Error from_status(const grpc::Status& status, std::string_view kind_text, const std::string& peer,
                  std::string_view method) {
    for (const auto& mapping : kMappings)
        if (!kind_text.empty() && to_string(mapping.kind) == kind_text)
            return Error{mapping.kind, status.error_message()};
    ErrorKind kind = kind_of(status.error_code());
    // gRPC calls a server whose certificate was refused merely unavailable.
    if (kind == ErrorKind::unavailable &&
        status.error_message().find(kRefusedByVerifier) != std::string::npos)
        kind = ErrorKind::permission_denied;
    std::string sentence = "peer " + peer;
    if (kind == ErrorKind::unavailable)
        sentence += " cannot be reached";
    else if (kind == ErrorKind::timeout)
        sentence += " did not answer in time";
    else
        sentence += " failed";
    sentence += " (" + std::string(method) + ")";
    if (!status.error_message().empty()) sentence += ": " + status.error_message();
    return Error{kind, std::move(sentence)};
}

grpc::ByteBuffer to_buffer(Bytes bytes) {
    auto owner = std::make_unique<Bytes>(std::move(bytes));
    auto* raw = owner.get();
    const grpc::Slice slice(
        raw->data(), raw->size(), [](void* owned) { delete static_cast<Bytes*>(owned); },
        owner.release());
    return {&slice, 1};
}

grpc::ByteBuffer copy_to_buffer(ByteSpan bytes) {
    const grpc::Slice slice(bytes.data(), bytes.size());
    return {&slice, 1};
}

Bytes to_bytes(const grpc::ByteBuffer& buffer) {
    std::vector<grpc::Slice> slices;
    Bytes bytes;
    if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return bytes;
    bytes.reserve(buffer.Length());
    for (const auto& slice : slices) bytes.insert(bytes.end(), slice.begin(), slice.end());
    return bytes;
}

void route_grpc_log() { gpr_set_log_function(&log_grpc); }

}  // namespace mutirao::net
