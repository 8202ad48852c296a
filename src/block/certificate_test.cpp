#include "block/certificate.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <set>

#include "base/random.hpp"
#include "block/test_leaves.hpp"

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
    out.value = random.fixed<crypto::KzgValue>();
    out.opening = random.fixed<crypto::KzgProof>();
    out.signers.resize((members + 7) / 8);
    random.fill(out.signers);
    out.signature = random.fixed<crypto::BlsSignature>();
    return out;
}

RC_GTEST_PROP(Certificate, comes_back_from_its_encoding, (std::uint64_t seed)) {
    const auto members = *rc::gen::inRange<std::uint32_t>(0, kMembersMax + 1);
    const auto written = certificate(seed, members);
    RC_ASSERT(written.encode().size() == 262 + written.signers.size());
    RC_ASSERT(Certificate::decode(written.encode()).value() == written);
}

TEST(Certificate, of_two_hundred_nodes_has_less_than_300_bytes) {
    EXPECT_EQ(certificate(1, 200).encode().size(), 287u);
}

TEST(Certificate, anything_but_its_encoding_is_refused) {
    auto bytes = certificate(2).encode();
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_EQ(Certificate::decode(ByteSpan(bytes).first(size)).error().kind,
                  ErrorKind::corrupt);
    bytes.push_back(0);
    EXPECT_FALSE(Certificate::decode(bytes).ok()) << "trailing byte";
    bytes.pop_back();
    bytes[0] = 1;
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
    add([](Certificate& c) { c.value.bytes[0] ^= 1; });
    EXPECT_EQ(messages.size(), 8u);
    // Who signed is not signed: signatures of all add up over one message. Nor is what shows
    // itself.
    add([](Certificate& c) { c.signers.clear(); });
    add([](Certificate& c) { c.opening.bytes[0] ^= 1; });
    EXPECT_EQ(messages.size(), 8u);
}

TEST(Certificate, the_quorum_is_two_thirds_of_the_slots_rounded_up) {
    static_assert(kAvailableSlots == 171);
    static_assert(3 * kAvailableSlots >= 2 * kSlotCount &&
                  3 * (kAvailableSlots - 1) < 2 * kSlotCount);
    for (const std::uint64_t length : {0u, 1u << 20})
        EXPECT_EQ(available_slots(header_for(length).value(), {1, 3}).value(), kAvailableSlots);
}

TEST(Thresholds, are_those_of_the_specification) {
    const auto wide = header_for(1u << 20).value();                       // rho = 1/3
    const auto sampled = header_for(1u << 20, Profile::sampled).value();  // rho = 1/4
    EXPECT_EQ(strong_slots(wide, {1, 6}).value(), 214u);                  // 0.834 of them
    EXPECT_EQ(strong_slots(wide, {1, 4}).value(), 235u);                  // 0.917
    EXPECT_EQ(strong_slots(wide, {1, 3}).value(), 256u);                  // 1
    EXPECT_EQ(strong_slots(sampled, {3, 16}).value(), 208u);  // 0.8125, exact: not rounded
    EXPECT_EQ(strong_slots(sampled, {1, 3}).value(), 246u);   // 0.959
    EXPECT_EQ(available_slots(sampled, {1, 3}).value(), 150u);
    EXPECT_EQ(available_slots(sampled, {0, 1}).value(), 64u);  // k rows, when nobody lies
    EXPECT_EQ(strong_slots(sampled, {0, 1}).value(), 160u);
}

TEST(Thresholds, that_no_certificate_can_reach_are_refused) {
    const auto wide = header_for(0).value();
    for (const Fraction liars : {Fraction{334, 1000}, {1, 2}, {1, 1}}) {
        const auto slots = strong_slots(wide, liars);
        ASSERT_FALSE(slots.ok());
        EXPECT_EQ(slots.error().kind, ErrorKind::invalid_argument);
    }
    // The last fraction that passes, and the next one of that denominator.
    constexpr std::uint32_t kLargest = 0xffffffff;  // divisible by three
    EXPECT_EQ(strong_slots(wide, {kLargest / 3, kLargest}).value(), 256u);
    EXPECT_FALSE(strong_slots(wide, {kLargest / 3 + 1, kLargest}).ok());
    EXPECT_EQ(available_slots(wide, {kLargest / 3 * 2, kLargest}).value(), 256u);
    EXPECT_FALSE(available_slots(wide, {kLargest / 3 * 2 + 1, kLargest}).ok());
}

TEST(Thresholds, of_no_fraction_or_no_shape_are_refused) {
    const auto header = header_for(0).value();
    for (const Fraction liars : {Fraction{0, 0}, {1, 0}, {2, 1}, {0xffffffff, 0xfffffffe}}) {
        EXPECT_EQ(available_slots(header, liars).error().kind, ErrorKind::invalid_argument);
        EXPECT_EQ(strong_slots(header, liars).error().kind, ErrorKind::invalid_argument);
    }
    EXPECT_EQ(available_slots({}, {1, 3}).error().kind, ErrorKind::invalid_argument);
    auto other = header;
    other.slots = 0xffffffff;
    EXPECT_EQ(strong_slots(other, {1, 6}).error().kind, ErrorKind::invalid_argument);
}

// The least number of slots with which honest holders alone have enough rows, from the definition:
// slots that liars can hold are not counted.
RC_GTEST_PROP(Thresholds, leave_honest_holders_with_enough_rows_and_no_slot_less_does, ()) {
    const auto profile = *rc::gen::element(Profile::wide, Profile::sampled);
    const auto header = header_for(0, profile).value();
    const auto denominator = *rc::gen::inRange<std::uint32_t>(1, 2000);
    const Fraction liars{*rc::gen::inRange<std::uint32_t>(0, denominator + 1), denominator};
    // Rows, times the denominator, that are left when liars' slots go.
    const auto honest_rows = [&](std::uint64_t slots) {
        const std::int64_t a = liars.numerator, b = liars.denominator;
        return (static_cast<std::int64_t>(slots) * b - kSlotCount * a) *
               static_cast<std::int64_t>(header.rows_per_slot());
    };
    const auto holds = [&](const Result<std::uint32_t>& slots, double rows) {
        const auto needed = rows * denominator;
        if (!slots.ok()) {
            RC_ASSERT(static_cast<double>(honest_rows(kSlotCount)) < needed);
            return;
        }
        RC_ASSERT(static_cast<double>(honest_rows(*slots)) >= needed);
        RC_ASSERT(static_cast<double>(honest_rows(*slots - 1)) < needed);
    };
    holds(available_slots(header, liars), header.data_rows);
    holds(strong_slots(header, liars), (header.rows + header.data_rows) / 2.0);
}

// Every bit: what was signed is another message, or the signers, the opening or the signature are
// others.
TEST(Certificate, a_flipped_bit_anywhere_is_found) {
    const auto key = crypto::BlsSecretKey::generate(Bytes(32, 7)).value();
    const std::vector<crypto::BlsVerifiedKey> keys{
        crypto::BlsVerifiedKey::possession_shown(key.public_key()).value()};
    auto honest = certificate(6, 16);
    honest.signers = signer_bitmap(16, std::vector{0u});
    const auto statement = stated_leaves(7);
    honest.commitment = statement.commitment;
    honest.value = leaf_value(statement, honest.id);
    honest.opening = open_leaves(statement, honest.id);
    const auto message = availability_message(8021, honest);
    honest.signature = key.sign(message);
    ASSERT_TRUE(verify_certificate(honest, 8021, keys).ok());
    ASSERT_FALSE(verify_certificate(honest, 8022, keys).ok());
    const auto bytes = honest.encode();
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        auto flipped = bytes;
        flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1u << bit % 8);
        const auto decoded = Certificate::decode(flipped);
        if (!decoded.ok()) continue;
        ASSERT_NE(*decoded, honest) << bit;
        // Pairings are dear: all that is signed is in the message, and one bit of each byte of the
        // rest is tried.
        if (availability_message(8021, *decoded) != message || decoded->signers != honest.signers)
            continue;
        if (bit % 8 == 3) {
            EXPECT_FALSE(verify_certificate(*decoded, 8021, keys).ok()) << bit;
        }
    }
}

TEST(Certificate, many_hold_together_when_each_does) {
    const auto key = crypto::BlsSecretKey::generate(Bytes(32, 7)).value();
    const std::vector<crypto::BlsVerifiedKey> keys{
        crypto::BlsVerifiedKey::possession_shown(key.public_key()).value()};
    const auto statement = stated_leaves(1);
    std::vector<CertificateOf> all;
    for (std::uint8_t i = 0; i < 3; ++i) {
        auto made = certificate(3);
        made.id.bytes[0] = i;
        made.commitment = statement.commitment;
        made.value = leaf_value(statement, made.id);
        made.opening = open_leaves(statement, made.id);
        made.signature = key.sign(availability_message(8021, made));
        all.push_back({made, keys});
    }
    EXPECT_TRUE(verify_certificates({}, 8021));
    EXPECT_TRUE(verify_certificates(all, 8021));
    EXPECT_FALSE(verify_certificates(all, 8022));
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto wrong = all;
        wrong[i].certificate.length += 1;
        EXPECT_FALSE(verify_certificates(wrong, 8021));
        wrong = all;
        wrong[i].certificate.opening = all[(i + 1) % all.size()].certificate.opening;
        EXPECT_FALSE(verify_certificates(wrong, 8021));
        wrong = all;
        wrong[i].signers.clear();
        EXPECT_FALSE(verify_certificates(wrong, 8021));
    }
}

TEST(Certificate, of_another_commitment_than_that_of_the_signed_leaves_is_refused) {
    const auto key = crypto::BlsSecretKey::generate(Bytes(32, 7)).value();
    const std::vector<crypto::BlsVerifiedKey> keys{
        crypto::BlsVerifiedKey::possession_shown(key.public_key()).value()};
    const auto statement = stated_leaves(1), other = stated_leaves(2);
    Certificate made = certificate(3);
    made.commitment = other.commitment;  // what the disperser states, beside these leaves
    made.value = leaf_value(statement, made.id);
    made.signature = key.sign(availability_message(8021, made));
    for (const auto& opened : {statement, other}) {
        made.opening = open_leaves(opened, made.id);
        EXPECT_EQ(verify_certificate(made, 8021, keys).error().kind, ErrorKind::permission_denied);
    }
    made.commitment = {};  // no point
    made.signature = key.sign(availability_message(8021, made));
    EXPECT_EQ(verify_certificate(made, 8021, keys).error().kind, ErrorKind::permission_denied);
}

}  // namespace
}  // namespace mutirao::block
