#include "ledger/preparation.hpp"

#include <gtest/gtest.h>
#include <numeric>

#include "block/test_leaves.hpp"
#include "ledger/evidence.hpp"
#include "ledger/test_chain.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::uint32_t kNodes = 4;

// Four storage nodes in epoch 1, whose committee the ledger has used once.
class Preparation : public ::testing::Test {
  protected:
    void SetUp() override {
        for (int i = 0; i < static_cast<int>(kNodes); ++i) nodes.emplace_back(i);
        std::vector<Bytes> joins;
        for (const auto& node : nodes)
            joins.push_back(chain.signed_call(node.key, node.joins(Role::storage)));
        chain.block(joins);
        epoch = chain.record<EpochRecord>(key::epoch(1));
        const auto first = certificate("first");
        ASSERT_TRUE(chain.send(wallet(10), paid(first)).ok());
        committee = chain.ledger.memo()->known_committee(1);
        ASSERT_NE(committee, nullptr);
    }
    block::Certificate certificate(const std::string& name) const {
        block::Certificate out;
        out.id.bytes = digest_of(name).bytes;
        out.commitment = leaves.commitment;
        out.value = block::leaf_value(leaves, out.id);
        out.opening = block::open_leaves(leaves, out.id);
        out.length = 5000;
        out.epoch = 1;
        std::vector<std::uint32_t> all(kNodes);
        std::iota(all.begin(), all.end(), 0u);
        out.signers = block::signer_bitmap(kNodes, all);
        std::vector<crypto::BlsSignature> signatures;
        for (const auto& node : nodes)
            signatures.push_back(node.bls.sign(block::availability_message(8021, out)));
        out.signature = crypto::aggregate(signatures).value();
        return out;
    }
    Call paid(const block::Certificate& certificate) const {
        const PaidPart part{Digest{certificate.id.bytes}, certificate.length};
        return certify(certificate, {&part, 1},
                       parts_fee(chain.ledger.genesis(), {&part, 1}).value());
    }
    void prepare_all(const std::vector<Bytes>& raw) const {
        prepare(chain.ledger.genesis(), *chain.ledger.memo(),
                std::vector<ByteSpan>(raw.begin(), raw.end()), {});
    }
    // Whether it would be taken without a look at its signature: under another chain's id that look
    // would refuse it.
    bool is_known_good(const block::Certificate& certificate) const {
        const std::vector<std::uint32_t> all{0, 1, 2, 3};
        return verify_signed(*chain.ledger.memo(), 1, certificate, *committee, all).ok();
    }

    const block::Statement leaves = block::stated_leaves(1);
    TestChain chain;
    std::vector<TestNode> nodes;
    EpochRecord epoch;
    CommitteePtr committee;
};

TEST_F(Preparation, remembers_good_transactions_and_no_bad_ones) {
    auto good = chain.signed_call(wallet(1), transfer(wallet(2).address(), Amount(5)));
    auto bad = good;
    bad.back() ^= 1;  // of the signature
    prepare_all({good, bad, to_bytes(as_bytes("no transaction")), {}});
    const auto& memo = *chain.ledger.memo();
    const auto known = memo.admitted(crypto::blake3(good));
    ASSERT_NE(known, nullptr);
    EXPECT_EQ(known->sender, wallet(1).address());
    EXPECT_EQ(known->hash, Transaction::hash(good));
    const auto forged = memo.admitted(crypto::blake3(bad));
    EXPECT_TRUE(forged == nullptr || forged->sender != wallet(1).address());
    EXPECT_EQ(memo.admitted(crypto::blake3(as_bytes("no transaction"))), nullptr);
}

TEST_F(Preparation, remembers_good_vouchers_and_senders_beside_bad_ones) {
    const auto& memo = *chain.ledger.memo();
    std::vector<Bytes> raw;
    std::vector<Voucher> vouchers;
    for (int i = 0; i < 40; ++i) {
        Voucher voucher;
        voucher.provider = wallet(100 + i).address();
        voucher.tokens = 1;
        voucher.sign(wallet(50 + i), chain.ledger.genesis().chain_id);
        if (i % 5 == 0) voucher.tokens = 2;  // not what was signed
        vouchers.push_back(voucher);
        raw.push_back(chain.signed_call(wallet(100 + i), settle(voucher)));
        if (i % 7 == 0) raw.back() = {2, 1};  // no transaction
    }
    prepare_all(raw);
    for (int i = 0; i < 40; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const auto known = memo.admitted(crypto::blake3(raw[at]));
        ASSERT_EQ(known != nullptr, i % 7 != 0) << i;
        if (known != nullptr) {
            EXPECT_EQ(known->sender, wallet(100 + i).address()) << i;
        }
        EXPECT_EQ(memo.is_good(claim_of(vouchers[at])), i % 5 != 0 && i % 7 != 0) << i;
    }
}

TEST_F(Preparation, remembers_good_certificates_and_no_bad_ones) {
    const auto good = certificate("good"), other = certificate("other");
    auto bad = certificate("bad");
    bad.signature = good.signature;
    auto unheard = good;
    unheard.epoch = 7;
    auto unopened = certificate("unopened");
    unopened.opening = good.opening;
    std::vector<Bytes> raw;
    for (const auto& each : {good, bad, other, unheard, unopened})
        raw.push_back(chain.signed_call(wallet(10 + static_cast<int>(raw.size())), paid(each)));
    prepare_all(raw);
    EXPECT_TRUE(is_known_good(good));
    EXPECT_TRUE(is_known_good(other));
    EXPECT_FALSE(is_known_good(bad));
    EXPECT_FALSE(is_known_good(unheard));
    EXPECT_FALSE(is_known_good(unopened));
}

// What was found out goes into another memo, of a process that comes later; nothing else does.
TEST_F(Preparation, findings_are_believed_and_nothing_beside_them) {
    auto bad = certificate("bad");
    bad.signature = certificate("good").signature;
    std::vector<Bytes> raw{
        chain.signed_call(wallet(1), transfer(wallet(2).address(), Amount(5))),
        chain.signed_call(wallet(10), paid(certificate("good"))),
        chain.signed_call(wallet(11), paid(bad)),
        to_bytes(as_bytes("no transaction")),
    };
    prepare_all(raw);
    const std::vector<ByteSpan> spans(raw.begin(), raw.end());
    auto findings = findings_of(*chain.ledger.memo(), spans);
    ASSERT_EQ(findings.size(), 21 * raw.size());
    Memo later;
    believe(chain.ledger.genesis(), later, spans, findings, {});
    EXPECT_EQ(later.admitted(crypto::blake3(raw[0]))->sender, wallet(1).address());
    EXPECT_EQ(later.admitted(crypto::blake3(raw[2]))->sender, wallet(11).address());
    EXPECT_EQ(later.admitted(crypto::blake3(raw[3])), nullptr);
    EXPECT_TRUE(later.is_good(claim_of(certificate("good"))));
    EXPECT_FALSE(later.is_good(claim_of(bad)));
    // The bytes alone say who sent it: nothing is recovered.
    findings[0] ^= 1;
    Memo misled, careful;
    believe(chain.ledger.genesis(), misled, spans, findings, {});
    EXPECT_NE(misled.admitted(crypto::blake3(raw[0]))->sender, wallet(1).address());
    findings.pop_back();
    believe(chain.ledger.genesis(), careful, spans, findings, {});
    EXPECT_EQ(careful.admitted(crypto::blake3(raw[0])), nullptr);
}

TEST_F(Preparation, blocks_end_the_same_with_it_and_without) {
    auto bad = certificate("bad");
    bad.signature = certificate("good").signature;
    const std::vector<Bytes> raw{
        chain.signed_call(wallet(10), paid(certificate("good"))),
        chain.signed_call(wallet(11), paid(bad)),
        chain.signed_call(wallet(12), transfer(wallet(13).address(), Amount(9)))};
    auto plain = Ledger::restore(chain.ledger.snapshot()).value();
    prepare_all(raw);
    const auto height = chain.ledger.height() + 1;
    const auto with = chain.ledger.finalize(height, chain.time_ms + 1, raw).value();
    EXPECT_EQ(plain.finalize(height, chain.time_ms + 1, raw).value(), with);
}

}  // namespace
}  // namespace mutirao::ledger
