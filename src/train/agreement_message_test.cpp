#include "train/agreement_message.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace mutirao::train {
namespace {

Digest digest(std::uint8_t value) {
    Digest out;
    out.bytes.fill(value);
    return out;
}

RunId run_id() {
    RunId out;
    out.bytes.fill(7);
    return out;
}

RoundValue value() { return {digest(1), {{0, digest(2)}, {3, digest(3)}}}; }

std::vector<Message> samples() {
    return {{run_id(), 4, 1, Standing{digest(5)}},
            {run_id(), 4, 1, Ready{digest(5), digest(6)}},
            {run_id(), 4, 1, Proposal{2, value()}},
            {run_id(), 4, 1, Acceptance{2, value().digest()}},
            {run_id(), 4, 1, Promise{3, 0, {}}},
            {run_id(), 4, 1, Promise{3, 3, value()}},
            {run_id(), 4, 1, Doubt{7}},
            {run_id(), 4, 1, Looked{}},
            {run_id(), 4, 1, Ready{digest(5), digest(6)}, Subject::sum_keys},
            {run_id(), 4, 1, Proposal{2, value()}, Subject::sum_shares},
            {run_id(), 4, 1, SumKeys{{run_id(), 4, 1}, {}, {}}},
            {run_id(), 4, 1, SumShares{{run_id(), 4, 1}, {{}}, {{}}, {{0, Bytes(112, 3)}}}},
            {run_id(), 4, 1, SumReveal{{run_id(), 4, 1}, {{2, true, {.index = 2, .bytes = {}}}}}}};
}

TEST(AgreementMessage, round_trips_and_refuses_every_cut) {
    for (const auto& message : samples()) {
        auto bytes = encode_message(message);
        ASSERT_LE(bytes.size(), kMessageBytesMax);
        EXPECT_EQ(decode_message(bytes).value(), message);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            EXPECT_EQ(decode_message(ByteSpan(bytes).first(size)).error().kind, ErrorKind::corrupt);
        bytes.push_back(0);
        EXPECT_FALSE(decode_message(bytes).ok());
    }
}

TEST(AgreementMessage, has_the_documented_layout) {
    const auto bytes = encode_message({run_id(), 4, 1, Acceptance{2, digest(9)}});
    std::string expected = "0200";
    for (int i = 0; i < 32; ++i) expected += "07";
    expected += "04000000010000000302000000";
    for (int i = 0; i < 32; ++i) expected += "09";
    EXPECT_EQ(to_hex(bytes), expected);
}

TEST(AgreementMessage, the_largest_ones_fit_their_limit) {
    SumShares shares{{run_id(), 4, 1}, {}, {}, {}};
    SumReveal reveal{{run_id(), 4, 1}, {}};
    for (std::uint32_t i = 0; i < kSumWorkersMax; ++i) {
        shares.boxes.push_back({i, Bytes(112)});
        shares.seed_points.push_back({});
        shares.mask_points.push_back({});
        reveal.opened.push_back({i, false, {.index = 1, .bytes = {}}});
    }
    EXPECT_LE(encode_message({run_id(), 4, 1, shares}).size(), kMessageBytesMax);
    EXPECT_LE(encode_message({run_id(), 4, 1, reveal}).size(), kMessageBytesMax);
}

TEST(AgreementMessage, refuses_what_no_worker_would_say) {
    const auto refused = [](Message message) {
        return !decode_message(encode_message(message)).ok();
    };
    auto unordered = value();
    std::swap(unordered.members[0], unordered.members[1]);
    EXPECT_TRUE(refused({run_id(), 4, 1, Proposal{2, unordered}}));
    EXPECT_TRUE(refused({run_id(), 4, 1, Proposal{2, {digest(1), {}}}}));
    EXPECT_TRUE(refused({run_id(), 4, kWorkersMax, Standing{}}));
    EXPECT_TRUE(refused({run_id(), kRoundsMax + 1, 1, Standing{}}));
    EXPECT_FALSE(refused({run_id(), kRoundsMax, 1, Standing{}}));
    EXPECT_TRUE(refused({run_id(), 4, 1, Promise{2, 3, value()}}));
    EXPECT_TRUE(refused({run_id(), 4, 1, Doubt{kWorkersMax}}));
    EXPECT_TRUE(refused({run_id(), 4, 1, Acceptance{kViewsMax, {}}}));
    EXPECT_TRUE(refused({run_id(), 4, 1, Standing{}, Subject::sum_keys}));
    EXPECT_TRUE(refused({run_id(), 4, 1, Ready{}, static_cast<Subject>(4)}));
    EXPECT_TRUE(refused({run_id(), 4, 1, SumKeys{{run_id(), 4, 2}, {}, {}}}));
    EXPECT_TRUE(refused({run_id(), 5, 1, SumReveal{{run_id(), 4, 1}, {}}}));
}

TEST(AgreementMessage, only_the_workers_own_signature_passes) {
    SeededRandom random(1);
    const auto key = crypto::AccountKey::generate(random),
               other = crypto::AccountKey::generate(random);
    const std::vector<Address> trainers{other.address(), key.address()};
    for (const auto& message : samples()) {
        auto bytes = sign_message(message, key);
        EXPECT_EQ(check_message(bytes, run_id(), trainers).value(), message);
        EXPECT_EQ(check_message(sign_message(message, other), run_id(), trainers).error().kind,
                  ErrorKind::permission_denied);
        EXPECT_EQ(check_message(bytes, RunId{}, trainers).error().kind,
                  ErrorKind::permission_denied);
        EXPECT_EQ(check_message(bytes, run_id(), std::span(trainers).first(1)).error().kind,
                  ErrorKind::permission_denied);
        bytes[40] ^= 1;
        EXPECT_FALSE(check_message(bytes, run_id(), trainers).ok());
        EXPECT_FALSE(check_message(ByteSpan(bytes).first(10), run_id(), trainers).ok());
    }
}

}  // namespace
}  // namespace mutirao::train
