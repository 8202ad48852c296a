#include "crypto/peer_certificate.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/random.hpp"

namespace mutirao::crypto {
namespace {

AccountKey account(std::uint64_t seed) {
    SeededRandom random(seed);
    return AccountKey::generate(random);
}

std::string der_of(const std::string& pem) {
    const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto begin = pem.find('\n') + 1;
    std::string out;
    std::uint32_t bits = 0;
    int have = 0;
    for (auto at = begin; pem[at] != '-'; ++at) {
        const auto value = alphabet.find(pem[at]);
        if (value == alphabet.npos) continue;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        if ((have += 6) >= 8) out.push_back(static_cast<char>(bits >> (have -= 8)));
    }
    return out;
}

TEST(PeerCertificate, speaks_for_the_account_that_made_it) {
    const auto made = make_peer_certificate(account(1));
    EXPECT_EQ(verify_peer_certificate(made.certificate_pem).value(), account(1).address());
    EXPECT_EQ(verify_peer_certificate(der_of(made.certificate_pem)).value(), account(1).address());
    EXPECT_NE(made.key_pem.find("PRIVATE KEY"), std::string::npos);
    EXPECT_LE(made.certificate_pem.size(), kPeerCertificateMax / 2);
}

TEST(PeerCertificate, two_of_one_account_have_different_keys) {
    EXPECT_NE(make_peer_certificate(account(1)).key_pem, make_peer_certificate(account(1)).key_pem);
}

// Whatever byte of it is changed, it speaks for nobody, or at least not for the account.
TEST(PeerCertificate, changed_anywhere_it_is_not_the_accounts_any_more) {
    const auto der = der_of(make_peer_certificate(account(2)).certificate_pem);
    for (std::size_t i = 0; i < der.size(); ++i)
        for (const int bit : {0, 5}) {
            auto changed = der;
            changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
            const auto who = verify_peer_certificate(changed);
            ASSERT_FALSE(who.ok()) << i;
            EXPECT_EQ(who.error().kind, ErrorKind::permission_denied) << i;
        }
}

// An account's signature is over one key: it does not carry over to another certificate.
TEST(PeerCertificate, the_extension_of_another_certificate_is_worth_nothing) {
    const auto mine = der_of(make_peer_certificate(account(3)).certificate_pem);
    auto theirs = der_of(make_peer_certificate(account(4)).certificate_pem);
    const std::string head("\x04\x43\x04\x41", 4);
    const auto from = mine.find(head), to = theirs.find(head);
    ASSERT_NE(from, mine.npos);
    ASSERT_NE(to, theirs.npos);
    theirs.replace(to, 69, mine, from, 69);
    EXPECT_FALSE(verify_peer_certificate(theirs).ok());
}

template <auto Free>
struct Freed {
    template <class T>
    void operator()(T* it) const {
        Free(it);
    }
};
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using KeyPair = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

Certificate parsed(const std::string& der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    return Certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

// `der` with another key, signed by that key; its extensions stay, `times` over.
std::string signed_anew(const std::string& der, EVP_PKEY* key, int times) {
    const auto from = parsed(der), to = parsed(der);
    X509_set_pubkey(to.get(), key);
    while (X509_get_ext_count(to.get()) > 0) X509_EXTENSION_free(X509_delete_ext(to.get(), 0));
    for (int i = 0; i < times; ++i) X509_add_ext(to.get(), X509_get_ext(from.get(), 0), -1);
    X509_sign(to.get(), key, EVP_sha256());
    std::uint8_t* bytes = nullptr;
    const int size = i2d_X509(to.get(), &bytes);
    std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return out;
}

// The victim's extension in a certificate that is valid but for speaking of another key: what is
// recovered is some account that nobody has a key of.
TEST(PeerCertificate, an_extension_put_over_another_key_is_not_the_accounts) {
    const auto victim = der_of(make_peer_certificate(account(6)).certificate_pem);
    const KeyPair own(EVP_EC_gen("P-256"));
    const auto who = verify_peer_certificate(signed_anew(victim, own.get(), 1));
    EXPECT_TRUE(!who.ok() || *who != account(6).address());
}

TEST(PeerCertificate, one_extension_and_a_p256_key_are_asked_for) {
    const auto made = make_peer_certificate(account(6));
    const KeyPair p256(EVP_EC_gen("P-256")), p384(EVP_EC_gen("P-384"));
    const auto refusal = [&](const KeyPair& key, int times) {
        return verify_peer_certificate(signed_anew(der_of(made.certificate_pem), key.get(), times))
            .error();
    };
    EXPECT_EQ(refusal(p256, 0).message, "the peer's certificate names no account");
    EXPECT_EQ(refusal(p256, 2).message, "the peer's certificate names more than one account");
    EXPECT_NE(refusal(p384, 1).message.find("P-256"), std::string::npos);
    EXPECT_EQ(refusal(p384, 1).kind, ErrorKind::permission_denied);
}

TEST(PeerCertificate, what_is_none_is_refused) {
    const auto pem = make_peer_certificate(account(5)).certificate_pem;
    for (const std::string& bytes :
         {std::string(), std::string("-----BEGIN CERTIFICATE-----\n"), pem.substr(0, 300),
          der_of(pem) + "x", std::string(5000, 'A'), make_peer_certificate(account(5)).key_pem})
        EXPECT_EQ(verify_peer_certificate(bytes).error().kind, ErrorKind::permission_denied);
}

}  // namespace
}  // namespace mutirao::crypto
