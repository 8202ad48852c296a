// What a ledger forgets of its blocks, when it takes snapshots, and that it opens again.
#include <atomic>
#include <future>
#include <gtest/gtest.h>

#include "base/memory_disk.hpp"
#include "base/test_threads.hpp"
#include "consensus/test_application.hpp"
#include "consensus/test_comet.hpp"

namespace mutirao::consensus {
namespace {

// Counters that count what they run, and remember what they are told of it.
class Working final : public Application {
  public:
    Status check(ByteSpan transaction) override { return counters.check(transaction); }
    std::vector<Bytes> propose(const std::vector<Bytes>& waiting, std::size_t max) override {
        return counters.propose(waiting, max);
    }
    Result<Digest> finalize(std::uint64_t height, std::uint64_t time_ms,
                            const std::vector<Bytes>& transactions) override {
        staged = transactions.size();
        if (on_finalize) on_finalize(height);
        return counters.finalize(height, time_ms, transactions);
    }
    Status commit() override {
        done += staged;
        return counters.commit();
    }
    std::unique_ptr<FrozenState> freeze() const override {
        ++snapshots;
        return counters.freeze();
    }
    Status restore(ByteSpan bytes) override { return counters.restore(bytes); }
    Status recall(const ReadHistory& read) override { return counters.recall(read); }
    Result<std::optional<Bytes>> record(ByteSpan key) const override {
        return counters.record(key);
    }
    std::uint64_t height() const override { return counters.height(); }
    Digest state_hash() const override { return counters.state_hash(); }
    std::uint64_t time_ms() const override { return counters.time_ms(); }
    std::uint64_t ran() const override { return done; }
    Bytes findings(std::span<const ByteSpan> transactions) const override {
        return Writer().u(transactions.size()).bytes();
    }
    void believe(std::span<const ByteSpan> transactions, ByteSpan findings) const override {
        if (on_believe) on_believe();
        believed += transactions.size();
        EXPECT_EQ(to_bytes(findings), Writer().u(transactions.size()).bytes());
    }

    Counters counters;
    std::uint64_t staged = 0, done = 0;
    mutable std::atomic<std::uint64_t> believed = 0;
    std::function<void(std::uint64_t height)> on_finalize;
    std::function<void()> on_believe;
    mutable int snapshots = 0;
};

// A ledger whose blocks are as long as blocks may be, so that its log has several segments.
class Forgetting : public ::testing::Test {
  protected:
    Result<std::unique_ptr<Engine>> open() {
        EngineOptions options;
        options.proposer = crypto::BlsSecretKey::generate(Bytes(32, 1)).value();
        options.snapshot_every = 3;
        options.blocks_kept = blocks_kept;
        options.snapshot_transactions = snapshot_transactions;
        options.on_block = [this](const Block& block) {
            if (first_told == 0) first_told = block.height;
        };
        options.on_forgotten = [this](std::uint64_t first) { kept_from = first; };
        options.threads = threads;
        application = std::make_unique<Working>();
        if (on_made) on_made(*application);
        return open_engine(disk, clock, *application, std::move(options));
    }
    void run(Engine& engine, std::uint32_t blocks, std::size_t ballast = 120'000) {
        for (std::uint32_t i = 0; i < blocks; ++i) {
            for (int k = 0; k < 8; ++k) {
                auto text = "a" + std::to_string(++step) + " ";
                text.resize(ballast, 'x');
                ASSERT_TRUE(engine.submit(as_bytes(text)).ok());
            }
            ASSERT_TRUE(engine.make_block().value());
        }
    }

    MemoryDisk disk;
    TestLedger::NoClock clock;
    std::uint64_t blocks_kept = 5, snapshot_transactions = 1 << 18;
    std::uint64_t first_told = 0, kept_from = 0;
    std::uint32_t step = 0;
    Threads threads;
    std::function<void(Working& made)> on_made;
    std::unique_ptr<Working> application;
};

TEST_F(Forgetting, old_blocks_go_and_the_ledger_opens_again) {
    auto engine = open().value();
    run(*engine, 50);
    EXPECT_GT(kept_from, 1u);
    EXPECT_LE(kept_from, 45u);
    EXPECT_LT(disk.bytes_stored(), std::uint64_t{40} << 20);  // of 48 MB
    const auto state = application->state_hash();
    const auto last = engine->blocks(50, 1).at(0).hash;
    engine.reset();
    first_told = 0;
    engine = open().value();
    EXPECT_EQ(engine->opened_at(), 48u);
    EXPECT_EQ(first_told, 49u);
    std::vector<std::uint64_t> old;
    const auto read = [&](std::uint64_t from) {
        old.clear();
        ASSERT_TRUE(engine
                        ->read_blocks(from,
                                      [&](const Block& block) -> Status {
                                          old.push_back(block.height);
                                          return {};
                                      })
                        .ok());
    };
    read(0);
    EXPECT_EQ(old.front(), kept_from);
    EXPECT_EQ(old.back(), 48u);
    EXPECT_EQ(old.size(), 49 - kept_from);
    read(47);
    EXPECT_EQ(old, (std::vector<std::uint64_t>{47, 48}));
    read(49);
    EXPECT_TRUE(old.empty());
    EXPECT_EQ(application->state_hash(), state);
    EXPECT_EQ(engine->blocks(50, 1).at(0).hash, last);
    run(*engine, 2);
    engine.reset();
    // The snapshot is all that there is of the first blocks.
    ASSERT_TRUE(disk.remove("snapshot").ok());
    const auto opened = open();
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().kind, ErrorKind::corrupt);
    EXPECT_NE(opened.error().message.find("the snapshot is missing"), std::string::npos);
}

TEST_F(Forgetting, an_archive_keeps_all) {
    blocks_kept = 0;
    auto engine = open().value();
    run(*engine, 40);
    EXPECT_EQ(kept_from, 0u);
    engine.reset();
    ASSERT_TRUE(disk.remove("snapshot").ok());
    first_told = 0;
    ASSERT_TRUE(open().ok());
    EXPECT_EQ(first_told, 1u);
    EXPECT_EQ(application->height(), 40u);
}

TEST_F(Forgetting, a_snapshot_comes_sooner_when_much_has_run) {
    snapshot_transactions = 8;
    auto engine = open().value();
    run(*engine, 4, 20);
    EXPECT_EQ(application->snapshots, 4);
}

// What was found out comes back beside what is run again, and only that.
TEST_F(Forgetting, findings_come_back_with_the_blocks_after_the_snapshot) {
    auto engine = open().value();
    run(*engine, 5, 20);
    engine.reset();
    ASSERT_TRUE(open().ok());
    EXPECT_EQ(application->believed, 16u);  // blocks 4 and 5
}

bool comes(std::promise<void>& told) {
    return told.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready;
}

// Block 4 is run while block 5 is brought back: each waits here for the other.
TEST_F(Forgetting, the_next_block_is_brought_back_beside_the_run_of_this_one) {
    auto engine = open().value();
    run(*engine, 5, 20);
    engine.reset();
    const auto expected = application->state_hash();
    ThreadExecutor executor;
    threads = {&executor, 2};
    std::promise<void> run_begun, next_believed;
    on_made = [&](Working& made) {
        made.on_finalize = [&](std::uint64_t height) {
            EXPECT_GE(application->believed, (height - 3) * 8);  // its own, at least
            if (height != 4) return;
            run_begun.set_value();
            EXPECT_TRUE(comes(next_believed));
        };
        made.on_believe = [&, calls = 0]() mutable {
            if (++calls != 2) return;
            EXPECT_TRUE(comes(run_begun));
            next_believed.set_value();
        };
    };
    ASSERT_TRUE(open().ok());
    EXPECT_EQ(application->believed, 16u);
    EXPECT_EQ(application->height(), 5u);
    EXPECT_EQ(application->state_hash(), expected);
}

// What is wrong with a block is told although the next one was read meanwhile.
TEST_F(Forgetting, a_block_that_cannot_run_again_is_told_of_with_threads_too) {
    auto engine = open().value();
    run(*engine, 5, 20);
    engine.reset();
    ThreadExecutor executor;
    threads = {&executor, 2};
    on_made = [&](Working& made) {
        made.on_finalize = [&made](std::uint64_t height) {
            if (height != 4) return;
            EXPECT_TRUE(made.counters.commit().ok());  // one block too far
        };
    };
    const auto opened = open();
    ASSERT_FALSE(opened.ok());
    EXPECT_NE(opened.error().message.find("wrong height"), std::string::npos);
}

// CometBFT may forget what the ledger needs no more: ResponseCommit.retain_height.
TEST(Comet, is_told_what_it_may_forget) {
    MemoryDisk disk;
    TestLedger::NoClock clock;
    Counters application;
    auto options = TestLedger::options();
    options.blocks_kept = 4;
    const auto engine = open_engine(disk, clock, application, std::move(options)).value();
    TestLedger ledger;
    ledger.application = std::make_unique<Counters>();
    ledger.talk = engine->converse();
    ledger.init_chain();
    std::vector<std::uint64_t> told;
    for (std::uint64_t height = 1; height <= 9; ++height) {
        ledger.finalize(height, {});
        told.push_back(number(ledger.ask(AbciCall::commit), 3));
    }
    // Four blocks, and none that the snapshot of every third block does not have.
    EXPECT_EQ(told, (std::vector<std::uint64_t>{0, 0, 0, 0, 2, 3, 4, 5, 6}));
}

}  // namespace
}  // namespace mutirao::consensus
