#include "crypto/keystore.hpp"

#include <boost/json.hpp>
#include <memory>
#include <openssl/evp.h>

#include "crypto/hash.hpp"

namespace mutirao::crypto {
namespace {

namespace json = boost::json;

constexpr std::size_t kFileMax = 64 * 1024;
// Of memory, and of memory times passes over it. The wallets in use ask for 128 or 256 MiB.
constexpr std::uint64_t kScryptMemoryMax = 256u << 20;

Error not_a_keystore(const std::string& why) {
    return {ErrorKind::corrupt, "this is no version 3 wallet file: " + why};
}

Result<Bytes> scrypt(std::string_view password, ByteSpan salt, const KeystoreStrength& strength) {
    Bytes out(32);
    if (EVP_PBE_scrypt(password.data(), password.size(), salt.data(), salt.size(),
                       strength.scrypt_n, strength.scrypt_r, strength.scrypt_p,
                       kScryptMemoryMax + (1 << 20), out.data(), out.size()) != 1)
        return not_a_keystore("its scrypt parameters are out of range");
    return out;
}

Bytes aes_128_ctr(ByteSpan key, ByteSpan iv, ByteSpan input) {
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
        EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    Bytes out(input.size());
    int done = 0;
    ENSURE(EVP_EncryptInit_ex(context.get(), EVP_aes_128_ctr(), nullptr, key.data(), iv.data()) ==
           1);
    ENSURE(EVP_EncryptUpdate(context.get(), out.data(), &done, input.data(),
                             static_cast<int>(input.size())) == 1);
    return out;
}

Digest mac_of(ByteSpan derived, ByteSpan ciphertext) {
    Bytes input(derived.begin() + 16, derived.begin() + 32);
    input.insert(input.end(), ciphertext.begin(), ciphertext.end());
    return keccak256(input);
}

// The members of the JSON file that count, found or refused one by one.
struct Sealed {
    KeystoreStrength strength;
    Bytes salt, iv, ciphertext, mac;
};

Result<const json::object*> object_at(const json::object& parent, std::string_view name) {
    // Member names are lower case; some old files write "Crypto".
    const json::value* value = parent.if_contains(name);
    if (value == nullptr && name == "crypto") value = parent.if_contains("Crypto");
    if (value == nullptr || !value->is_object())
        return not_a_keystore("\"" + std::string(name) + "\" is missing");
    return &value->get_object();
}

Result<Bytes> hex_at(const json::object& parent, std::string_view name, std::size_t size) {
    const json::value* value = parent.if_contains(name);
    if (value == nullptr || !value->is_string())
        return not_a_keystore("\"" + std::string(name) + "\" is missing");
    const auto& text = value->get_string();
    auto bytes = from_hex({text.data(), text.size()});
    if (!bytes.ok() || (size != 0 && bytes->size() != size) || bytes->size() > 1024)
        return not_a_keystore("\"" + std::string(name) + "\" has the wrong size");
    return bytes;
}

Result<std::uint32_t> number_at(const json::object& parent, std::string_view name) {
    const json::value* value = parent.if_contains(name);
    if (value == nullptr || !value->is_int64() || value->get_int64() < 1 ||
        value->get_int64() > (1 << 24))
        return not_a_keystore("\"" + std::string(name) + "\" is missing or out of range");
    return static_cast<std::uint32_t>(value->get_int64());
}

Status check_text(const json::object& parent, std::string_view name, std::string_view expected) {
    const json::value* value = parent.if_contains(name);
    if (value == nullptr || !value->is_string() || value->get_string() != expected)
        return not_a_keystore("\"" + std::string(name) + "\" is not \"" + std::string(expected) +
                              "\", the only one this build reads");
    return {};
}

Result<Sealed> parse(std::string_view text) {
    if (text.size() > kFileMax) return not_a_keystore("it is too long");
    json::error_code failed;
    json::parse_options options;
    options.max_depth = 8;
    const auto value = json::parse({text.data(), text.size()}, failed, {}, options);
    if (failed || !value.is_object()) return not_a_keystore("it is not JSON");
    const auto& file = value.get_object();
    TRY(auto version, number_at(file, "version"));
    if (version != 3) return not_a_keystore("its version is " + std::to_string(version));
    TRY(auto crypto, object_at(file, "crypto"));
    TRY(auto parameters, object_at(*crypto, "kdfparams"));
    TRY(auto cipher, object_at(*crypto, "cipherparams"));
    TRY_VOID(check_text(*crypto, "cipher", "aes-128-ctr"));
    TRY_VOID(check_text(*crypto, "kdf", "scrypt"));
    Sealed out;
    TRY(out.strength.scrypt_n, number_at(*parameters, "n"));
    TRY(out.strength.scrypt_r, number_at(*parameters, "r"));
    TRY(out.strength.scrypt_p, number_at(*parameters, "p"));
    TRY(auto size, number_at(*parameters, "dklen"));
    if (size != 32) return not_a_keystore("\"dklen\" is not 32");
    // number_at keeps each factor to 24 bits: the first product cannot overflow.
    const std::uint64_t memory = std::uint64_t{128} * out.strength.scrypt_n * out.strength.scrypt_r;
    if (memory > kScryptMemoryMax / out.strength.scrypt_p)
        return not_a_keystore("it asks for more than 256 MiB of scrypt memory or work");
    TRY(out.salt, hex_at(*parameters, "salt", 0));
    TRY(out.iv, hex_at(*cipher, "iv", 16));
    TRY(out.ciphertext, hex_at(*crypto, "ciphertext", 32));
    TRY(out.mac, hex_at(*crypto, "mac", 32));
    return out;
}

std::string random_uuid(Random& random) {
    auto raw = random.fixed<FixedBytes<struct UuidTag, 16>>();
    raw.bytes[6] = static_cast<std::uint8_t>((raw.bytes[6] & 0x0f) | 0x40);
    raw.bytes[8] = static_cast<std::uint8_t>((raw.bytes[8] & 0x3f) | 0x80);
    auto text = raw.hex();
    for (const std::size_t at : {20u, 16u, 12u, 8u}) text.insert(at, "-");
    return text;
}

}  // namespace

std::string write_keystore(const AccountKey& key, std::string_view password, Random& random,
                           const KeystoreStrength& strength) {
    const auto salt = random.fixed<Digest>();
    const auto iv = random.fixed<FixedBytes<struct IvTag, 16>>();
    auto derived = scrypt(password, salt.span(), strength);
    ENSURE(derived.ok(), "the strength asked for is out of range");
    const auto ciphertext = aes_128_ctr(ByteSpan(*derived).first(16), iv.span(), key.secret());
    const json::value file{{"address", key.address().hex()},
                           {"crypto",
                            {{"cipher", "aes-128-ctr"},
                             {"cipherparams", {{"iv", iv.hex()}}},
                             {"ciphertext", to_hex(ciphertext)},
                             {"kdf", "scrypt"},
                             {"kdfparams",
                              {{"dklen", 32},
                               {"n", strength.scrypt_n},
                               {"p", strength.scrypt_p},
                               {"r", strength.scrypt_r},
                               {"salt", salt.hex()}}},
                             {"mac", mac_of(*derived, ciphertext).hex()}}},
                           {"id", random_uuid(random)},
                           {"version", 3}};
    return json::serialize(file);
}

Result<AccountKey> read_keystore(std::string_view text, std::string_view password) {
    TRY(auto sealed, parse(text));
    TRY(auto derived, scrypt(password, sealed.salt, sealed.strength));
    if (!equal_constant_time(mac_of(derived, sealed.ciphertext).span(), sealed.mac))
        return Error{ErrorKind::permission_denied, "wrong password for this wallet"};
    return AccountKey::from_bytes(
        aes_128_ctr(ByteSpan(derived).first(16), sealed.iv, sealed.ciphertext));
}

}  // namespace mutirao::crypto
