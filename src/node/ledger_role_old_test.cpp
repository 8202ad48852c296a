// A ledger that has opened again: what it answers at once, and what only after it has read it.
#include <future>
#include <gtest/gtest.h>

#include "base/memory_disk.hpp"
#include "consensus/test_application.hpp"
#include "ledger/test_chain.hpp"
#include "node/ledger_role.hpp"
#include "node/test_transfers.hpp"

namespace mutirao::node {
namespace {

using ledger::wallet;

class TestClock final : public Clock {
  public:
    Duration monotonic() override { return {}; }
    std::uint64_t unix_ms() override { return ledger::kStartMs; }
    void sleep(Duration) override {}
};

constexpr std::uint64_t kBlocks = 20;  // a transfer each, alternately by itself and in a batch

class OldBlocks : public ::testing::Test {
  protected:
    void SetUp() override {
        const auto genesis = ledger::encode_record(ledger::TestChain::genesis());
        ASSERT_TRUE(disk.write_file_atomic(kGenesisFile, genesis).ok());
        open();
        for (std::uint64_t nonce = 0; nonce < kBlocks; ++nonce) make_block(nonce);
        expected = whole();
        open();
        ASSERT_GT(disk.list("").value().size(), 12u);  // logs of several files
    }
    void open() {
        role.reset();
        consensus::EngineOptions options;
        options.proposer = lane::keeper_key(0);
        options.snapshot_every = 3;
        options.log_segment_bytes = 1500;
        options.snapshots = &tasks;
        role = LedgerRole::open(disk, clock, std::move(options)).value();
    }
    void make_block(std::uint64_t nonce) {
        const auto batch = transfers(1, nonce / 2, {{1, nonce}});
        hashes.push_back(ledger::Transaction::hash(batch.transactions[0]));
        if (nonce % 2 == 0) {
            ASSERT_TRUE(role->serve(kPutBatch, batch.encode()).ok());
        } else {
            ASSERT_TRUE(role->ethereum().submit(batch.transactions[0]).ok());
        }
        ASSERT_TRUE(role->tick().ok());
        run_tasks();
    }
    void run_tasks() {
        while (tasks.run_one()) continue;
    }
    // All that can be asked of blocks, as text.
    std::string whole() {
        auto& eth = role->ethereum();
        std::string out;
        for (std::uint64_t height = 1; height <= kBlocks; ++height) {
            const auto block = eth.block(height);
            if (!block.ok()) return out + block.error().message;
            out += (*block)->hash.hex() + (*block)->state.hex() +
                   std::to_string(eth.height_of((*block)->hash).value_or(0));
            for (const auto& tx : (*block)->transactions)
                out += tx.hash.hex() + tx.sender.hex() + std::to_string(tx.logs.size());
        }
        for (std::size_t i = 0; i < kBlocks; ++i)
            out +=
                " " + std::to_string(
                          eth.place_of(hashes[i]).value_or(gateway::TransactionPlace{0, 0}).height);
        const auto count = eth.event_count().value();
        for (const auto& event : eth.events(0, count).value())
            out += " " + std::to_string(event.index) + "@" + std::to_string(event.height);
        return out;
    }

    MemoryDisk disk;
    TestClock clock;
    consensus::QueuedTasks tasks;
    std::vector<Digest> hashes;
    std::string expected;
    std::unique_ptr<LedgerRole> role;
};

TEST_F(OldBlocks, are_waited_for_and_what_concerns_the_state_is_not) {
    auto& eth = role->ethereum();
    EXPECT_EQ(eth.height(), kBlocks);
    EXPECT_EQ(eth.account(wallet(1).address()).value().nonce, kBlocks);
    EXPECT_EQ(eth.block(kBlocks).value()->transactions.size(), 1u);  // after the snapshot
    EXPECT_EQ(eth.place_of(hashes.back())->height, kBlocks);
    auto asked = std::async(std::launch::async, [&] { return whole(); });
    run_tasks();
    EXPECT_EQ(asked.get(), expected);
}

TEST_F(OldBlocks, come_also_after_blocks_that_were_made_meanwhile) {
    const auto batch = transfers(1, kBlocks / 2, {{1, kBlocks}});
    ASSERT_TRUE(role->serve(kPutBatch, batch.encode()).ok());
    ASSERT_TRUE(role->tick().ok());
    EXPECT_EQ(role->ethereum().block(kBlocks + 1).value()->transactions.size(), 1u);
    run_tasks();
    const auto all = whole();
    EXPECT_TRUE(all.starts_with(expected.substr(0, 1000)));
    EXPECT_EQ(role->ethereum().events(0, 2).value().size(), 2u);
    EXPECT_EQ(role->ethereum().place_of(hashes[0])->height, 1u);
    open();
    run_tasks();
    EXPECT_EQ(whole(), all);
}

TEST_F(OldBlocks, are_not_waited_for_when_the_ledger_stops_or_goes) {
    auto asked = std::async(std::launch::async, [&] { return role->ethereum().block(1); });
    role->stop();
    EXPECT_FALSE(asked.get().ok());
    role.reset();
    run_tasks();  // of the one that is gone: nothing happens
}

TEST_F(OldBlocks, that_are_damaged_are_not_shown_and_stop_nothing) {
    role.reset();
    run_tasks();
    ASSERT_TRUE(disk.flip_bit("history.log", 8 * 100));
    open();
    run_tasks();
    const auto first = role->ethereum().block(1);
    ASSERT_FALSE(first.ok());
    EXPECT_TRUE(first.error().message.starts_with(gateway::kPrunedHistory));
    EXPECT_EQ(role->ethereum().block(kBlocks).value()->transactions.size(), 1u);
    make_block(kBlocks);
    EXPECT_EQ(role->ethereum().account(wallet(1).address()).value().nonce, kBlocks + 1);
}

}  // namespace
}  // namespace mutirao::node
