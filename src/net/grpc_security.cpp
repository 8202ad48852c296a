#include "net/grpc_security.hpp"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

namespace mutirao::net {
namespace {

namespace tls = grpc::experimental;

std::shared_ptr<tls::CertificateProviderInterface> provider_of(
    const crypto::PeerCertificate& certificate) {
    return std::make_shared<tls::StaticDataCertificateProvider>(
        std::vector<tls::IdentityKeyCertPair>{{certificate.key_pem, certificate.certificate_pem}});
}

// Accepts the servers whose certificate speaks for the right account.
class AccountVerifier final : public tls::ExternalCertificateVerifier {
  public:
    explicit AccountVerifier(const std::optional<Address>& expected) : expected_(expected) {}

    bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
                grpc::Status* sync_status) override {
        const auto pem = request->peer_cert();
        const auto account = crypto::verify_peer_certificate({pem.data(), pem.size()});
        if (!account.ok())
            *sync_status = {grpc::StatusCode::UNAUTHENTICATED, account.error().message};
        else if (expected_ && *account != *expected_)
            *sync_status = {grpc::StatusCode::UNAUTHENTICATED,
                            "it is account " + account->hex() + ", not " + expected_->hex()};
        return true;
    }
    void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

  private:
    const std::optional<Address> expected_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> server_credentials(
    const crypto::PeerCertificate& certificate) {
    tls::TlsServerCredentialsOptions options(provider_of(certificate));
    options.watch_identity_key_cert_pairs();
    // There is no authority to verify against: each call's caller is read from the certificate.
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
    return tls::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> client_credentials(
    const crypto::PeerCertificate& certificate, const std::optional<Address>& expected) {
    tls::TlsChannelCredentialsOptions options;
    options.set_certificate_provider(provider_of(certificate));
    options.watch_identity_key_cert_pairs();
    options.set_verify_server_certs(false);  // by an authority
    options.set_check_call_host(false);
    options.set_certificate_verifier(
        tls::ExternalCertificateVerifier::Create<AccountVerifier>(expected));
    return tls::TlsCredentials(options);
}

Result<Address> KnownCertificates::account(std::string_view certificate_pem) {
    {
        const std::lock_guard lock(mutex_);
        if (const auto at = known_.find(certificate_pem); at != known_.end()) {
            recent_.splice(recent_.begin(), recent_, at->second);
            return at->second->second;
        }
    }
    TRY(auto account, crypto::verify_peer_certificate(certificate_pem));
    const std::lock_guard lock(mutex_);
    if (known_.contains(certificate_pem)) return account;
    if (recent_.size() == kKept) {
        known_.erase(recent_.back().first);
        recent_.pop_back();
    }
    recent_.emplace_front(certificate_pem, account);
    known_.emplace(recent_.front().first, recent_.begin());
    return account;
}

}  // namespace mutirao::net
