// Whoever holds a committed row that is not the code's can prove it to anybody; nobody can prove it
// of an honest block.
#include "block/fraud_proof.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "block/stated_block_test.hpp"

namespace mutirao::block {
namespace {

const CodedBlock& honest(Profile profile) {
    static const CodedBlock wide = code(20000), sampled = code_sampled(20000);
    return profile == Profile::sampled ? sampled : wide;
}

// A parity row of either profile. (A junk data row has the fold that is stated for it: then the
// parity rows are the bad ones.)
constexpr std::uint32_t kJunk = 300;
constexpr std::uint32_t kSampledJunk = 5000;
std::uint32_t junk_of(Profile profile) {
    return profile == Profile::sampled ? kSampledJunk : kJunk;
}

// A block whose row `index` has one flipped bit, stated so that everything else agrees.
CodedBlock with_junk_row(Profile profile, std::uint32_t index) {
    auto coded = honest(profile);
    row_of(coded, index)[17] ^= 1;
    state_again(coded);
    return coded;
}

Result<FraudProof> prove(const CodedBlock& coded, std::uint32_t index) {
    const auto slot = coded.order.slot_of(index);
    return prove_bad_row(open(coded), {index, coded.row(index)}, slot_digests(coded, slot));
}

// A proof's values about any row, whether it is bad or not.
FraudProof about(const CodedBlock& coded, std::uint32_t index) {
    return {coded.statement, index, slot_digests(coded, coded.order.slot_of(index)),
            to_bytes(coded.row(index))};
}

TEST(FraudProof, of_a_junk_row_convinces_whoever_knows_the_id) {
    for (const auto profile : {Profile::wide, Profile::sampled}) {
        const auto last = honest(profile).statement.header.rows - 1;
        for (const std::uint32_t index : {junk_of(profile), last}) {
            const auto coded = with_junk_row(profile, index);
            const auto id = coded.statement.id();
            const auto bytes = prove(coded, index)->encode();
            const auto received = FraudProof::decode(bytes).value();
            EXPECT_EQ(received.encode(), bytes);
            EXPECT_EQ(received.row, index);
            EXPECT_EQ(verify_fraud(id, received), FraudVerdict::proven);
        }
    }
}

TEST(FraudProof, sizes_follow_from_the_header) {
    EXPECT_EQ(about(honest(Profile::wide), 0).encode().size(), 12657u);
    EXPECT_EQ(about(honest(Profile::sampled), 0).encode().size(), 84145u - 8192 + 128);
}

TEST(FraudProof, is_not_made_of_a_good_row) {
    for (const auto profile : {Profile::wide, Profile::sampled}) {
        const auto junk = junk_of(profile);
        const auto coded = with_junk_row(profile, junk);
        const auto slot = coded.order.slot_of(junk);
        for (std::uint32_t j = 0; j < coded.statement.header.rows_per_slot(); ++j) {
            const auto index = coded.order.row_at(slot, j);
            if (index == junk) continue;
            const auto proof = prove(coded, index);
            ASSERT_FALSE(proof.ok());
            EXPECT_EQ(proof.error().kind, ErrorKind::invalid_argument);
            EXPECT_EQ(verify_fraud(coded.statement.id(), about(coded, index)),
                      FraudVerdict::row_is_good);
        }
    }
}

TEST(FraudProof, is_not_made_of_what_was_not_committed_to) {
    const auto coded = with_junk_row(Profile::wide, kJunk);
    const auto check = open(coded);
    auto row = to_bytes(coded.row(kJunk));
    auto digests = slot_digests(coded, kJunk % kSlotCount);
    const auto kind = [&](std::uint32_t index) {
        return prove_bad_row(check, {index, row}, digests).error().kind;
    };
    EXPECT_EQ(kind(kJunk + 1), ErrorKind::corrupt) << "another row's number";
    EXPECT_EQ(kind(kJunk + kSlotCount), ErrorKind::corrupt) << "another row of the slot";
    EXPECT_EQ(kind(768), ErrorKind::corrupt) << "past the last";
    row.back() ^= 1;
    EXPECT_EQ(kind(kJunk), ErrorKind::corrupt) << "changed on its way";
    row.back() ^= 1;
    row.push_back(0);
    EXPECT_EQ(kind(kJunk), ErrorKind::corrupt) << "longer";
    row.pop_back();
    digests[0].bytes[0] ^= 1;
    EXPECT_EQ(kind(kJunk), ErrorKind::corrupt) << "digests that are not the leaf's";
    digests.clear();
    EXPECT_EQ(kind(kJunk), ErrorKind::corrupt) << "no digests";
}

TEST(FraudProof, verdicts_name_what_is_wrong) {
    const auto coded = with_junk_row(Profile::wide, kJunk);
    const auto id = coded.statement.id();
    const auto proof = prove(coded, kJunk).value();
    const auto verdict = [&](auto change) {
        auto other = proof;
        change(other);
        return verify_fraud(id, other);
    };
    EXPECT_EQ(verify_fraud(honest(Profile::wide).statement.id(), proof), FraudVerdict::other_block);
    EXPECT_EQ(verdict([](auto& p) { p.statement.folds[0] ^= 1; }), FraudVerdict::other_block);
    EXPECT_EQ(verdict([](auto& p) { p.row = kJunk - kSlotCount; }),
              FraudVerdict::row_not_committed);
    EXPECT_EQ(verdict([](auto& p) { p.row = 768; }), FraudVerdict::row_not_committed);
    EXPECT_EQ(verdict([](auto& p) { p.digests.pop_back(); }), FraudVerdict::row_not_committed);
    EXPECT_EQ(verdict([](auto& p) { p.bytes[0] ^= 1; }), FraudVerdict::row_not_committed);
    EXPECT_EQ(verdict([](auto& p) { p.bytes.pop_back(); }), FraudVerdict::row_not_committed);
    EXPECT_EQ(verdict([](auto&) {}), FraudVerdict::proven);
    EXPECT_EQ(to_string(FraudVerdict::row_not_committed), "row_not_committed");
}

// All bits of version, header, number of the row, digests and row; every 13th of the rest.
void no_flipped_bit_is_accepted(Profile profile, std::size_t sparse_step) {
    const auto coded = with_junk_row(profile, junk_of(profile));
    const auto id = coded.statement.id();
    const auto bytes = prove(coded, junk_of(profile))->encode();
    const auto leaves_at = 2 + Header::kSize;
    const auto row_at = 2 + Statement::encoded_size(coded.statement.header);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        const bool sparse = bit / 8 >= leaves_at && bit / 8 < row_at;
        if (bit % (sparse ? sparse_step : profile == Profile::wide ? 1 : 37) != 0) continue;
        auto flipped = bytes;
        flip(flipped, bit);
        const auto decoded = FraudProof::decode(flipped);
        if (!decoded.ok()) continue;
        ASSERT_NE(verify_fraud(id, *decoded), FraudVerdict::proven) << bit;
    }
}

TEST(FraudProof, with_a_flipped_bit_is_refused) {
    no_flipped_bit_is_accepted(Profile::wide, 13);
    no_flipped_bit_is_accepted(Profile::sampled, 1009);
}

TEST(FraudProof, anything_but_its_encoding_is_refused) {
    auto bytes = about(honest(Profile::wide), kJunk).encode();
    for (std::size_t size = 0; size < bytes.size(); size += size < 200 ? 1 : 101)
        EXPECT_EQ(FraudProof::decode(ByteSpan(bytes).first(size)).error().kind, ErrorKind::corrupt);
    bytes.push_back(0);
    EXPECT_EQ(FraudProof::decode(bytes).error().kind, ErrorKind::corrupt);
    bytes.pop_back();
    bytes[0] = 2;
    EXPECT_NE(FraudProof::decode(bytes).error().message.find("version 2"), std::string::npos);
    auto outside = about(honest(Profile::wide), kJunk);
    outside.row = 768;
    EXPECT_EQ(FraudProof::decode(outside.encode()).error().kind, ErrorKind::corrupt);
}

// Whatever an accuser makes of an honest block's parts and of another block's, it is no proof.
RC_GTEST_PROP(FraudProof, of_an_honest_block_is_never_accepted, (std::uint64_t seed)) {
    const auto profile = *rc::gen::element(Profile::wide, Profile::sampled);
    const auto& coded = honest(profile);
    SeededRandom random(seed);
    const auto rows = coded.statement.header.rows;
    const auto index = static_cast<std::uint32_t>(random.below(rows));
    static const CodedBlock other_wide = with_junk_row(Profile::wide, kJunk),
                            other_sampled = with_junk_row(Profile::sampled, kSampledJunk);
    const auto& other = profile == Profile::wide ? other_wide : other_sampled;
    auto proof = about(coded, index);
    const auto changes = random.below(4);
    for (std::uint64_t i = 0; i < changes; ++i) switch (random.below(7)) {
            case 0: flip(proof.bytes, random.below(proof.bytes.size() * 8)); break;
            case 1: proof.row = static_cast<std::uint32_t>(random.below(rows)); break;
            case 2:
                proof.digests[random.below(proof.digests.size())] = row_digest(proof.bytes);
                break;
            case 3: flip(proof.statement.folds, random.below(256 * 16 * 8)); break;
            case 4: proof.statement.leaves = other.statement.leaves; break;
            case 5: proof.statement.commitment = other.statement.commitment; break;
            default: proof = about(other, junk_of(profile)); break;
        }
    RC_ASSERT(verify_fraud(coded.statement.id(), proof) != FraudVerdict::proven);
    RC_ASSERT(!prove(coded, index).ok());
}

// Folds that are not those of the rows are as much the disperser's doing as a junk row is.
TEST(FraudProof, catches_folds_that_are_not_those_of_the_rows) {
    for (const auto profile : {Profile::wide, Profile::sampled}) {
        auto coded = honest(profile);
        coded.statement.folds[16 * 7 + 2] ^= 1;
        if (profile == Profile::sampled) {  // other folds, another order
            coded.order = coded.statement.row_order();
            state_leaves(coded);
        }
        const auto proof = prove(coded, junk_of(profile));
        ASSERT_TRUE(proof.ok());
        EXPECT_EQ(verify_fraud(coded.statement.id(), *proof), FraudVerdict::proven);
    }
}

// The commitment is not looked at: whoever can open it at will accuses nobody.
TEST(FraudProof, does_not_rest_on_the_commitment) {
    auto coded = honest(Profile::wide);
    coded.statement.commitment = {};
    ASSERT_FALSE(check_commitment(coded.statement).ok());
    EXPECT_FALSE(prove(coded, kJunk).ok());
    EXPECT_EQ(verify_fraud(coded.statement.id(), about(coded, kJunk)), FraudVerdict::row_is_good);
    auto junk = with_junk_row(Profile::wide, kJunk);
    junk.statement.commitment = {};
    EXPECT_EQ(verify_fraud(junk.statement.id(), prove(junk, kJunk).value()), FraudVerdict::proven);
}

}  // namespace
}  // namespace mutirao::block
