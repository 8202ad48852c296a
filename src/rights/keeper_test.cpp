// What owners, licensees and strangers get from a keeper, also after crashes.
#include "rights/keeper.hpp"

#include <gtest/gtest.h>
#include <thread>

#include "base/memory_disk.hpp"
#include "base/random.hpp"
#include "crypto/aead.hpp"

namespace mutirao::rights {
namespace {

constexpr std::uint64_t kNow = 1'800'000'000'000;
constexpr std::uint64_t kSoon = kNow + 60'000;

// One licence at most, which can be revoked.
class OneLicence final : public Licences {
  public:
    Status may_read(const Digest&, const Address&, const Address& requester,
                    const Digest& run) override {
        ++asked;
        if (requester != licensee || run != licensed_run)
            return Error{ErrorKind::permission_denied, "there is no licence for this run"};
        if (revoked) return Error{ErrorKind::permission_denied, "the licence was revoked"};
        return {};
    }
    Address licensee;
    Digest licensed_run;
    bool revoked = false;
    int asked = 0;
};

struct Fixture {
    Fixture() {
        licences.licensee = licensee.address();
        licences.licensed_run = random.fixed<Digest>();
        share.manifest = to_bytes(as_bytes("a manifest"));
        share.content = crypto::blake3_keyed(crypto::domain_key("manifest"), share.manifest);
        share.owner = owner.address();
        share.threshold = 2;
        share.share = crypto::split_key(random.fixed<crypto::Key>(), 2, 3, random).value()[1];
        restart();
    }
    void restart() {
        keeper.reset();
        keeper = Keeper::open(disk, random, licences).value();
    }
    KeyRequest request(const crypto::AccountKey& by, const Digest& run = {},
                       KeyAction action = KeyAction::release) {
        KeyRequest out;
        out.action = action;
        out.content = share.content;
        out.run = run;
        out.reply_to = box.public_key();
        out.expires_unix_ms = kSoon + ++requests;  // each is another request
        out.sign(by);
        return out;
    }

    SeededRandom random{5};
    crypto::AccountKey owner = crypto::AccountKey::generate(random);
    crypto::AccountKey licensee = crypto::AccountKey::generate(random);
    crypto::AccountKey stranger = crypto::AccountKey::generate(random);
    crypto::BoxSecretKey box = crypto::BoxSecretKey::generate(random);
    OneLicence licences;
    KeptShare share;
    MemoryDisk disk;
    std::unique_ptr<Keeper> keeper;
    std::uint64_t requests = 0;
};

TEST(Keeper, releases_the_share_to_its_owner_sealed_and_counts_it) {
    Fixture f;
    ASSERT_TRUE(f.keeper->keep(f.share).ok());
    EXPECT_EQ(f.keeper->manifest(f.share.content).value(), f.share.manifest);
    const auto request = f.request(f.owner);
    const auto released = f.keeper->release(request, kNow).value();
    EXPECT_EQ(released.index, f.share.share.index);
    EXPECT_EQ(released.threshold, 2);
    EXPECT_EQ(open_share(released, request, f.box).value(), f.share.share);
    EXPECT_EQ(f.keeper->releases(f.share.content), 1u);
    EXPECT_EQ(f.licences.asked, 0);
}

TEST(Keeper, only_the_named_reader_opens_the_share_and_only_for_that_request) {
    Fixture f;
    ASSERT_TRUE(f.keeper->keep(f.share).ok());
    const auto request = f.request(f.owner);
    auto released = f.keeper->release(request, kNow).value();
    const auto other_box = crypto::BoxSecretKey::generate(f.random);
    EXPECT_EQ(open_share(released, request, other_box).error().kind, ErrorKind::permission_denied);
    EXPECT_EQ(open_share(released, f.request(f.owner), f.box).error().kind,
              ErrorKind::permission_denied);
    released.index ^= 1;
    EXPECT_EQ(open_share(released, request, f.box).error().kind, ErrorKind::corrupt);
}

TEST(Keeper, releases_to_the_licensee_of_the_run_until_the_licence_is_revoked) {
    Fixture f;
    ASSERT_TRUE(f.keeper->keep(f.share).ok());
    const auto request = f.request(f.licensee, f.licences.licensed_run);
    const auto released = f.keeper->release(request, kNow).value();
    EXPECT_EQ(open_share(released, request, f.box).value(), f.share.share);
    f.licences.revoked = true;
    const auto refused = f.keeper->release(f.request(f.licensee, f.licences.licensed_run), kNow);
    EXPECT_EQ(refused.error(), (Error{ErrorKind::permission_denied, "the licence was revoked"}));
    EXPECT_EQ(f.keeper->releases(f.share.content), 1u);
}

TEST(Keeper, refuses_whoever_is_neither_owner_nor_licensed) {
    Fixture f;
    ASSERT_TRUE(f.keeper->keep(f.share).ok());
    const auto other_run = f.random.fixed<Digest>();
    for (const auto& request :
         {f.request(f.licensee, other_run), f.request(f.stranger, f.licences.licensed_run)})
        EXPECT_EQ(f.keeper->release(request, kNow).error().kind, ErrorKind::permission_denied);
    EXPECT_EQ(f.licences.asked, 2);
    // Without a run nobody but the owner is served, whatever the ledger would say.
    f.licences.licensed_run = {};
    for (const auto& request : {f.request(f.licensee), f.request(f.stranger)})
        EXPECT_EQ(f.keeper->release(request, kNow).error().kind, ErrorKind::permission_denied);
    EXPECT_EQ(f.licences.asked, 2);
    EXPECT_EQ(f.keeper->releases(f.share.content), 0u);
}

TEST(Keeper, refuses_expired_and_too_long_requests) {
    Fixture f;
    ASSERT_TRUE(f.keeper->keep(f.share).ok());
    auto request = f.request(f.owner);
    EXPECT_EQ(f.keeper->release(request, request.expires_unix_ms).error().kind,
              ErrorKind::permission_denied);
    EXPECT_EQ(f.keeper->release(request, request.expires_unix_ms + 1).error().kind,
              ErrorKind::permission_denied);
    request.expires_unix_ms = kNow + kRequestLifeMaxMs + 1;
    request.sign(f.owner);
    EXPECT_EQ(f.keeper->release(request, kNow).error().kind, ErrorKind::permission_denied);
    EXPECT_TRUE(f.keeper->release(request, kNow + 1).ok());
}

TEST(Keeper, answers_a_request_once_also_after_a_restart) {
    Fixture f;
    ASSERT_TRUE(f.keeper->keep(f.share).ok());
    const auto request = f.request(f.owner);
    ASSERT_TRUE(f.keeper->release(request, kNow).ok());
    EXPECT_EQ(f.keeper->release(request, kNow).error().kind, ErrorKind::already_exists);
    f.disk.restart();
    f.restart();
    EXPECT_EQ(f.keeper->release(request, kNow + 1).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(f.keeper->releases(f.share.content), 1u);
    EXPECT_TRUE(f.keeper->release(f.request(f.owner), kNow).ok());
}

TEST(Keeper, refuses_a_request_with_any_byte_changed) {
    Fixture f;
    ASSERT_TRUE(f.keeper->keep(f.share).ok());
    const auto good = f.request(f.owner).encode();
    for (std::size_t at = 0; at < good.size(); ++at) {
        auto bytes = good;
        bytes[at] ^= 1;
        const auto changed = KeyRequest::decode(bytes);
        EXPECT_TRUE(!changed.ok() || !f.keeper->release(*changed, kNow).ok()) << "byte " << at;
    }
    EXPECT_EQ(f.keeper->releases(f.share.content), 0u);
    EXPECT_TRUE(f.keeper->release(KeyRequest::decode(good).value(), kNow).ok());
}

TEST(Keeper, a_low_order_reply_key_is_refused_and_not_counted) {
    Fixture f;
    ASSERT_TRUE(f.keeper->keep(f.share).ok());
    auto request = f.request(f.owner);
    request.reply_to = {};
    request.sign(f.owner);
    EXPECT_EQ(f.keeper->release(request, kNow).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(f.keeper->releases(f.share.content), 0u);
}

TEST(Keeper, keeps_the_same_again_and_nothing_else_for_that_content) {
    Fixture f;
    ASSERT_TRUE(f.keeper->keep(f.share).ok());
    EXPECT_TRUE(f.keeper->keep(f.share).ok());
    auto other = f.share;
    other.owner = f.stranger.address();
    EXPECT_EQ(f.keeper->keep(other).error().kind, ErrorKind::already_exists);
    other = f.share;
    other.share.bytes[0] ^= 1;
    EXPECT_EQ(f.keeper->keep(other).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(
        open_share(f.keeper->release(f.request(f.owner), kNow).value(), f.request(f.owner), f.box)
            .error()
            .kind,
        ErrorKind::permission_denied);  // sealed for another request
}

TEST(Keeper, keeps_many_at_once_through_a_restart) {
    Fixture f;
    std::vector<KeptShare> shares;
    for (int i = 0; i < 100; ++i) {
        auto share = f.share;
        share.manifest = to_bytes(as_bytes("manifest " + std::to_string(i)));
        share.content = crypto::blake3_keyed(crypto::domain_key("manifest"), share.manifest);
        shares.push_back(share);
    }
    const auto before = f.disk.syncs();
    ASSERT_TRUE(f.keeper->keep_all(shares).ok());
    EXPECT_EQ(f.disk.syncs(), before + 1);
    f.restart();
    for (const auto& share : shares)
        EXPECT_EQ(f.keeper->manifest(share.content).value(), share.manifest);
    EXPECT_TRUE(f.keeper->keep_all(shares).ok());  // again
    shares.front().threshold = 3;
    EXPECT_EQ(f.keeper->keep_all(shares).error().kind, ErrorKind::already_exists);
    shares.front().threshold = 0;
    EXPECT_EQ(f.keeper->keep_all(shares).error().kind, ErrorKind::invalid_argument);
}

TEST(Keeper, refuses_shares_that_are_not_whole) {
    Fixture f;
    auto share = f.share;
    share.manifest.push_back(0);
    EXPECT_EQ(f.keeper->keep(share).error().kind, ErrorKind::invalid_argument);
    share = f.share;
    share.manifest.clear();
    EXPECT_EQ(f.keeper->keep(share).error().kind, ErrorKind::invalid_argument);
    share = f.share;
    share.threshold = 0;
    EXPECT_EQ(f.keeper->keep(share).error().kind, ErrorKind::invalid_argument);
    share = f.share;
    share.share.index = 0;
    EXPECT_EQ(f.keeper->keep(share).error().kind, ErrorKind::invalid_argument);
    share = f.share;
    share.manifest.assign(kManifestSizeMax, 7);
    share.content = crypto::blake3_keyed(crypto::domain_key("manifest"), share.manifest);
    EXPECT_TRUE(f.keeper->keep(share).ok());
    EXPECT_EQ(f.keeper->manifest(share.content).value().size(), kManifestSizeMax);
    share.manifest.push_back(7);
    share.content = crypto::blake3_keyed(crypto::domain_key("manifest"), share.manifest);
    EXPECT_EQ(f.keeper->keep(share).error().kind, ErrorKind::invalid_argument);
}

TEST(Keeper, says_which_content_it_does_not_keep) {
    Fixture f;
    const auto manifest = f.keeper->manifest(f.share.content);
    const auto released = f.keeper->release(f.request(f.owner), kNow);
    for (const auto* error : {&manifest.error(), &released.error()}) {
        EXPECT_EQ(error->kind, ErrorKind::not_found);
        EXPECT_NE(error->message.find(f.share.content.hex()), std::string::npos);
    }
}

TEST(Keeper, forgets_at_the_owners_word_only) {
    Fixture f;
    ASSERT_TRUE(f.keeper->keep(f.share).ok());
    EXPECT_EQ(f.keeper->forget(f.request(f.stranger, {}, KeyAction::forget), kNow).error().kind,
              ErrorKind::permission_denied);
    EXPECT_EQ(
        f.keeper->forget(f.request(f.licensee, f.licences.licensed_run, KeyAction::forget), kNow)
            .error()
            .kind,
        ErrorKind::permission_denied);
    const auto request = f.request(f.owner, {}, KeyAction::forget);
    EXPECT_EQ(f.keeper->release(request, kNow).error().kind, ErrorKind::permission_denied);
    EXPECT_TRUE(f.keeper->forget(request, kNow).ok());
    f.restart();
    EXPECT_EQ(f.keeper->manifest(f.share.content).error().kind, ErrorKind::not_found);
    EXPECT_EQ(f.keeper->releases(f.share.content), 0u);
    // Kept again, the old request does not remove it again.
    ASSERT_TRUE(f.keeper->keep(f.share).ok());
    EXPECT_EQ(f.keeper->forget(request, kNow).error().kind, ErrorKind::already_exists);
    EXPECT_TRUE(f.keeper->manifest(f.share.content).ok());
}

// A keeper that was asked for its share could else pass the request on to make others forget.
TEST(Keeper, a_request_to_release_never_makes_it_forget) {
    Fixture f;
    ASSERT_TRUE(f.keeper->keep(f.share).ok());
    auto request = f.request(f.owner);
    EXPECT_EQ(f.keeper->forget(request, kNow).error().kind, ErrorKind::permission_denied);
    request.action = KeyAction::forget;
    EXPECT_EQ(f.keeper->forget(request, kNow).error().kind, ErrorKind::permission_denied);
    EXPECT_TRUE(f.keeper->manifest(f.share.content).ok());
}

TEST(Keeper, nothing_leaves_that_was_not_written_down) {
    Fixture f;
    ASSERT_TRUE(f.keeper->keep(f.share).ok());
    f.disk.fail_syncs(true);
    const auto request = f.request(f.owner);
    EXPECT_EQ(f.keeper->release(request, kNow).error().kind, ErrorKind::io);
    f.disk.fail_syncs(false);
    f.disk.set_capacity(f.disk.bytes_stored() + 20);
    EXPECT_EQ(f.keeper->release(request, kNow).error().kind, ErrorKind::resource_exhausted);
    EXPECT_EQ(f.keeper->releases(f.share.content), 0u);
    f.disk.set_capacity(~std::uint64_t{0});
    EXPECT_TRUE(f.keeper->release(request, kNow).ok());
    f.restart();
    EXPECT_EQ(f.keeper->releases(f.share.content), 1u);
}

TEST(Keeper, survives_a_power_cut_at_every_byte) {
    std::uint64_t total = 0;
    for (std::uint64_t cut = 0; cut == 0 || cut <= total; ++cut) {
        Fixture f;
        const auto start = f.disk.bytes_written();
        if (cut > 0) f.disk.cut_power_after_bytes(cut - 1);
        const auto first = f.request(f.owner), second = f.request(f.owner);
        const bool kept = f.keeper->keep(f.share).ok();
        std::uint64_t answered = f.keeper->release(first, kNow).ok();
        answered += f.keeper->release(second, kNow).ok();
        if (cut == 0) total = f.disk.bytes_written() - start;
        f.disk.restart(cut % 3 == 0 ? 0 : ~std::uint64_t{0});
        f.restart();
        // What was on its way when the power went may be there or not.
        if (kept) {
            EXPECT_TRUE(f.keeper->manifest(f.share.content).ok()) << "cut " << cut;
        }
        EXPECT_EQ(f.keeper->releases(f.share.content), answered) << "cut " << cut;
        ASSERT_TRUE(f.keeper->keep(f.share).ok());
        EXPECT_TRUE(f.keeper->release(f.request(f.owner), kNow).ok());
        f.restart();
        EXPECT_EQ(f.keeper->releases(f.share.content), answered + 1) << "cut " << cut;
    }
    EXPECT_GT(total, 300u);
}

TEST(Keeper, a_damaged_share_is_reported_and_can_be_kept_again) {
    const std::string path = "keys/shares.log";
    Fixture whole;
    ASSERT_TRUE(whole.keeper->keep(whole.share).ok());
    const auto size = whole.disk.read_file(path, 1 << 20).value().size();
    for (std::uint64_t byte = 0; byte < size; ++byte) {
        Fixture f;
        ASSERT_TRUE(f.keeper->keep(f.share).ok());
        ASSERT_TRUE(f.disk.flip_bit(path, byte * 8 + byte % 8));
        EXPECT_EQ(f.keeper->release(f.request(f.owner), kNow).error().kind, ErrorKind::corrupt);
        ASSERT_TRUE(f.keeper->keep(f.share).ok());
        EXPECT_TRUE(f.keeper->release(f.request(f.owner), kNow).ok());
        f.restart();
        EXPECT_TRUE(f.keeper->release(f.request(f.owner), kNow).ok()) << byte;
    }
}

TEST(Keeper, a_damaged_share_costs_only_itself_when_the_log_is_read_again) {
    const std::string path = "keys/shares.log";
    Fixture f;
    ASSERT_TRUE(f.keeper->keep(f.share).ok());
    const auto first = f.disk.read_file(path, 1 << 20).value().size();
    auto other = f.share;
    other.manifest.push_back(9);
    other.content = crypto::blake3_keyed(crypto::domain_key("manifest"), other.manifest);
    ASSERT_TRUE(f.keeper->keep(other).ok());
    for (std::uint64_t byte = 0; byte < first; ++byte) {
        ASSERT_TRUE(f.disk.flip_bit(path, byte * 8 + 3));
        f.restart();
        EXPECT_FALSE(f.keeper->manifest(f.share.content).ok());
        EXPECT_EQ(f.keeper->manifest(other.content).value(), other.manifest) << byte;
        ASSERT_TRUE(f.disk.flip_bit(path, byte * 8 + 3));
    }
}

TEST(Keeper, a_forgotten_share_leaves_no_bytes_behind) {
    Fixture f;
    ASSERT_TRUE(f.keeper->keep(f.share).ok());
    auto request = f.request(f.owner);
    request.action = KeyAction::forget;
    request.sign(f.owner);
    ASSERT_TRUE(f.keeper->forget(request, kNow).ok());
    const auto bytes = f.disk.read_file("keys/shares.log", 1 << 20).value();
    const auto& secret = f.share.share.bytes;
    EXPECT_EQ(std::search(bytes.begin(), bytes.end(), secret.begin(), secret.end()), bytes.end());
    f.restart();
    EXPECT_EQ(f.keeper->manifest(f.share.content).error().kind, ErrorKind::not_found);
    EXPECT_TRUE(f.keeper->keep(f.share).ok());
}

TEST(Keeper, a_damaged_log_entry_costs_only_itself) {
    Fixture f;
    ASSERT_TRUE(f.keeper->keep(f.share).ok());
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(f.keeper->release(f.request(f.owner), kNow).ok());
    const auto size = f.disk.read_file("answers.log", 1 << 20).value().size();
    ASSERT_TRUE(f.disk.flip_bit("answers.log", size / 2 * 8));
    f.restart();
    EXPECT_EQ(f.keeper->releases(f.share.content), 2u);
}

TEST(Keeper, two_readers_at_once_each_get_their_share) {
    Fixture f;
    ASSERT_TRUE(f.keeper->keep(f.share).ok());
    std::vector<KeyRequest> requests;
    for (int i = 0; i < 16; ++i) requests.push_back(f.request(f.owner));
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (int i = t; i < 16; i += 4) {
                const auto released = f.keeper->release(requests[i], kNow);
                EXPECT_EQ(open_share(released.value(), requests[i], f.box).value(), f.share.share);
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(f.keeper->releases(f.share.content), 16u);
}

TEST(KeptShare, has_one_encoding) {
    Fixture f;
    auto bytes = f.share.encode();
    EXPECT_EQ(KeptShare::decode(bytes).value(), f.share);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(KeptShare::decode(ByteSpan(bytes).first(size)).ok());
    bytes.push_back(0);
    EXPECT_FALSE(KeptShare::decode(bytes).ok());
}

}  // namespace
}  // namespace mutirao::rights
