#include "rights/key_request.hpp"

#include <gtest/gtest.h>

#include "base/codec.hpp"
#include "base/random.hpp"

namespace mutirao::rights {
namespace {

constexpr std::uint64_t kNow = 1'800'000'000'000;

struct Fixture {
    Fixture() {
        request.content = random.fixed<Digest>();
        request.run = random.fixed<Digest>();
        request.reply_to = random.fixed<crypto::BoxPublicKey>();
        request.expires_unix_ms = kNow + 1000;
        request.sign(key);
    }
    SeededRandom random{4};
    crypto::AccountKey key = crypto::AccountKey::generate(random);
    KeyRequest request;
};

// What a wallet is asked to sign, byte by byte: SDKs build the same.
TEST(KeyRequest, is_signed_as_a_personal_message_under_its_own_name) {
    Fixture f;
    Writer out;
    out.raw(as_bytes("mutirao v1 key request")).u(std::uint8_t{1});
    out.raw(f.request.content.span()).raw(f.key.address().span()).raw(f.request.run.span());
    out.raw(f.request.reply_to.span()).u(kNow + 1000);
    const auto hash = crypto::personal_message_hash(out.bytes());
    EXPECT_EQ(crypto::recover(hash, f.request.signature).value(), f.key.address());
    EXPECT_EQ(f.request.requester, f.key.address());
}

TEST(KeyRequest, is_valid_from_now_until_it_expires_and_for_ten_minutes_at_most) {
    Fixture f;
    const auto valid = [&](std::uint64_t now) { return f.request.verify(now).ok(); };
    const auto expires = f.request.expires_unix_ms;
    EXPECT_TRUE(valid(expires - 1));
    EXPECT_FALSE(valid(expires));
    EXPECT_TRUE(valid(expires - kRequestLifeMaxMs));
    EXPECT_FALSE(valid(expires - kRequestLifeMaxMs - 1));
    EXPECT_FALSE(valid(0));
    EXPECT_FALSE(valid(~std::uint64_t{0}));
}

TEST(KeyRequest, signed_by_another_key_is_refused_and_the_named_requester_said) {
    Fixture f;
    const auto other = crypto::AccountKey::generate(f.random);
    f.request.sign(other);
    f.request.requester = f.key.address();
    const auto status = f.request.verify(kNow);
    EXPECT_EQ(status.error().kind, ErrorKind::permission_denied);
    EXPECT_NE(status.error().message.find(crypto::to_checksum_text(f.key.address())),
              std::string::npos);
}

TEST(KeyRequest, every_field_is_part_of_its_name) {
    Fixture f;
    const auto name = f.request.digest();
    const auto renamed = [&](auto change) {
        auto other = f.request;
        change(other);
        return other.digest() != name;
    };
    EXPECT_TRUE(renamed([](KeyRequest& r) { r.action = KeyAction::forget; }));
    EXPECT_TRUE(renamed([](KeyRequest& r) { r.content.bytes[31] ^= 1; }));
    EXPECT_TRUE(renamed([](KeyRequest& r) { r.requester.bytes[0] ^= 1; }));
    EXPECT_TRUE(renamed([](KeyRequest& r) { r.run.bytes[0] ^= 1; }));
    EXPECT_TRUE(renamed([](KeyRequest& r) { r.reply_to.bytes[0] ^= 1; }));
    EXPECT_TRUE(renamed([](KeyRequest& r) { r.expires_unix_ms ^= 1; }));
    EXPECT_FALSE(renamed([](KeyRequest& r) { r.signature.r.bytes[0] ^= 1; }));
}

TEST(KeyRequest, has_one_encoding) {
    Fixture f;
    auto bytes = f.request.encode();
    const auto decoded = KeyRequest::decode(bytes).value();
    EXPECT_EQ(decoded.encode(), bytes);
    EXPECT_TRUE(decoded.verify(kNow).ok());
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(KeyRequest::decode(ByteSpan(bytes).first(size)).ok());
    for (const std::uint8_t action : {0, 3, 255}) {
        bytes[0] = action;
        EXPECT_EQ(KeyRequest::decode(bytes).error().kind, ErrorKind::corrupt);
    }
    bytes[0] = 1;
    bytes.push_back(0);
    EXPECT_FALSE(KeyRequest::decode(bytes).ok());
}

}  // namespace
}  // namespace mutirao::rights
