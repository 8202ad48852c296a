// X.509 certificates that say "this TLS key speaks for account 0x..." without any authority: the
// certificate signs itself, and an extension holds the account's signature over the certificate's
// public key (the idea of the libp2p TLS handshake, https://github.com/libp2p/specs/tree/master/tls
// ). TLS proves that the other end has the key, the extension whose key it is. A key is made for
// each process and never stored, so certificates need no end: none is listed anywhere.
//
// The extension, not critical, has the OID 2.25.261037297170498063170396438229310349917 (a random
// UUID, X.667) and is a DER OCTET STRING of 65 bytes: crypto::AccountSignature over
// BLAKE3_keyed(K_peer-certificate, DER SubjectPublicKeyInfo). Pure but for the key's chance, which
// is OpenSSL's; any thread.
#pragma once

#include <string>
#include <string_view>

#include "crypto/account.hpp"

namespace mutirao::crypto {

inline constexpr std::size_t kPeerCertificateMax = 4096;  // bytes of PEM or DER

struct PeerCertificate {
    std::string certificate_pem;
    std::string key_pem;  // PKCS #8, P-256: secret
};

// A new key and its certificate for `account`. About a millisecond.
PeerCertificate make_peer_certificate(const AccountKey& account);

// The account that a certificate (PEM, the first of a chain; or DER) speaks for. permission_denied
// unless it has exactly one such extension, the signature is the account's, the key is P-256 and
// the certificate signs itself. Dates are not looked at (decision 10). About 0.2 ms.
Result<Address> verify_peer_certificate(std::string_view certificate);

}  // namespace mutirao::crypto
