#include "crypto/keystore.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "crypto/test_vectors.hpp"

namespace mutirao::crypto {
namespace {

namespace json = boost::json;

const KeystoreStrength kWeak{.scrypt_n = 2, .scrypt_r = 1, .scrypt_p = 1};

ErrorKind kind_of(const Result<AccountKey>& result) {
    EXPECT_FALSE(result.ok());
    return result.error().kind;
}

// A wallet file as a JSON tree, to be broken in one place.
json::value wallet() {
    SeededRandom random(1);
    return json::parse(write_keystore(AccountKey::generate(random), "secret", random, kWeak));
}

TEST(Keystore, reads_the_file_that_ethers_writes) {
    const auto file = read_vectors(MUTIRAO_VECTORS "/crypto/accounts.json");
    const auto& known = file.at("wallet");
    const auto key = read_keystore(text_at(known, "keystore"), text_at(known, "password"));
    ASSERT_TRUE(key.ok()) << key.error().message;
    EXPECT_EQ(to_bytes(key->secret()), bytes_at(known, "secret"));
}

TEST(Keystore, gives_back_the_key_for_its_password_only) {
    SeededRandom random(2);
    const auto key = AccountKey::generate(random);
    for (const std::string password : {"", "secret", "sécrét \n 日本"}) {
        const auto text = write_keystore(key, password, random, kWeak);
        EXPECT_EQ(read_keystore(text, password)->address(), key.address());
        const auto wrong = read_keystore(text, password + "x");
        EXPECT_EQ(kind_of(wrong), ErrorKind::permission_denied);
        EXPECT_NE(wrong.error().message.find("wrong password"), std::string::npos);
    }
}

TEST(Keystore, writes_the_members_that_other_wallets_look_for) {
    SeededRandom random(3);
    const auto key = AccountKey::generate(random);
    const auto file = json::parse(
        write_keystore(key, "p", random, {.scrypt_n = 1024, .scrypt_r = 8, .scrypt_p = 1}));
    EXPECT_EQ(file.at("version"), 3);
    EXPECT_EQ(text_at(file, "address"), key.address().hex());
    const auto& crypto = file.at("crypto");
    EXPECT_EQ(text_at(crypto, "cipher"), "aes-128-ctr");
    EXPECT_EQ(text_at(crypto, "kdf"), "scrypt");
    const auto& parameters = crypto.at("kdfparams");
    EXPECT_EQ(parameters.at("n"), 1024);
    EXPECT_EQ(parameters.at("r"), 8);
    EXPECT_EQ(parameters.at("p"), 1);
    EXPECT_EQ(parameters.at("dklen"), 32);
    EXPECT_EQ(text_at(file, "id").size(), 36u);
    EXPECT_EQ(text_at(file, "id")[14], '4');  // a random UUID
}

TEST(Keystore, never_repeats_its_salt) {
    SeededRandom random(4);
    const auto key = AccountKey::generate(random);
    EXPECT_NE(write_keystore(key, "p", random, kWeak), write_keystore(key, "p", random, kWeak));
}

TEST(Keystore, notices_every_changed_byte_of_what_it_protects) {
    const auto original = wallet();
    for (const char* name : {"ciphertext", "mac"}) {
        auto file = original;
        auto& text = file.at("crypto").at(name).as_string();
        for (auto& digit : text) {
            const char kept = digit;
            digit = kept == '0' ? '1' : '0';
            EXPECT_EQ(kind_of(read_keystore(json::serialize(file), "secret")),
                      ErrorKind::permission_denied);
            digit = kept;
        }
        EXPECT_TRUE(read_keystore(json::serialize(file), "secret").ok());
    }
}

TEST(Keystore, refuses_a_file_without_any_one_member_that_counts) {
    const auto refused = [](const json::value& file) {
        return kind_of(read_keystore(json::serialize(file), "secret")) == ErrorKind::corrupt;
    };
    auto file = wallet();
    file.as_object().erase("version");
    EXPECT_TRUE(refused(file));
    for (const char* name : {"cipher", "cipherparams", "ciphertext", "kdf", "kdfparams", "mac"}) {
        auto part = wallet();
        part.at("crypto").as_object().erase(name);
        EXPECT_TRUE(refused(part)) << name;
        part.at("crypto").as_object()[name] = 7;
        EXPECT_TRUE(refused(part)) << name;
    }
    for (const char* name : {"n", "r", "p", "dklen", "salt"}) {
        auto part = wallet();
        part.at("crypto").at("kdfparams").as_object().erase(name);
        EXPECT_TRUE(refused(part)) << name;
        part.at("crypto").at("kdfparams").as_object()[name] = "zz";
        EXPECT_TRUE(refused(part)) << name;
    }
}

TEST(Keystore, refuses_what_is_no_keystore) {
    for (const std::string text : {"", "{}", "[]", "null", "3", "{\"version\":3}",
                                   "{\"version\":3,\"crypto\":[]}", "not json"})
        EXPECT_EQ(kind_of(read_keystore(text, "")), ErrorKind::corrupt) << text;
    EXPECT_EQ(kind_of(read_keystore(std::string(100'000, '['), "")), ErrorKind::corrupt);
    EXPECT_EQ(kind_of(read_keystore(std::string(1'000, '['), "")), ErrorKind::corrupt);
    auto file = wallet();
    file.at("version") = 1;
    EXPECT_EQ(kind_of(read_keystore(json::serialize(file), "secret")), ErrorKind::corrupt);
    file = wallet();
    file.at("crypto").at("kdf") = "pbkdf2";
    const auto other_kdf = read_keystore(json::serialize(file), "secret");
    EXPECT_EQ(kind_of(other_kdf), ErrorKind::corrupt);
    EXPECT_NE(other_kdf.error().message.find("scrypt"), std::string::npos);
}

// What a hostile file may ask for is refused before any memory is touched.
TEST(Keystore, refuses_scrypt_parameters_out_of_bounds) {
    struct Parameters {
        double n, r, p;
    };
    for (const auto& [n, r, p] : {Parameters{1 << 19, 8, 1},
                                  {1 << 18, 8, 2},
                                  {1 << 24, 8, 1},
                                  {2, 1 << 24, 1},
                                  {2, 1, 1 << 24},
                                  {1 << 24, 1 << 24, 1 << 24},
                                  {1e18, 8, 1},
                                  {3, 8, 1},
                                  {1, 8, 1},
                                  {0, 8, 1},
                                  {-2, 8, 1},
                                  {1024, 0, 1},
                                  {1024, 8, 0},
                                  {1024, 8, -1}}) {
        auto file = wallet();
        auto& parameters = file.at("crypto").at("kdfparams").as_object();
        parameters["n"] = static_cast<std::int64_t>(n);
        parameters["r"] = static_cast<std::int64_t>(r);
        parameters["p"] = static_cast<std::int64_t>(p);
        EXPECT_EQ(kind_of(read_keystore(json::serialize(file), "secret")), ErrorKind::corrupt)
            << n << " " << r << " " << p;
    }
    auto file = wallet();
    file.at("crypto").at("kdfparams").at("n") = 1024.5;
    EXPECT_EQ(kind_of(read_keystore(json::serialize(file), "secret")), ErrorKind::corrupt);
    file = wallet();
    file.at("crypto").at("kdfparams").at("dklen") = 64;
    EXPECT_EQ(kind_of(read_keystore(json::serialize(file), "secret")), ErrorKind::corrupt);
}

}  // namespace
}  // namespace mutirao::crypto
