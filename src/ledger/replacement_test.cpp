// Of a sender's waiting transactions with one nonce, which one a block takes.
#include "ledger/replacement.hpp"

#include <gtest/gtest.h>

#include "ledger/test_chain.hpp"

namespace mutirao::ledger {
namespace {

constexpr u128 kGwei = 1'000'000'000;

Transaction paying(u128 max_fee, u128 tip) {
    Transaction out;
    out.max_fee = Amount(max_fee);
    out.max_priority_fee = Amount(tip);
    return out;
}

TEST(Replacement, takes_a_tenth_more_of_both) {
    EXPECT_TRUE(outbids(paying(110, 11), paying(100, 10)));
    EXPECT_FALSE(outbids(paying(109, 11), paying(100, 10)));
    EXPECT_FALSE(outbids(paying(110, 10), paying(100, 10)));
    EXPECT_TRUE(outbids(paying(110, 0), paying(100, 0)));
    EXPECT_FALSE(outbids(paying(100, 0), paying(100, 0)));
    EXPECT_FALSE(outbids(paying(0, 0), paying(0, 0)));
    EXPECT_FALSE(outbids(paying(~u128{0}, 0), paying(~u128{0} - 1, 0)));  // the sum is no amount
}

TEST(Replacement, a_block_takes_the_first_unless_a_later_one_outbids_it) {
    TestChain chain;
    const auto offer = [&](std::uint64_t ahead, u128 percent, std::uint64_t value) {
        auto tx =
            chain.unsigned_call(wallet(0).address(), transfer(wallet(9).address(), Amount(value)));
        tx.nonce += ahead;
        tx.max_fee = Amount(kGwei * percent / 100);
        tx.sign(wallet(0));
        return tx.encode();
    };
    const auto first = offer(0, 100, 1), dear = offer(0, 110, 2), cheap = offer(0, 105, 3),
               dearer = offer(0, 121, 4), next = offer(1, 100, 5);
    const auto propose = [&](const std::vector<Bytes>& waiting) {
        return chain.ledger.propose(waiting, 1 << 20);
    };
    EXPECT_EQ(propose({first, cheap, next}), (std::vector<Bytes>{first, next}));
    EXPECT_EQ(propose({first, dear, next}), (std::vector<Bytes>{dear, next}));
    EXPECT_EQ(propose({next, first, dear, cheap, dearer}), (std::vector<Bytes>{dearer, next}));
    EXPECT_EQ(propose({dear, first}), (std::vector<Bytes>{dear}));
    chain.block(propose({first, dear, next}));
    EXPECT_EQ(chain.account(wallet(0).address()).nonce, 2u);
    EXPECT_EQ(chain.ledger.check(first).error().kind, ErrorKind::already_exists);
}

}  // namespace
}  // namespace mutirao::ledger
