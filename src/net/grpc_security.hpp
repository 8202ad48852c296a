// Mutual TLS for gRPC with certificates that speak for accounts (crypto/peer_certificate.hpp). 1.3
// between two of ours; 1.2 is taken too, as gRPC 1.51 has no way to refuse it, but with ECDHE and
// AES-GCM only. Private to net: includes gRPC.
#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/bytes.hpp"
#include "crypto/peer_certificate.hpp"

namespace mutirao::net {

std::shared_ptr<grpc::ServerCredentials> server_credentials(
    const crypto::PeerCertificate& certificate);
// A connection to a server that proves another account than `expected` fails; without one any
// account will do.
std::shared_ptr<grpc::ChannelCredentials> client_credentials(
    const crypto::PeerCertificate& certificate, const std::optional<Address>& expected);

// Accounts of certificates seen before, so that each is verified once. Any thread.
class KnownCertificates {
  public:
    Result<Address> account(std::string_view certificate_pem);

  private:
    static constexpr std::size_t kKept = 4096;
    using Entry = std::pair<std::string, Address>;

    std::mutex mutex_;  // guards both below
    std::list<Entry> recent_;
    std::unordered_map<std::string_view, std::list<Entry>::iterator> known_;  // views of recent_
};

}  // namespace mutirao::net
