#include "crypto/account.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/random.hpp"
#include "crypto/hash.hpp"
#include "crypto/test_vectors.hpp"

namespace mutirao::crypto {
namespace {

const char* const kOrder = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
const char* const kHalfOrder = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";

using Half = FixedBytes<struct SigSTag, 32>;

// The group order less s: the other signature of the same key and hash.
Half order_less(const Half& s) {
    auto out = *Half::from_hex(kOrder);
    int borrow = 0;
    for (std::size_t i = out.bytes.size(); i-- > 0;) {
        const int digit = out.bytes[i] - s.bytes[i] - borrow;
        borrow = digit < 0;
        out.bytes[i] = static_cast<std::uint8_t>(digit);
    }
    return out;
}

TEST(Account, signs_as_ethers_does) {
    const auto file = read_vectors(MUTIRAO_VECTORS "/crypto/accounts.json");
    for (const auto& a : file.at("accounts").as_array()) {
        const auto key = *AccountKey::from_bytes(bytes_at(a, "secret"));
        EXPECT_EQ(to_checksum_text(key.address()), text_at(a, "address"));
        EXPECT_EQ(*address_from_text(text_at(a, "address")), key.address());
        const auto digest = fixed_at<Digest>(a, "digest");
        EXPECT_EQ(key.sign(digest).to_bytes(), bytes_at(a, "digest_signature"));
        const auto personal = personal_message_hash(bytes_at(a, "message"));
        EXPECT_EQ(personal, fixed_at<Digest>(a, "message_hash"));
        EXPECT_EQ(key.sign(personal).to_bytes(), bytes_at(a, "message_signature"));
        const auto signature = *AccountSignature::from_bytes(bytes_at(a, "message_signature"));
        EXPECT_EQ(*recover(personal, signature), key.address());
    }
}

TEST(Account, what_a_key_signs_recovers_to_its_address_with_a_low_s) {
    SeededRandom random(1);
    EXPECT_TRUE(rc::check([&] {
        const auto key = AccountKey::generate(random);
        const auto hash = random.fixed<Digest>();
        const auto signature = key.sign(hash);
        RC_ASSERT(*recover(hash, signature) == key.address());
        RC_ASSERT(signature.s <= *Half::from_hex(kHalfOrder));
        RC_ASSERT(AccountSignature::from_bytes(signature.to_bytes())->to_bytes() ==
                  signature.to_bytes());
    }));
}

TEST(Account, no_flipped_bit_recovers_to_the_signer) {
    SeededRandom random(2);
    const auto key = AccountKey::generate(random);
    const auto hash = random.fixed<Digest>();
    const auto bytes = key.sign(hash).to_bytes();
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        auto changed = bytes;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
        const auto signature = AccountSignature::from_bytes(changed);
        if (!signature.ok()) continue;
        const auto signer = recover(hash, *signature);
        ASSERT_FALSE(signer.ok() && *signer == key.address()) << bit;
    }
    const auto other = recover(random.fixed<Digest>(), key.sign(hash));
    EXPECT_FALSE(other.ok() && *other == key.address());
}

// Without this rule every signature would have a second form, with n - s and the other parity.
TEST(Account, refuses_a_high_s) {
    SeededRandom random(3);
    const auto key = AccountKey::generate(random);
    const auto hash = random.fixed<Digest>();
    auto signature = key.sign(hash);
    signature.s = order_less(signature.s);
    signature.y_parity ^= 1;
    EXPECT_EQ(recover(hash, signature).error().kind, ErrorKind::permission_denied);
}

TEST(Account, refuses_signatures_out_of_range) {
    SeededRandom random(4);
    const auto hash = random.fixed<Digest>();
    const auto good = AccountKey::generate(random).sign(hash);
    const auto refused = [&](auto change) {
        auto signature = good;
        change(signature);
        return recover(hash, signature).error().kind == ErrorKind::permission_denied;
    };
    EXPECT_TRUE(refused([](auto& s) { s.r = {}; }));
    EXPECT_TRUE(refused([](auto& s) { s.s = {}; }));
    EXPECT_TRUE(refused([](auto& s) { s.r.bytes.fill(0xff); }));
    EXPECT_TRUE(refused([](auto& s) { s.s.bytes.fill(0xff); }));
    EXPECT_TRUE(refused([](auto& s) { s.r = *decltype(s.r)::from_hex(kOrder); }));
    EXPECT_TRUE(refused([](auto& s) { s.y_parity = 2; }));
    auto bytes = good.to_bytes();
    bytes.back() = 27;
    EXPECT_EQ(AccountSignature::from_bytes(bytes).error().kind, ErrorKind::corrupt);
    EXPECT_FALSE(AccountSignature::from_bytes(ByteSpan(bytes).first(64)).ok());
    bytes.push_back(0);
    EXPECT_FALSE(AccountSignature::from_bytes(bytes).ok());
}

TEST(Account, secret_keys_are_between_zero_and_the_group_order) {
    auto last = *from_hex(kOrder);
    last.back() -= 1;
    EXPECT_TRUE(AccountKey::from_bytes(last).ok());
    for (const auto& wrong :
         {*from_hex(kOrder), Bytes(32), Bytes(32, 0xff), Bytes(31, 1), Bytes(33, 1), Bytes{}})
        EXPECT_EQ(AccountKey::from_bytes(wrong).error().kind, ErrorKind::invalid_argument);
}

// The examples of EIP-55.
TEST(AddressText, has_the_checksum_of_eip_55) {
    for (const std::string text : {"0x52908400098527886E0F7030069857D2E4169EE7",
                                   "0xde709f2102306220921060314715629080e2fb77",
                                   "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
                                   "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
                                   "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
                                   "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"})
        EXPECT_EQ(to_checksum_text(*address_from_text(text)), text);
}

TEST(AddressText, reads_one_case_without_a_checksum_and_refuses_a_wrong_one) {
    const std::string text = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
    std::string lower = text, upper = text;
    for (std::size_t i = 2; i < text.size(); ++i) {
        lower[i] = static_cast<char>(std::tolower(text[i]));
        upper[i] = static_cast<char>(std::toupper(text[i]));
    }
    EXPECT_EQ(*address_from_text(lower), *address_from_text(text));
    EXPECT_EQ(*address_from_text(upper), *address_from_text(text));
    for (std::size_t i = 2; i < text.size(); ++i) {
        auto typo = text;
        typo[i] = text[i] == lower[i] ? upper[i] : lower[i];
        if (typo == text) continue;  // a digit
        EXPECT_EQ(address_from_text(typo).error().kind, ErrorKind::invalid_argument) << typo;
    }
    for (const std::string& wrong : {std::string(), std::string("0x"), text.substr(2), text + "0",
                                     text.substr(0, 41), "0x" + std::string(40, 'g')})
        EXPECT_EQ(address_from_text(wrong).error().kind, ErrorKind::invalid_argument) << wrong;
}

}  // namespace
}  // namespace mutirao::crypto
