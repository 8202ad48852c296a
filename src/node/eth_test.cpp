// The index of blocks and the record of what waits.
#include <gtest/gtest.h>

#include "ledger/preparation.hpp"
#include "ledger/test_chain.hpp"
#include "node/eth_history.hpp"
#include "node/eth_pool.hpp"

namespace mutirao::node {
namespace {

using ledger::TestChain;
using ledger::wallet;

Bytes transfer_by(const TestChain& chain, int number, std::uint64_t ahead = 0) {
    return chain.signed_call(wallet(number),
                             ledger::transfer(wallet(9).address(), ledger::Amount(1)), ahead);
}

Status add(EthHistory& history, const consensus::Block& block, const ledger::Ledger& ledger) {
    const std::vector<ByteSpan> raw(block.transactions.begin(), block.transactions.end());
    return history.add(block, ledger::prepare(ledger.genesis(), *ledger.memo(), raw, {}), ledger);
}

class EthHistoryTest : public ::testing::Test {
  protected:
    consensus::Block block_of(const std::vector<Bytes>& transactions) {
        consensus::Block block;
        block.height = chain.ledger.height() + 1;
        block.state_before = chain.ledger.state_hash();
        block.transactions = transactions;
        chain.block(transactions);
        block.time_ms = chain.ledger.time_ms();
        return block;
    }
    TestChain chain;
};

TEST_F(EthHistoryTest, finds_blocks_and_transactions_and_counts_events) {
    EthHistory history;
    std::vector<Digest> hashes;
    for (int i = 0; i < 3; ++i) {
        const auto raw = transfer_by(chain, i);
        hashes.push_back(ledger::Transaction::hash(raw));
        ASSERT_TRUE(add(history, block_of({raw}), chain.ledger).ok());
    }
    EXPECT_EQ(history.height(), 3u);
    for (std::uint64_t height = 1; height <= 3; ++height) {
        const auto block = history.block(height).value();
        EXPECT_EQ(block->first_event, (height - 1) * 2);  // a fee and a transfer each
        EXPECT_EQ(block->events, 2u);
        EXPECT_EQ(history.height_of(block->hash), height);
        EXPECT_EQ(history.place_of(hashes[height - 1])->height, height);
    }
    EXPECT_EQ(history.block(4).value(), nullptr);
    EXPECT_FALSE(history.place_of(ledger::digest_of("none")).has_value());
}

TEST_F(EthHistoryTest, reads_an_old_log_beside_a_later_state) {
    std::vector<consensus::Block> log;
    for (int i = 0; i < 5; ++i)
        log.push_back(block_of({transfer_by(chain, i), transfer_by(chain, i + 5)}));
    EthHistory history;  // as after a restart from a snapshot of block 5
    for (const auto& block : log) ASSERT_TRUE(add(history, block, chain.ledger).ok());
    for (std::uint64_t height = 1; height <= 5; ++height) {
        EXPECT_EQ(history.block(height).value()->first_event, (height - 1) * 4) << height;
        EXPECT_EQ(history.block(height).value()->events, 4u);
    }
}

TEST_F(EthHistoryTest, goes_on_after_a_state_from_elsewhere) {
    std::vector<consensus::Block> elsewhere;
    for (int i = 0; i < 2; ++i) elsewhere.push_back(block_of({transfer_by(chain, i)}));
    EthHistory history, unprepared;
    const consensus::BlockFacts last{2, elsewhere[1].time_ms, 1, 0, ledger::digest_of("last")};
    history.begin_after(last);
    EXPECT_EQ(history.height(), 2u);
    EXPECT_EQ(history.block(2).value()->hash, last.hash);
    EXPECT_TRUE(history.block(2).value()->hashes.empty());
    const auto next = block_of({transfer_by(chain, 2)});
    for (auto* one : {&history, &unprepared}) {  // the other one sees a gap
        ASSERT_TRUE(add(*one, next, chain.ledger).ok());
        EXPECT_EQ(one->height(), 3u);
        EXPECT_EQ(one->block(3).value()->first_event, 4u);
        EXPECT_EQ(one->block(3).value()->events, 2u);
        EXPECT_FALSE(one->block(1).ok());
    }
    EXPECT_FALSE(unprepared.block(2).ok());
}

TEST_F(EthHistoryTest, leaves_out_what_could_not_run) {
    const auto good = transfer_by(chain, 0), gap = transfer_by(chain, 1, 5);
    EthHistory history;
    ASSERT_TRUE(add(history, block_of({gap, good}), chain.ledger).ok());
    EXPECT_EQ(history.block(1).value()->hashes,
              std::vector<Digest>{ledger::Transaction::hash(good)});
    EXPECT_FALSE(history.place_of(ledger::Transaction::hash(gap)).has_value());
}

TEST_F(EthHistoryTest, forgets_the_oldest_and_says_so) {
    EthHistory history(2000);
    Digest first;
    for (int i = 0; i < 12; ++i) {
        const auto raw = transfer_by(chain, i);
        if (i == 0) first = ledger::Transaction::hash(raw);
        ASSERT_TRUE(add(history, block_of({raw}), chain.ledger).ok());
    }
    const auto gone = history.block(1);
    ASSERT_FALSE(gone.ok());
    EXPECT_EQ(gone.error().kind, ErrorKind::not_found);
    EXPECT_TRUE(gone.error().message.starts_with(gateway::kPrunedHistory));
    EXPECT_FALSE(history.place_of(first).has_value());
    EXPECT_EQ(history.block(12).value()->height, 12u);
}

void add(EthPool& pool, ByteSpan raw) { pool.add(ledger::Transaction::hash(raw), raw, nullptr); }

TEST(EthPool, gives_an_unbroken_row_of_one_sender) {
    TestChain chain;
    EthPool pool;
    const auto row = [&](int number, std::uint64_t nonce) {
        return pool.row(wallet(number).address(), nonce).size();
    };
    for (const std::uint64_t ahead : {0, 2, 1, 4}) add(pool, transfer_by(chain, 0, ahead));
    add(pool, transfer_by(chain, 1));
    EXPECT_EQ(row(0, 0), 3u);
    EXPECT_EQ(row(0, 1), 2u);
    EXPECT_EQ(row(1, 0), 1u);
    EXPECT_EQ(row(2, 0), 0u);
    const auto first = transfer_by(chain, 0);
    EXPECT_EQ(pool.find(ledger::Transaction::hash(first)), first);
    pool.remove({ledger::Transaction::hash(first)});
    EXPECT_FALSE(pool.find(ledger::Transaction::hash(first)).has_value());
    EXPECT_EQ(row(0, 0), 0u);
    EXPECT_EQ(row(0, 1), 2u);
}

TEST(EthPool, remembers_the_latest_taken_and_no_more) {
    TestChain chain;
    EthPool pool;
    const auto first = transfer_by(chain, 0);
    add(pool, first);
    add(pool, first);
    EXPECT_EQ(pool.taken(), 1u);
    EXPECT_EQ(pool.taken_since(0).size(), 1u);
    EXPECT_EQ(pool.taken_since(1).size(), 0u);
    // Bytes that nobody would take stand for many transactions: only their hashes count here.
    for (std::uint32_t i = 0; i < kPoolRemembered; ++i) add(pool, Writer().u(i).bytes());
    EXPECT_FALSE(pool.find(ledger::Transaction::hash(first)).has_value());
    EXPECT_EQ(pool.taken(), kPoolRemembered + 1);
    EXPECT_EQ(pool.taken_since(0).size(), kPoolRemembered);
    EXPECT_EQ(pool.row(wallet(0).address(), 0).size(), 0u);
}

TEST(EthPool, one_of_a_sender_with_one_nonce_takes_the_others_place) {
    TestChain chain;
    EthPool pool;
    std::vector<Bytes> raws;
    for (std::uint64_t fee : {10, 11}) {
        auto tx = chain.unsigned_call(wallet(0).address(),
                                      ledger::transfer(wallet(9).address(), ledger::Amount(fee)));
        tx.sign(wallet(0));
        raws.push_back(tx.encode());
        const auto hash = ledger::Transaction::hash(raws.back());
        pool.add(hash, raws.back(),
                 std::make_shared<const ledger::Admitted>(
                     ledger::Admitted{tx, hash, wallet(0).address(), 21'000}));
    }
    EXPECT_FALSE(pool.find(ledger::Transaction::hash(raws[0])).has_value());
    EXPECT_EQ(pool.rival(wallet(0).address(), 0), raws[1]);
    EXPECT_FALSE(pool.rival(wallet(0).address(), 1).has_value());
    EXPECT_FALSE(pool.rival(wallet(1).address(), 0).has_value());
    EXPECT_EQ(pool.row(wallet(0).address(), 0), std::vector<Bytes>{raws[1]});
    pool.remove({ledger::Transaction::hash(raws[0])});  // long forgotten
    EXPECT_EQ(pool.rival(wallet(0).address(), 0), raws[1]);
    pool.remove({ledger::Transaction::hash(raws[1])});
    EXPECT_FALSE(pool.rival(wallet(0).address(), 0).has_value());
}

}  // namespace
}  // namespace mutirao::node
