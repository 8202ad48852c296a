// Errors on the wire. A gRPC status carries the nearest standard code for foreign clients and the
// sentence; the exact kind travels beside it in the trailing metadata "mutirao-error-kind".
// Private to net: includes gRPC.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace mutirao::net {

inline constexpr char kErrorKindKey[] = "mutirao-error-kind";
// Status text lives in HTTP/2 headers, which gRPC limits to 8 KiB and where one byte may take
// three.
inline constexpr std::size_t kSentenceBytesMax = 2000;

grpc::Status to_status(const Error& error);
// `kind_text` is the trailing metadata, empty when there was none. `peer` and `what` name the call
// when the failure is not the remote handler's own.
Error from_status(const grpc::Status& status, std::string_view kind_text, const std::string& peer,
                  std::string_view method);

// Takes the bytes over without copying them.
grpc::ByteBuffer to_buffer(Bytes bytes);
// One copy.
grpc::ByteBuffer copy_to_buffer(ByteSpan bytes);
Bytes to_bytes(const grpc::ByteBuffer& buffer);

// gRPC's own log lines become debug lines of ours instead of noise on standard error. The hook is
// the process's; calling again changes nothing.
void route_grpc_log();

}  // namespace mutirao::net
