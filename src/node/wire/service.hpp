// Where protobuf messages meet the Network port: typed calls out, and a table of typed methods in.
#pragma once

#include <functional>
#include <google/protobuf/message_lite.h>
#include <map>
#include <string>
#include <string_view>

#include "base/ports.hpp"

namespace mutirao::node::wire {

Bytes serialize(const google::protobuf::MessageLite& message);
// invalid_argument when the bytes are no such message.
Status parse(ByteSpan bytes, google::protobuf::MessageLite& message);

// Calls `method` ("/mutirao.v1.Storage/Sign") and parses the reply.
template <class Reply>
Result<Reply> call(Network& network, const std::string& peer, std::string_view method,
                   const google::protobuf::MessageLite& request, Duration deadline) {
    TRY(auto bytes, network.call(peer, method, serialize(request), deadline));
    Reply reply;
    TRY_VOID(parse(bytes, reply));
    return reply;
}

// Methods by full name. Fill it first; then serve() may be called from any thread.
class Service {
  public:
    template <class Request, class Reply>
    void on(std::string method, std::function<Result<Reply>(const Request&)> handler) {
        methods_[std::move(method)] = [handler = std::move(handler)](ByteSpan in) -> Result<Bytes> {
            Request request;
            TRY_VOID(parse(in, request));
            TRY(auto reply, handler(request));
            return serialize(reply);
        };
    }
    // For methods whose bytes are not protobuf messages.
    void on_bytes(std::string method, std::function<Result<Bytes>(ByteSpan)> handler) {
        methods_[std::move(method)] = std::move(handler);
    }
    Result<Bytes> serve(std::string_view method, ByteSpan request) const;

  private:
    std::map<std::string, std::function<Result<Bytes>(ByteSpan)>, std::less<>> methods_;
};

}  // namespace mutirao::node::wire
