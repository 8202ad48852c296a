#include "crypto/account.hpp"

#include <algorithm>
#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "base/codec.hpp"
#include "crypto/hash.hpp"

namespace mutirao::crypto {
namespace {

// libsecp256k1's context is immutable after creation, so one serves every thread.
const secp256k1_context* context() {
    static const secp256k1_context* const instance =
        secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    return instance;
}

Address address_of(const secp256k1_pubkey& key) {
    std::array<std::uint8_t, 65> point;
    std::size_t size = point.size();
    secp256k1_ec_pubkey_serialize(context(), point.data(), &size, &key, SECP256K1_EC_UNCOMPRESSED);
    const auto hash = keccak256(ByteSpan(point).subspan(1));
    Address out;
    std::copy(hash.bytes.end() - Address::kSize, hash.bytes.end(), out.bytes.begin());
    return out;
}

}  // namespace

Bytes AccountSignature::to_bytes() const {
    Writer out;
    out.raw(r.span()).raw(s.span()).u(y_parity);
    return std::move(out).take();
}

Result<AccountSignature> AccountSignature::from_bytes(ByteSpan bytes) {
    Reader in(bytes);
    AccountSignature out;
    TRY(out.r, in.fixed<decltype(out.r)>());
    TRY(out.s, in.fixed<decltype(out.s)>());
    TRY(out.y_parity, in.u<std::uint8_t>());
    TRY_VOID(in.finish());
    if (out.y_parity > 1) return Error{ErrorKind::corrupt, "a signature's parity is 0 or 1"};
    return out;
}

AccountKey AccountKey::generate(Random& random) {
    AccountKey out;
    do random.fill(out.secret_);
    while (secp256k1_ec_seckey_verify(context(), out.secret_.data()) != 1);
    return out;
}

Result<AccountKey> AccountKey::from_bytes(ByteSpan secret) {
    AccountKey out;
    if (secret.size() != out.secret_.size())
        return Error{ErrorKind::invalid_argument,
                     "a private key has 32 bytes, not " + std::to_string(secret.size())};
    std::copy(secret.begin(), secret.end(), out.secret_.begin());
    if (secp256k1_ec_seckey_verify(context(), out.secret_.data()) != 1)
        return Error{ErrorKind::invalid_argument,
                     "the private key is zero or not below the group order"};
    return out;
}

Address AccountKey::address() const {
    secp256k1_pubkey key;
    ENSURE(secp256k1_ec_pubkey_create(context(), &key, secret_.data()) == 1);
    return address_of(key);
}

AccountSignature AccountKey::sign(const Digest& hash) const {
    secp256k1_ecdsa_recoverable_signature raw;
    ENSURE(secp256k1_ecdsa_sign_recoverable(context(), &raw, hash.bytes.data(), secret_.data(),
                                            secp256k1_nonce_function_rfc6979, nullptr) == 1);
    std::array<std::uint8_t, 64> compact;
    int parity = 0;
    secp256k1_ecdsa_recoverable_signature_serialize_compact(context(), compact.data(), &parity,
                                                            &raw);
    AccountSignature out;
    std::copy(compact.begin(), compact.begin() + 32, out.r.bytes.begin());
    std::copy(compact.begin() + 32, compact.end(), out.s.bytes.begin());
    ENSURE(parity <= 1, "r is below the field order, but not below the group order");
    out.y_parity = static_cast<std::uint8_t>(parity);
    return out;
}

Result<Address> recover(const Digest& hash, const AccountSignature& signature) {
    const auto refuse = [](const char* why) {
        return Error{ErrorKind::permission_denied, std::string("bad signature: ") + why};
    };
    if (signature.y_parity > 1) return refuse("its parity is not 0 or 1");
    std::array<std::uint8_t, 64> compact;
    std::copy(signature.r.bytes.begin(), signature.r.bytes.end(), compact.begin());
    std::copy(signature.s.bytes.begin(), signature.s.bytes.end(), compact.begin() + 32);
    secp256k1_ecdsa_recoverable_signature raw;
    if (secp256k1_ecdsa_recoverable_signature_parse_compact(context(), &raw, compact.data(),
                                                            signature.y_parity) != 1)
        return refuse("r or s is out of range");
    secp256k1_ecdsa_signature plain;
    secp256k1_ecdsa_recoverable_signature_convert(context(), &plain, &raw);
    if (secp256k1_ecdsa_signature_normalize(context(), nullptr, &plain) == 1)
        return refuse("s is in the upper half of the group order (EIP-2)");
    secp256k1_pubkey key;
    if (secp256k1_ecdsa_recover(context(), &key, &raw, hash.bytes.data()) != 1)
        return refuse("it recovers to no key");
    return address_of(key);
}

Digest personal_message_hash(ByteSpan message) {
    Bytes text =
        to_bytes(as_bytes("\x19"
                          "Ethereum Signed Message:\n" +
                          std::to_string(message.size())));
    text.insert(text.end(), message.begin(), message.end());
    return keccak256(text);
}

std::string to_checksum_text(const Address& address) {
    std::string text = address.hex();
    const auto hash = keccak256(as_bytes(text));
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int nibble = hash.bytes[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15;
        if (nibble >= 8 && text[i] >= 'a') text[i] = static_cast<char>(text[i] - 'a' + 'A');
    }
    return "0x" + text;
}

Result<Address> address_from_text(std::string_view text) {
    if (!text.starts_with("0x") || text.size() != 42)
        return Error{
            ErrorKind::invalid_argument,
            "an address is 0x and 40 hexadecimal digits, not \"" + std::string(text) + "\""};
    TRY(auto address, Address::from_hex(text));
    const auto has = [&](char from, char to) {
        return std::any_of(text.begin() + 2, text.end(),
                           [&](char c) { return c >= from && c <= to; });
    };
    if (has('a', 'f') && has('A', 'F') && to_checksum_text(address) != text)
        return Error{ErrorKind::invalid_argument, "the address " + std::string(text) +
                                                      " has a typing error: its checksum differs"};
    return address;
}

}  // namespace mutirao::crypto
