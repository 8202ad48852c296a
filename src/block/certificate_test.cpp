#include "block/certificate.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <set>

#include "base/random.hpp"

namespace mutirao::block {
namespace {

Certificate certificate(std::uint64_t seed, std::uint32_t members = 100) {
    SeededRandom random(seed);
    Certificate out;
    out.id = random.fixed<BlockId>();
    out.header_digest = random.fixed<Digest>();
    out.commitment = random.fixed<crypto::KzgCommitment>();
    out.length = random.next_u64();
    out.epoch = random.next_u64();
    out.signers.resize((members + 7) / 8);
    random.fill(out.signers);
    out.signature = random.fixed<crypto::BlsSignature>();
    return out;
}

RC_GTEST_PROP(Certificate, comes_back_from_its_encoding, (std::uint64_t seed)) {
    const auto members = *rc::gen::inRange<std::uint32_t>(0, kMembersMax + 1);
    const auto written = certificate(seed, members);
    RC_ASSERT(written.encode().size() == 182 + written.signers.size());
    RC_ASSERT(Certificate::decode(written.encode()).value() == written);
}

TEST(Certificate, of_a_hundred_nodes_is_about_200_bytes) {
    EXPECT_EQ(certificate(1, 100).encode().size(), 195u);
}

TEST(Certificate, anything_but_its_encoding_is_refused) {
    auto bytes = certificate(2).encode();
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_EQ(Certificate::decode(ByteSpan(bytes).first(size)).error().kind,
                  ErrorKind::corrupt);
    bytes.push_back(0);
    EXPECT_FALSE(Certificate::decode(bytes).ok()) << "trailing byte";
    bytes.pop_back();
    bytes[0] = 2;
    EXPECT_FALSE(Certificate::decode(bytes).ok()) << "version";
    EXPECT_TRUE(Certificate::decode(certificate(3, kMembersMax).encode()).ok());
    EXPECT_FALSE(Certificate::decode(certificate(3, kMembersMax + 1).encode()).ok()) << "members";
}

TEST(SignerBitmap, gives_back_the_members_it_was_made_of) {
    SeededRandom random(4);
    for (std::uint32_t members = 1; members <= 70; ++members) {
        std::set<std::uint32_t> chosen;
        for (std::uint32_t i = 0; i < members; ++i)
            if (random.below(2) == 0) chosen.insert(i);
        const std::vector<std::uint32_t> signers(chosen.begin(), chosen.end());
        Certificate certificate;
        certificate.signers = signer_bitmap(members, signers);
        EXPECT_EQ(signers_in(certificate.signers, members).value(), signers);
        for (std::uint32_t i = 0; i < members + 20; ++i)
            EXPECT_EQ(certificate.signed_by(i), chosen.contains(i)) << members << ' ' << i;
    }
}

TEST(SignerBitmap, of_another_size_or_with_bits_past_the_end_is_refused) {
    EXPECT_EQ(signers_in(Bytes{0xff}, 9).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(signers_in(Bytes{0xff, 0}, 8).error().kind, ErrorKind::corrupt);
    EXPECT_TRUE(signers_in(Bytes{0xff, 1}, 9).ok());
    EXPECT_EQ(signers_in(Bytes{0xff, 2}, 9).error().kind, ErrorKind::corrupt);
    EXPECT_TRUE(signers_in({}, 0).value().empty());
}

TEST(AvailabilityMessage, binds_chain_and_every_field_that_the_ledger_relies_on) {
    const auto base = certificate(5);
    std::set<Bytes> messages{availability_message(8021, base), availability_message(8022, base)};
    const auto add = [&](auto change) {
        auto other = base;
        change(other);
        messages.insert(availability_message(8021, other));
    };
    add([](Certificate& c) { ++c.epoch; });
    add([](Certificate& c) { c.id.bytes[0] ^= 1; });
    add([](Certificate& c) { c.header_digest.bytes[0] ^= 1; });
    add([](Certificate& c) { c.commitment.bytes[0] ^= 1; });
    add([](Certificate& c) { ++c.length; });
    EXPECT_EQ(messages.size(), 7u);
    // Who signed is not signed: signatures of all add up over one message.
    add([](Certificate& c) { c.signers.clear(); });
    EXPECT_EQ(messages.size(), 7u);
}

TEST(Certificate, the_quorum_is_two_thirds_of_the_slots_rounded_up) {
    static_assert(kAvailableSlots == 171);
    static_assert(3 * kAvailableSlots >= 2 * kSlotCount &&
                  3 * (kAvailableSlots - 1) < 2 * kSlotCount);
}

}  // namespace
}  // namespace mutirao::block
