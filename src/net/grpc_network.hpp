// The real Network: unary gRPC calls (HTTP/2 over TCP) with serialized messages as plain bytes.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/ports.hpp"
#include "crypto/peer_certificate.hpp"

namespace mutirao::net {

inline constexpr std::size_t kMessageBytesMax = 64 << 20;  // one request or one answer

// Any thread may call. Channels stay open between calls and reconnect by themselves, at most a
// second after a dead peer is back. A peer is "HOST:PORT" or "0xACCOUNT@HOST:PORT", which only a
// server that proves that account will do for; numeric addresses are not looked up.
//
// What the peer's handler answered arrives as it was, kind and sentence (shortened past 2000
// bytes). Other failures name the peer: `unavailable` at once when nobody listens there, `timeout`
// at the deadline, `invalid_argument` for an address or method that is none and for a request over
// kMessageBytesMax, `resource_exhausted` for an answer over it.
class GrpcNetwork final : public Network {
  public:
    // `peers_max` channels are kept; the one that was used longest ago makes room for a new one.
    // Without a certificate nothing is encrypted and nobody proves anything: for tests and benches.
    explicit GrpcNetwork(std::optional<crypto::PeerCertificate> certificate = {},
                         std::size_t peers_max = 256);
    // No call() may be in progress; what start() began fails at once.
    ~GrpcNetwork() override;

    Result<Bytes> call(const std::string& peer, std::string_view method, ByteSpan request,
                       Duration deadline) override;
    // Returns at once; `done` runs on a thread of gRPC's.
    void start(const std::string& peer, std::string_view method, Message request, Duration deadline,
               Done done) override;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mutirao::net
