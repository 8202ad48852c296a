// Serves a role's `Serve` over gRPC to any client of the same .proto files.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/ports.hpp"
#include "crypto/peer_certificate.hpp"
#include "net/caller.hpp"
#include "net/caller_limits.hpp"
#include "net/grpc_network.hpp"

namespace mutirao::net {

struct GrpcLimits {
    std::size_t calls_max = 256;    // read, queued or handled at a time; resource_exhausted beyond
    std::size_t handlers_max = 16;  // threads that run the handler
    std::size_t message_bytes_max = kMessageBytesMax;  // one request or one answer
    std::size_t memory_max = 512 << 20;                // of connections and requests, about
    Duration stop_grace = std::chrono::seconds(5);     // for calls in flight when stopping
    CallerQuota caller = {};                           // of each caller that proves an account
};

// A server also answers grpc.health.v1.Health. Calls whose client has gone or whose deadline has
// passed while they were queued are not handled. A handler that throws answers `io`.
class GrpcServer {
  public:
    // Listens on "127.0.0.1:PORT" or "[::1]:PORT"; port 0 picks a free one. Fails: invalid_argument
    // (no such address), unimplemented (not a loopback address), unavailable (the port is taken).
    // Nothing is encrypted and anybody on this machine may call: for tests and benches.
    static Result<std::unique_ptr<GrpcServer>> start(const std::string& listen_address, Serve serve,
                                                     GrpcLimits limits = {});

    // With mutual TLS: every caller proves an account, as this end does with `certificate`. On
    // any address of this machine. `admit` is asked before `answer`; each caller is held to
    // limits.caller. The clock must outlive the server.
    static Result<std::unique_ptr<GrpcServer>> start(const std::string& listen_address,
                                                     const crypto::PeerCertificate& certificate,
                                                     Answer answer, Admit admit, Clock& clock,
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
