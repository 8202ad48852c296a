#include "crypto/peer_certificate.hpp"

#include <memory>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/hash.hpp"

namespace mutirao::crypto {
namespace {

constexpr const char* kExtensionOid = "2.25.261037297170498063170396438229310349917";
constexpr long kBegins = -3600;                 // seconds from now
constexpr long kEnds = 100L * 365 * 24 * 3600;  // for software that does look at dates
constexpr std::size_t kWrapped = 2 + AccountSignature::kSize;  // in an OCTET STRING

template <auto Free>
struct Freed {
    template <class T>
    void operator()(T* it) const {
        Free(it);
    }
};
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using KeyPair = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Stream = std::unique_ptr<BIO, Freed<BIO_free>>;
using ObjectId = std::unique_ptr<ASN1_OBJECT, Freed<ASN1_OBJECT_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using Octets = std::unique_ptr<ASN1_OCTET_STRING, Freed<ASN1_OCTET_STRING_free>>;

ObjectId extension_oid() { return ObjectId(OBJ_txt2obj(kExtensionOid, 1)); }

Error refused(const char* why) {
    ERR_clear_error();
    return {ErrorKind::permission_denied, std::string("the peer's certificate ") + why};
}

// What the account signs.
Result<Digest> digest_of_key(EVP_PKEY* key) {
    std::uint8_t* der = nullptr;
    const int size = i2d_PUBKEY(key, &der);
    if (size <= 0) return refused("has a key that cannot be read");
    const auto digest =
        blake3_keyed(domain_key("peer-certificate"), ByteSpan(der, static_cast<std::size_t>(size)));
    OPENSSL_free(der);
    return digest;
}

Extension signature_extension(const AccountSignature& signature) {
    auto bytes = signature.to_bytes();
    bytes.insert(bytes.begin(), {V_ASN1_OCTET_STRING, std::uint8_t{AccountSignature::kSize}});
    const Octets value(ASN1_OCTET_STRING_new());
    ENSURE(value &&
           ASN1_OCTET_STRING_set(value.get(), bytes.data(), static_cast<int>(bytes.size())) == 1);
    const auto oid = extension_oid();
    return Extension(X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), 0, value.get()));
}

std::string text_of(BIO* stream) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(stream, &data);
    return std::string(data, static_cast<std::size_t>(size));
}

Certificate parse(std::string_view bytes) {
    if (bytes.size() > kPeerCertificateMax) return nullptr;
    if (!bytes.starts_with("-----BEGIN ")) {
        const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
        const auto* const end = at + bytes.size();
        Certificate out(d2i_X509(nullptr, &at, static_cast<long>(bytes.size())));
        return at == end ? std::move(out) : nullptr;
    }
    const Stream stream(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
    // Without a callback OpenSSL would ask the terminal for an encrypted file's password.
    const auto no_password = [](char*, int, int, void*) { return -1; };
    return Certificate(PEM_read_bio_X509(stream.get(), nullptr, no_password, nullptr));
}

Result<AccountSignature> signature_in(const X509* certificate) {
    const auto oid = extension_oid();
    const int place = X509_get_ext_by_OBJ(certificate, oid.get(), -1);
    if (place < 0) return refused("names no account");
    if (X509_get_ext_by_OBJ(certificate, oid.get(), place) >= 0)
        return refused("names more than one account");
    const auto* const value = X509_EXTENSION_get_data(X509_get_ext(certificate, place));
    const ByteSpan bytes(ASN1_STRING_get0_data(value),
                         static_cast<std::size_t>(ASN1_STRING_length(value)));
    if (bytes.size() != kWrapped || bytes[0] != V_ASN1_OCTET_STRING ||
        bytes[1] != AccountSignature::kSize)
        return refused("names its account in another form");
    auto signature = AccountSignature::from_bytes(bytes.subspan(2));
    if (!signature.ok()) return refused("has a signature of no account");
    return signature;
}

}  // namespace

PeerCertificate make_peer_certificate(const AccountKey& account) {
    const KeyPair key(EVP_EC_gen("P-256"));
    const Certificate certificate(X509_new());
    ENSURE(key && certificate, "OpenSSL makes no key");
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), kBegins);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kEnds);
    X509_set_pubkey(certificate.get(), key.get());
    auto* const name = X509_get_subject_name(certificate.get());
    const auto text = to_checksum_text(account.address());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(text.data()),
                               static_cast<int>(text.size()), -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    const auto digest = digest_of_key(key.get());
    const auto extension = signature_extension(account.sign(digest.value()));
    ENSURE(X509_add_ext(certificate.get(), extension.get(), -1) == 1 &&
               X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0,
           "OpenSSL signs no certificate");
    const Stream certificate_out(BIO_new(BIO_s_mem())), key_out(BIO_new(BIO_s_mem()));
    ENSURE(PEM_write_bio_X509(certificate_out.get(), certificate.get()) == 1 &&
           PEM_write_bio_PKCS8PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                         nullptr) == 1);
    return {text_of(certificate_out.get()), text_of(key_out.get())};
}

Result<Address> verify_peer_certificate(std::string_view bytes) {
    const auto certificate = parse(bytes);
    if (!certificate) return refused("cannot be read");
    auto* const key = X509_get0_pubkey(certificate.get());
    char group[32] = {};
    if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
        EVP_PKEY_get_group_name(key, group, sizeof(group), nullptr) != 1 ||
        std::string_view(group) != "prime256v1")
        return refused("has a key of another kind than P-256");
    if (X509_verify(certificate.get(), key) != 1) return refused("is not signed by its own key");
    TRY(auto signature, signature_in(certificate.get()));
    TRY(auto digest, digest_of_key(key));
    auto account = recover(digest, signature);
    if (!account.ok()) return refused("has a signature of no account");
    return account;
}

}  // namespace mutirao::crypto
