// Serves a role's `Serve` over gRPC to any client of the same .proto files.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/ports.hpp"
#include "net/grpc_network.hpp"

namespace mutirao::net {

struct GrpcLimits {
    std::size_t calls_max = 256;    // read, queued or handled at a time; resource_exhausted beyond
    std::size_t handlers_max = 16;  // threads that run the handler
    std::size_t message_bytes_max = kMessageBytesMax;  // one request or one answer
    Duration stop_grace = std::chrono::seconds(5);     // for calls in flight when stopping
};

// A server also answers grpc.health.v1.Health. Calls whose client has gone or whose deadline has
// passed while they were queued are not handled. A handler that throws answers `io`.
class GrpcServer {
  public:
    // Listens on "127.0.0.1:PORT" or "[::1]:PORT"; port 0 picks a free one. Fails: invalid_argument
    // (no such address), unimplemented (not a loopback address), unavailable (the port is taken).
    static Result<std::unique_ptr<GrpcServer>> start(const std::string& listen_address, Serve serve,
                                                     GrpcLimits limits = {});

    // Stops.
    ~GrpcServer();
    GrpcServer(const GrpcServer&) = delete;
    GrpcServer& operator=(const GrpcServer&) = delete;

    std::uint16_t port() const;
    // "127.0.0.1:PORT": what peers on this machine call.
    std::string address() const;
    // Accepts no more, lets calls in flight finish for stop_grace, cancels the rest (their clients
    // see unavailable), and waits for handlers to return. Any thread but a handler's; a second
    // call does nothing.
    void stop();

  private:
    struct Impl;
    explicit GrpcServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mutirao::net
