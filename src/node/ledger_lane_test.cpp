// The data lane of a ledger: batches in, blocks of certificates, and what runs.
#include "node/ledger_lane.hpp"

#include <gtest/gtest.h>

#include "base/memory_disk.hpp"
#include "lane/test_batches.hpp"
#include "ledger/test_chain.hpp"
#include "node/ledger_role.hpp"
#include "node/test_transfers.hpp"

namespace mutirao::node {
namespace {

using lane::batch_of;
using ledger::Amount;
using ledger::wallet;

class TestClock final : public Clock {
  public:
    Duration monotonic() override { return Duration(unix_ms() * 1'000'000); }
    std::uint64_t unix_ms() override { return now_ms++; }
    void sleep(Duration) override {}
    std::uint64_t now_ms = ledger::kStartMs;
};

// A ledger role on a disk, and transfers to an account that begins with nothing.
class DataLane : public ::testing::Test {
  protected:
    void SetUp() override {
        const auto genesis = ledger::encode_record(ledger::TestChain::genesis());
        ASSERT_TRUE(disk.write_file_atomic(kGenesisFile, genesis).ok());
        open();
    }
    void open() {
        role.reset();
        consensus::EngineOptions options;
        options.proposer = lane::keeper_key(0);
        options.snapshot_every = 3;
        role = LedgerRole::open(disk, clock, std::move(options)).value();
    }
    Result<Bytes> put(const lane::Batch& batch) { return role->serve(kPutBatch, batch.encode()); }
    ErrorKind refusal(const lane::Batch& batch) {
        const auto answer = put(batch);
        EXPECT_FALSE(answer.ok());
        return answer.ok() ? ErrorKind::io : answer.error().kind;
    }
    std::uint64_t received() { return static_cast<std::uint64_t>(account(kPayee).balance.wei()); }
    ledger::Account account(const Address& address) {
        return role->ethereum().account(address).value();
    }

    MemoryDisk disk;
    TestClock clock;
    std::unique_ptr<LedgerRole> role;
};

TEST_F(DataLane, a_batch_is_certified_and_runs_in_the_next_block) {
    const auto batch = transfers(1, 0, {{1, 0}, {1, 1}, {2, 0}});
    const auto certificate = lane::Certificate::decode(put(batch).value()).value();
    EXPECT_EQ(certificate.batch, batch.statement());
    EXPECT_TRUE(certificate.verify(lane::keepers_of(1), lane::kChain).ok());
    EXPECT_LE(certificate.encode().size(), 300u);
    EXPECT_EQ(received(), 0u);
    ASSERT_TRUE(role->tick().ok());
    EXPECT_EQ(received(), 3u);
    EXPECT_EQ(account(wallet(1).address()).nonce, 2u);
    // Wallets see the transactions, not the certificate.
    const auto block = role->ethereum().block(1).value();
    ASSERT_EQ(block->transactions.size(), 3u);
    EXPECT_EQ(block->transactions[2].sender, wallet(2).address());
    EXPECT_TRUE(role->ethereum().place_of(ledger::Transaction::hash(batch.transactions[0])));
}

// One transaction is read without the rest of its block.
TEST_F(DataLane, a_part_of_a_block_is_what_the_whole_says) {
    const auto batch = transfers(1, 0, {{1, 0}, {1, 1}, {2, 0}, {3, 0}, {3, 1}, {4, 0}});
    ASSERT_TRUE(put(batch).ok());
    ASSERT_TRUE(role->tick().ok());
    std::vector<gateway::ExecutedPart> parts;
    for (std::size_t i = 0; i < batch.transactions.size(); ++i)
        parts.push_back(*role->ethereum().part({1, i}).value());
    const auto whole = role->ethereum().block(1).value();
    ASSERT_EQ(whole->transactions.size(), parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto expected = gateway::part_of(*whole, i);
        EXPECT_EQ(parts[i].index, i);
        EXPECT_EQ(parts[i].gas_before, expected.gas_before);
        EXPECT_EQ(parts[i].logs_before, 2 * i);  // a fee and a transfer each
        EXPECT_EQ(expected.logs_before, 2 * i);
        EXPECT_EQ(parts[i].block.hash, whole->hash);
        EXPECT_EQ(parts[i].block.state, whole->state);
        const auto &part = parts[i].block.transactions.at(0), &tx = whole->transactions[i];
        EXPECT_EQ(part.hash, tx.hash);
        EXPECT_EQ(part.raw, tx.raw);
        EXPECT_EQ(part.sender, tx.sender);
        EXPECT_EQ(part.fee, tx.fee);
        EXPECT_EQ(part.succeeded, tx.succeeded);
        ASSERT_EQ(part.logs.size(), tx.logs.size());
        for (std::size_t log = 0; log < part.logs.size(); ++log)
            EXPECT_EQ(part.logs[log].data, tx.logs[log].data);
    }
    EXPECT_FALSE(role->ethereum().part({2, 0}).value().has_value());
}

TEST_F(DataLane, a_batch_runs_once_over_restarts_too) {
    const auto first = transfers(1, 0, {{1, 0}}), second = transfers(1, 1, {{1, 1}});
    ASSERT_TRUE(put(first).ok());
    ASSERT_TRUE(put(first).ok());  // the same again, while it waits
    ASSERT_TRUE(role->tick().ok());
    EXPECT_EQ(received(), 1u);
    EXPECT_EQ(refusal(first), ErrorKind::already_exists);
    ASSERT_TRUE(put(second).ok());
    open();  // before a block has it: nothing that was answered is lost
    EXPECT_EQ(received(), 1u);
    ASSERT_TRUE(role->tick().ok());
    EXPECT_EQ(received(), 2u);
    for (std::uint64_t i = 2; i < 7; ++i) {  // past a snapshot
        ASSERT_TRUE(put(transfers(1, i, {{1, i}})).ok());
        ASSERT_TRUE(role->tick().ok());
    }
    EXPECT_EQ(received(), 7u);
    const auto before = role->ethereum().block(7).value()->state;
    open();
    EXPECT_EQ(received(), 7u);
    EXPECT_EQ(role->ethereum().block(7).value()->state, before);
    EXPECT_EQ(role->ethereum().block(1).value()->transactions.size(), 1u);
    ASSERT_TRUE(put(transfers(1, 7, {{1, 7}})).ok());
}

TEST_F(DataLane, refuses_a_batch_that_is_not_all_good_and_takes_nothing_of_it) {
    EXPECT_EQ(role->serve(kPutBatch, as_bytes("no batch")).error().kind, ErrorKind::corrupt);
    auto forged = transfers(1, 0, {{1, 0}});
    forged.author = wallet(2).address();
    EXPECT_EQ(refusal(forged), ErrorKind::permission_denied);
    auto junk = transfers(1, 0, {{1, 0}});
    junk.transactions.push_back(to_bytes(as_bytes("junk")));
    junk.sign(lane::author_key(1), lane::kChain);
    EXPECT_FALSE(put(junk).ok());
    EXPECT_EQ(refusal(transfers(1, 0, {{1, 0}, {60, 0}})), ErrorKind::insufficient_funds);
    EXPECT_EQ(refusal(transfers(1, 1, {{1, 0}})), ErrorKind::invalid_argument);  // not the next
    ASSERT_TRUE(role->tick().ok());
    EXPECT_EQ(received(), 0u);
    EXPECT_TRUE(put(transfers(1, 0, {{1, 0}})).ok());
}

TEST_F(DataLane, an_author_that_equivocates_is_refused) {
    ASSERT_TRUE(put(transfers(1, 0, {{1, 0}})).ok());
    EXPECT_EQ(refusal(transfers(1, 0, {{2, 0}})), ErrorKind::already_exists);
    ASSERT_TRUE(role->tick().ok());
    open();
    EXPECT_EQ(refusal(transfers(1, 0, {{2, 0}})), ErrorKind::already_exists);
    EXPECT_EQ(received(), 1u);
}

// The log alone says less than the state: the last block's batch is beside it.
TEST_F(DataLane, an_exported_state_has_what_the_last_batch_did) {
    for (std::uint64_t i = 0; i < 5; ++i) {  // past a snapshot, and not at one
        ASSERT_TRUE(put(transfers(1, i, {{1, i}})).ok());
        ASSERT_TRUE(role->tick().ok());
    }
    const auto height = role->ethereum().height();
    const auto state = role->ethereum().block(height).value()->state;
    const auto sent = received();
    role.reset();
    consensus::EngineOptions options;
    options.proposer = lane::keeper_key(0);
    const auto exported = LedgerRole::export_state(disk, clock, options).value();
    EXPECT_EQ(exported.state.height, height);
    EXPECT_EQ(exported.state_hash, state);
    const auto restored = ledger::Ledger::restore(exported.state.state).value();
    EXPECT_EQ(restored.state_hash(), state);
    const auto account =
        ledger::require<ledger::Account>(restored.state(), ledger::key::account(kPayee), "payee");
    EXPECT_EQ(static_cast<std::uint64_t>(account.value().balance.wei()), sent);
    EXPECT_EQ(
        ledger::read_counter(restored.state(), ledger::key::lane_tip(lane::author_key(1).address()))
            .value(),
        5u);
}

TEST_F(DataLane, the_next_nonce_counts_what_waits_in_batches) {
    const ledger::TestChain chain;
    const auto next = [&](int number) {
        return role->ethereum().pending_nonce(wallet(number).address()).value();
    };
    ASSERT_TRUE(put(transfers(1, 0, {{1, 0}, {1, 1}, {2, 0}})).ok());
    EXPECT_EQ(next(1), 2u);
    EXPECT_EQ(next(2), 1u);
    EXPECT_EQ(next(3), 0u);
    // By itself, after those in the batch; and in another batch after that.
    const auto plain = chain.signed_call(wallet(1), ledger::transfer(kPayee, Amount(1)), 2);
    ASSERT_TRUE(role->ethereum().submit(plain).ok());
    ASSERT_TRUE(put(transfers(1, 1, {{1, 3}})).ok());
    EXPECT_EQ(next(1), 4u);
    open();  // batches outlive the process, what was sent by itself does not
    EXPECT_EQ(next(1), 2u);
    ASSERT_TRUE(role->ethereum().submit(plain).ok());
    EXPECT_EQ(next(1), 4u);
    ASSERT_TRUE(role->tick().ok());
    // The batches have run, and the last one's transaction found a gap before it.
    EXPECT_EQ(account(wallet(1).address()).nonce, 2u);
    EXPECT_EQ(next(1), 3u);
    EXPECT_EQ(next(2), 1u);
}

TEST_F(DataLane, certificates_come_by_the_lane_only) {
    const auto certificate = put(transfers(1, 0, {{1, 0}})).value();
    EXPECT_EQ(role->ethereum().submit(certificate).error().kind, ErrorKind::invalid_argument);
}

TEST_F(DataLane, plain_transactions_and_batches_share_a_block) {
    const ledger::TestChain chain;
    const auto plain = chain.signed_call(wallet(3), ledger::transfer(kPayee, Amount(10)));
    ASSERT_TRUE(role->ethereum().submit(plain).ok());
    ASSERT_TRUE(put(transfers(1, 0, {{1, 0}})).ok());
    ASSERT_TRUE(put(transfers(2, 0, {{2, 0}})).ok());
    ASSERT_TRUE(role->tick().ok());
    EXPECT_EQ(role->ethereum().height(), 1u);
    EXPECT_EQ(received(), 12u);
}

// What a block holds decides, whoever proposed it: three keepers here, of whom this is one.
class LaneBlocks : public ::testing::Test {
  protected:
    static constexpr std::uint64_t kUntil = 50;
    LaneBlocks() { lane_.set_keepers({keepers, {}, {}}, 0); }
    Bytes certified(const lane::Batch& batch, std::uint32_t signers = 3) {
        const auto statement = batch.statement();
        std::vector<lane::Acknowledgement> given;
        for (std::uint32_t i = 0; i < 3; ++i)
            given.push_back(
                {i, lane::keeper_key(i).sign(statement.kept_message(lane::kChain, kUntil))});
        auto out = lane::certify(statement, kUntil, keepers, lane::kChain, given).value();
        if (signers < 3) out.signers[0] = static_cast<std::uint8_t>((1u << signers) - 1);
        return out.encode();
    }
    // How many transactions would run.
    std::size_t runs(const std::vector<Bytes>& block, std::uint64_t next = 0,
                     std::uint64_t height = 1) {
        return lane_
            .expand(
                block, [&](const Address&) -> Result<std::uint64_t> { return next; }, height)
            .value()
            .transactions.size();
    }

    MemoryDisk disk;
    const lane::Keepers keepers = lane::keepers_of(3);
    LedgerLane lane_{lane::BatchLog::open(disk).value(), std::make_shared<ledger::Memo>(),
                     lane::keeper_key(0), lane::kChain};
};

TEST_F(LaneBlocks, a_certificate_stands_for_its_batch_once_in_turn_and_when_it_holds) {
    const auto first = batch_of(1, 0), second = batch_of(1, 1);
    const auto count = first.transactions.size();
    for (const auto& batch : {first, second})
        ASSERT_TRUE(lane_.log().keep(batch.statement(), batch.encode(), {}, 0, {}).ok());
    EXPECT_EQ(runs({certified(first), certified(second)}), 2 * count);
    EXPECT_EQ(runs({certified(first), certified(first)}), count);      // replayed in a block
    EXPECT_EQ(runs({certified(first)}, 1), 0u);                        // replayed later
    EXPECT_EQ(runs({certified(second)}), 0u);                          // out of turn
    EXPECT_EQ(runs({certified(first, 2), certified(second)}), 0u);     // under quorum
    EXPECT_EQ(runs({Bytes{lane::Certificate::kTag, 1, 2}, {7}}), 1u);  // no certificate at all
    const auto next = [](const Address&) -> Result<std::uint64_t> { return std::uint64_t{1}; };
    EXPECT_EQ(lane_.check(certified(first), next, 1).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(lane_.check(certified(second, 2), next, 1).error().kind,
              ErrorKind::permission_denied);
    EXPECT_TRUE(lane_.check(certified(second), next, 1).ok());
}

TEST_F(LaneBlocks, a_certificate_holds_until_its_last_block_and_among_its_keepers) {
    const auto batch = batch_of(1, 0);
    ASSERT_TRUE(lane_.log().keep(batch.statement(), batch.encode(), {}, kUntil, {}).ok());
    const auto next = [](const Address&) -> Result<std::uint64_t> { return std::uint64_t{0}; };
    const std::vector<Bytes> block{certified(batch)};
    EXPECT_GT(runs(block, 0, kUntil), 0u);
    EXPECT_EQ(runs(block, 0, kUntil + 1), 0u);
    EXPECT_FALSE(lane_.check(block[0], next, kUntil + 1).ok());
    EXPECT_EQ(lane_.propose(block, 1 << 20, next, kUntil).value().certificates, block);
    EXPECT_TRUE(lane_.propose(block, 1 << 20, next, kUntil + 1).value().certificates.empty());
    // What held among others is checked anew.
    auto others = keepers;
    others.votes = {1, 1, 7};
    lane_.set_keepers({others, {}, {}}, 1);
    EXPECT_GT(runs(block), 0u);
    lane_.set_keepers({lane::keepers_of(5), {}, {}}, 1);
    EXPECT_EQ(runs(block), 0u);
    // A block that ran stays what it was.
    EXPECT_EQ(lane_.expand_again(block, next).value().batches.size(), 1u);
}

TEST_F(LaneBlocks, what_is_certified_and_not_here_is_lacking) {
    const auto here = batch_of(1, 0), elsewhere = batch_of(2, 0), under = batch_of(3, 0);
    ASSERT_TRUE(lane_.log().keep(here.statement(), here.encode(), {}, kUntil, {}).ok());
    const std::vector<Bytes> block{
        {1, 2}, certified(here), certified(elsewhere), certified(under, 2)};
    const auto lacking = lane_.lacking(std::vector<ByteSpan>(block.begin(), block.end()));
    ASSERT_EQ(lacking.size(), 1u);
    EXPECT_EQ(lacking[0].batch, elsewhere.statement());
    lane_.set_keepers({keepers, {}, {}}, kUntil);
    EXPECT_TRUE(lane_.lacking(std::vector<ByteSpan>(block.begin(), block.end())).empty());
}

TEST_F(LaneBlocks, a_batch_that_is_not_kept_here_stops_the_block) {
    const auto next = [](const Address&) -> Result<std::uint64_t> { return std::uint64_t{0}; };
    EXPECT_EQ(lane_.expand({certified(batch_of(1, 0))}, next, 1).error().kind,
              ErrorKind::not_found);
}

TEST_F(LaneBlocks, authors_take_turns_within_the_bytes_of_a_block) {
    std::vector<Bytes> waiting;
    for (std::uint64_t i = 0; i < 3; ++i) waiting.push_back(certified(batch_of(1, i)));
    waiting.push_back(certified(batch_of(2, 0)));
    const auto next = [](const Address&) -> Result<std::uint64_t> { return std::uint64_t{0}; };
    const auto all = lane_.propose(waiting, 1 << 20, next, 1).value();
    EXPECT_EQ(all.certificates, (std::vector{waiting[0], waiting[3], waiting[1], waiting[2]}));
    const auto two = lane_.propose(waiting, all.bytes / 2, next, 1).value();
    EXPECT_EQ(two.certificates, (std::vector{waiting[0], waiting[3]}));
}

}  // namespace
}  // namespace mutirao::node
