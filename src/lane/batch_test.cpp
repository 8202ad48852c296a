#include "lane/batch.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "lane/test_batches.hpp"

namespace mutirao::lane {
namespace {

constexpr std::uint64_t kUntil = 900;

std::vector<Acknowledgement> acknowledgements(const BatchStatement& batch,
                                              const std::vector<std::uint32_t>& keepers) {
    std::vector<Acknowledgement> out;
    for (const auto keeper : keepers)
        out.push_back({keeper, keeper_key(keeper).sign(batch.kept_message(kChain, kUntil))});
    return out;
}

TEST(Batch, is_read_as_it_was_written) {
    const auto batch = batch_of(3, 7);
    const auto bytes = batch.encode();
    const auto read = Batch::decode(bytes).value();
    EXPECT_EQ(read.encode(), bytes);
    EXPECT_EQ(read.statement(), batch.statement());
    EXPECT_EQ(read.transactions, batch.transactions);
    EXPECT_TRUE(read.verify(kChain).ok());
    EXPECT_FALSE(read.verify(kChain + 1).ok());
    EXPECT_FALSE(Batch::decode(ByteSpan(bytes).first(bytes.size() - 1)).ok());
}

// The bytes of docs/reference/lane.md, which nobody may change unawares.
TEST(Batch, has_the_bytes_that_it_always_had) {
    const auto batch = batch_of(3, 7);
    EXPECT_EQ(crypto::blake3(batch.encode()).hex(),
              "91d5b0dbe59620515a7706f160a1812be98ef7056e84fc7b36a352d76183ba96");
    const auto certificate = certify(batch.statement(), kUntil, keepers_of(1), kChain,
                                     acknowledgements(batch.statement(), {0}));
    EXPECT_EQ(to_hex(certificate.value().encode()),
              "ba02210e7169fa66a47c1c5891ac656c1dfec962bb3d0700000000000000feb578289b640d45334d"
              "7b1485d1bc7ac88a77ec3007b97dadaf8bd10bb8afa2050000005400000084030000000000000100"
              "0000018d6a711df2d611da69db3f4a24adbee0df89c7106e4ac2bc18ad9f259a47bebf4dc1eef979"
              "e8cc0a4d9ecef41faf70ff");
}

TEST(Batch, is_bounded) {
    auto batch = batch_of(1, 0);
    batch.transactions.assign(kBatchTransactionsMax, {1});
    EXPECT_TRUE(Batch::decode(batch.encode()).ok());
    batch.transactions.push_back({1});
    EXPECT_FALSE(Batch::decode(batch.encode()).ok());
    batch.transactions = {Bytes(kBatchBytesMax, 1)};
    EXPECT_TRUE(Batch::decode(batch.encode()).ok());
    batch.transactions.push_back({1});
    EXPECT_FALSE(Batch::decode(batch.encode()).ok());
    batch.transactions.clear();
    EXPECT_FALSE(Batch::decode(batch.encode()).ok());
}

TEST(Batch, every_bit_of_it_is_signed) {
    const auto bytes = batch_of(2, 5).encode();
    for (std::size_t bit = 0; bit < 8 * bytes.size(); bit += 7) {
        auto flipped = bytes;
        flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1u << bit % 8);
        const auto read = Batch::decode(flipped);
        EXPECT_FALSE(read.ok() && read->verify(kChain).ok()) << bit;
    }
}

TEST(LaneCertificate, of_a_hundred_keepers_has_less_than_300_bytes) {
    const auto keepers = keepers_of(4);
    const auto batch = batch_of(1, 0).statement();
    const auto made =
        certify(batch, kUntil, keepers, kChain, acknowledgements(batch, {0, 1, 3})).value();
    EXPECT_TRUE(made.verify(keepers, kChain).ok());
    const auto bytes = made.encode();
    EXPECT_EQ(Certificate::decode(bytes).value().encode(), bytes);
    EXPECT_TRUE(is_certificate(bytes));
    auto large = made;
    large.signers.resize(1000 / 8);
    EXPECT_LE(large.encode().size(), 300u);
}

TEST(LaneCertificate, under_quorum_is_refused_with_the_numbers) {
    const auto keepers = keepers_of(4);
    EXPECT_EQ(keepers.quorum(), 3u);
    const auto batch = batch_of(1, 0).statement();
    const auto few = certify(batch, kUntil, keepers, kChain, acknowledgements(batch, {0, 2}));
    const std::string words =
        "certificate under quorum: 2 of the keepers' 4 votes signed, 3 needed";
    EXPECT_EQ(few.error().message, words);
    auto wrong = acknowledgements(batch, {0, 1, 2});
    wrong[1].signature = wrong[0].signature;
    EXPECT_EQ(certify(batch, kUntil, keepers, kChain, wrong).error().message, words);
    // Whoever drops a bit of a good certificate does not pass either.
    auto made = certify(batch, kUntil, keepers, kChain, acknowledgements(batch, {0, 1, 2})).value();
    made.signers[0] = 3;
    EXPECT_EQ(made.verify(keepers, kChain).error().message, words);
}

TEST(LaneCertificate, wrong_and_repeated_acknowledgements_do_not_count) {
    const auto keepers = keepers_of(4);
    const auto batch = batch_of(1, 0).statement();
    auto all = acknowledgements(batch, {0, 1, 2, 3});
    all[2].signature = all[0].signature;
    const auto made = certify(batch, kUntil, keepers, kChain, all).value();
    EXPECT_EQ(made.signers, Bytes{0b1011});
    EXPECT_TRUE(made.verify(keepers, kChain).ok());
    EXPECT_EQ(
        certify(batch, kUntil, keepers, kChain, acknowledgements(batch, {0, 1, 1})).error().kind,
        ErrorKind::corrupt);
    auto none = acknowledgements(batch, {0, 1, 2});
    none[0].keeper = 4;
    EXPECT_EQ(certify(batch, kUntil, keepers, kChain, none).error().kind, ErrorKind::corrupt);
}

TEST(LaneCertificate, ones_own_acknowledgement_makes_the_certificate_that_a_strangers_does) {
    const auto keepers = keepers_of(1);
    const auto batch = batch_of(1, 0).statement();
    auto given = acknowledgements(batch, {0});
    const auto strangers = certify(batch, kUntil, keepers, kChain, given).value();
    given[0].own = true;
    const auto own = certify(batch, kUntil, keepers, kChain, given).value();
    EXPECT_EQ(own.encode(), strangers.encode());
    EXPECT_TRUE(own.verify(keepers, kChain).ok());
    // Alone it is under quorum as anybody's is.
    EXPECT_FALSE(certify(batch, kUntil, keepers_of(4), kChain, given).ok());
}

TEST(LaneCertificate, votes_make_the_quorum_not_heads) {
    auto keepers = keepers_of(4);
    keepers.votes = {700, 100, 100, 100};
    EXPECT_EQ(keepers.quorum(), 667u);
    EXPECT_NE(keepers.id(), keepers_of(4).id());
    const auto batch = batch_of(1, 0).statement();
    const auto made = certify(batch, kUntil, keepers, kChain, acknowledgements(batch, {0}));
    EXPECT_TRUE(made.value().verify(keepers, kChain).ok());
    EXPECT_EQ(made->signer_places(), std::vector<std::uint32_t>{0});
    EXPECT_FALSE(certify(batch, kUntil, keepers, kChain, acknowledgements(batch, {1, 2, 3})).ok());
    EXPECT_FALSE(made->verify(keepers_of(4), kChain).ok());
}

TEST(LaneCertificate, stands_for_one_batch_of_one_chain_and_its_keepers) {
    const auto keepers = keepers_of(3);
    const auto batch = batch_of(1, 0).statement();
    const auto made =
        certify(batch, kUntil, keepers, kChain, acknowledgements(batch, {0, 1, 2})).value();
    EXPECT_FALSE(made.verify(keepers, kChain + 1).ok());
    auto others = keepers_of(4);
    others.keys.erase(others.keys.begin());
    others.votes.erase(others.votes.begin());
    EXPECT_NE(others.id(), keepers.id());
    EXPECT_FALSE(made.verify(others, kChain).ok());
    EXPECT_FALSE(made.verify(keepers_of(9), kChain).ok());
    auto other = made;
    other.batch.sequence += 1;
    EXPECT_FALSE(other.verify(keepers, kChain).ok());
    other = made;
    other.batch.digest.bytes[0] ^= 1;
    EXPECT_FALSE(other.verify(keepers, kChain).ok());
    other = made;
    other.until += 1;
    EXPECT_FALSE(other.verify(keepers, kChain).ok());
    other = made;
    other.signers = {0b1000};  // past the last keeper
    EXPECT_FALSE(other.verify(keepers, kChain).ok());
}

}  // namespace
}  // namespace mutirao::lane
