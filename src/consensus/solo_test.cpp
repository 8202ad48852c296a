#include <atomic>
#include <gtest/gtest.h>
#include <set>
#include <thread>

#include "base/memory_disk.hpp"
#include "base/random.hpp"
#include "consensus/block_log.hpp"
#include "consensus/engine.hpp"
#include "consensus/snapshot_store.hpp"
#include "consensus/test_application.hpp"

namespace mutirao::consensus {
namespace {

class TestClock final : public Clock {
  public:
    Duration monotonic() override { return std::chrono::milliseconds(now_ms); }
    std::uint64_t unix_ms() override { return now_ms; }
    void sleep(Duration) override {}
    std::uint64_t now_ms = 1000;
};

crypto::BlsSecretKey proposer(std::uint8_t number = 1) {
    return crypto::BlsSecretKey::generate(Bytes(32, number)).value();
}

Bytes step(const std::string& text) { return to_bytes(as_bytes(text)); }

// One ledger machine: a disk that outlives the processes on it.
struct Machine {
    Result<std::unique_ptr<Engine>> open(std::uint8_t key = 1) {
        EngineOptions options;
        options.proposer = proposer(key);
        options.snapshot_every = 3;
        options.at_point = at_point;
        options.snapshots = tasks;
        application = std::make_unique<Counters>();
        return open_engine(disk, clock, *application, std::move(options));
    }
    // `count` blocks, one step of counter `a` each, beginning with `first`.
    void run(std::uint32_t first, std::uint32_t count) {
        auto engine = open().value();
        for (std::uint32_t i = first; i < first + count; ++i) {
            clock.now_ms += 100;
            ASSERT_TRUE(engine->submit(step("a" + std::to_string(i))).ok());
            ASSERT_TRUE(engine->make_block().value());
        }
    }
    // Of every block, as it comes back from the disk.
    std::map<std::uint64_t, Bytes> whole_history() {
        const auto engine = open().value();
        const auto read = [&](const auto& each) { return engine->read_history(each); };
        EXPECT_TRUE(application->recall(read).ok());
        EXPECT_EQ(application->history().size(), application->height());
        return application->history();
    }
    MemoryDisk disk;
    TestClock clock;
    AtPoint at_point;
    Executor* tasks = nullptr;
    std::unique_ptr<Counters> application;
};

TEST(Solo, makes_a_block_of_what_waits_and_only_then) {
    Machine machine;
    auto engine = machine.open().value();
    EXPECT_FALSE(engine->make_block().value());
    EXPECT_EQ(engine->bytes_carried(), 0u);
    EXPECT_FALSE(engine->is_waiting(step("a1")));
    ASSERT_TRUE(engine->submit(step("a1")).ok());
    ASSERT_TRUE(engine->submit(step("a2")).ok());
    EXPECT_TRUE(engine->make_block().value());
    EXPECT_EQ(machine.application->counter('a'), 2u);
    EXPECT_EQ(machine.application->height(), 1u);
    EXPECT_FALSE(engine->make_block().value());
    const auto blocks = engine->blocks(0, 10);
    ASSERT_EQ(blocks.size(), 1u);
    EXPECT_EQ(blocks[0].height, 1u);
    EXPECT_EQ(blocks[0].transactions, 2u);
    EXPECT_EQ(blocks[0].time_ms, 1000u);
    EXPECT_EQ(engine->bytes_carried(), blocks[0].bytes);
}

TEST(Solo, takes_transactions_and_is_looked_at_while_a_block_is_executed) {
    Machine machine;
    std::unique_ptr<Engine> engine;
    int asked = 0;
    machine.at_point = [&](std::string_view point) {
        if (point != "after_finalize" || ++asked > 1) return;
        EXPECT_TRUE(engine->is_waiting(step("a1")));
        EXPECT_TRUE(engine->submit(step("a2")).ok());
        EXPECT_TRUE(engine->submit(step("b1")).ok());
        engine->with_application([](const auto& state) { EXPECT_EQ(state.height(), 0u); });
        EXPECT_TRUE(engine->blocks(0, 10).empty());
    };
    engine = machine.open().value();
    ASSERT_TRUE(engine->submit(step("a1")).ok());
    EXPECT_TRUE(engine->make_block().value());
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(engine->blocks(0, 10).at(0).transactions, 1u);
    EXPECT_FALSE(engine->is_waiting(step("a1")));
    EXPECT_TRUE(engine->is_waiting(step("a2")));
    EXPECT_TRUE(engine->make_block().value());
    EXPECT_EQ(machine.application->counter('a'), 2u);
    EXPECT_EQ(machine.application->counter('b'), 1u);
}

TEST(Solo, lets_whoever_brings_more_than_fits_beside_a_block_wait_for_it) {
    constexpr std::uint32_t kBeside = 256;
    Machine machine;
    std::unique_ptr<Engine> engine;
    std::thread late;
    std::atomic<bool> there = false;
    std::uint64_t taken_at = 0;
    machine.at_point = [&](std::string_view point) {
        if (point != "after_finalize" || there) return;
        for (std::uint32_t i = 1; i <= kBeside; ++i)
            ASSERT_TRUE(engine->submit(step("b" + std::to_string(i))).ok());
        late = std::thread([&] {
            there = true;
            EXPECT_TRUE(engine->submit(step("c1")).ok());
            engine->with_application([&](const auto& state) { taken_at = state.height(); });
        });
        while (!there) std::this_thread::yield();
    };
    engine = machine.open().value();
    ASSERT_TRUE(engine->submit(step("a1")).ok());
    EXPECT_TRUE(engine->make_block().value());
    late.join();
    EXPECT_EQ(taken_at, 1u);
    EXPECT_TRUE(engine->is_waiting(step("c1")));
    EXPECT_TRUE(engine->make_block().value());
    EXPECT_EQ(machine.application->counter('b'), kBeside);
    EXPECT_EQ(machine.application->counter('c'), 1u);
}

TEST(Solo, makes_an_empty_block_where_one_is_asked_for) {
    Machine machine;
    {
        auto engine = machine.open().value();
        EXPECT_TRUE(engine->make_block(true).value());
        EXPECT_TRUE(engine->make_block(true).value());
        EXPECT_EQ(machine.application->height(), 2u);
    }
    machine.run(1, 2);  // opens again, over the empty ones
    EXPECT_EQ(machine.application->height(), 4u);
}

// Of those that its snapshot has it tells when it is asked.
TEST(Solo, tells_of_every_block_in_order_and_of_those_after_the_snapshot_when_it_opens) {
    Machine machine;
    std::vector<std::uint64_t> heights;
    const auto open = [&] {
        EngineOptions options;
        options.proposer = proposer();
        options.snapshot_every = 3;
        options.on_block = [&](const Block& block) { heights.push_back(block.height); };
        machine.application = std::make_unique<Counters>();
        return open_engine(machine.disk, machine.clock, *machine.application, std::move(options));
    };
    {
        auto engine = open().value();
        for (int i = 1; i <= 5; ++i) {
            ASSERT_TRUE(engine->submit(step("a" + std::to_string(i))).ok());
            EXPECT_TRUE(engine->is_waiting(step("a" + std::to_string(i))));
            ASSERT_TRUE(engine->make_block().value());
            EXPECT_FALSE(engine->is_waiting(step("a" + std::to_string(i))));
        }
    }
    EXPECT_EQ(heights, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
    heights.clear();
    const auto engine = open().value();
    EXPECT_EQ(heights, (std::vector<std::uint64_t>{4, 5}));
    EXPECT_EQ(engine->opened_at(), 3u);
    heights.clear();
    const auto note = [&](const Block& block) -> Status {
        heights.push_back(block.height);
        return block.height < 3 ? Status() : Error{ErrorKind::unavailable, "enough"};
    };
    EXPECT_EQ(engine->read_blocks(2, note).error().message, "enough");
    EXPECT_EQ(heights, (std::vector<std::uint64_t>{2, 3}));
}

TEST(Solo, refuses_what_the_application_refuses) {
    Machine machine;
    auto engine = machine.open().value();
    EXPECT_EQ(engine->submit(step("?")).error().kind, ErrorKind::invalid_argument);
    ASSERT_TRUE(engine->submit(step("a1")).ok());
    ASSERT_TRUE(engine->submit(step("a1")).ok());  // the same bytes wait once
    ASSERT_TRUE(engine->make_block().value());
    EXPECT_EQ(engine->blocks(0, 10)[0].transactions, 1u);
    EXPECT_EQ(engine->submit(step("a1")).error().kind, ErrorKind::already_exists);
}

TEST(Solo, a_transaction_that_must_wait_for_another_waits) {
    Machine machine;
    auto engine = machine.open().value();
    ASSERT_TRUE(engine->submit(step("a2")).ok());
    EXPECT_FALSE(engine->make_block().value());
    ASSERT_TRUE(engine->submit(step("a1")).ok());
    EXPECT_TRUE(engine->make_block().value());
    EXPECT_EQ(machine.application->counter('a'), 2u);
}

TEST(Solo, a_full_queue_refuses_and_recovers) {
    Machine machine;
    auto engine = machine.open().value();
    for (std::size_t i = 1; i <= kWaitingMax; ++i)
        ASSERT_TRUE(engine->submit(step("a" + std::to_string(i))).ok());
    const auto more = step("a" + std::to_string(kWaitingMax + 1));
    EXPECT_EQ(engine->submit(more).error().kind, ErrorKind::resource_exhausted);
    ASSERT_TRUE(engine->make_block().value());
    EXPECT_EQ(machine.application->counter('a'), kWaitingMax);
    EXPECT_TRUE(engine->submit(more).ok());
}

// Transactions whose predecessors never come must not close the ledger to everybody else.
TEST(Solo, what_cannot_run_gives_way_in_a_crowded_queue) {
    Machine machine;
    auto engine = machine.open().value();
    for (std::size_t i = 2; i <= kWaitingMax + 1; ++i)
        ASSERT_TRUE(engine->submit(step("z" + std::to_string(i))).ok());
    EXPECT_EQ(engine->submit(step("a1")).error().kind, ErrorKind::resource_exhausted);
    EXPECT_FALSE(engine->make_block().value());
    EXPECT_TRUE(engine->submit(step("a1")).ok());
    EXPECT_TRUE(engine->make_block().value());
    EXPECT_EQ(machine.application->counter('a'), 1u);
}

TEST(Solo, a_block_holds_at_most_one_mebibyte) {
    Machine machine;
    auto engine = machine.open().value();
    for (int i = 1; i <= 20; ++i)
        ASSERT_TRUE(
            engine->submit(step("a" + std::to_string(i) + " " + std::string(100'000, 'x'))).ok());
    ASSERT_TRUE(engine->make_block().value());
    EXPECT_EQ(engine->blocks(1, 1)[0].transactions, 10u);
    ASSERT_TRUE(engine->make_block().value());
    EXPECT_EQ(machine.application->counter('a'), 20u);
    EXPECT_EQ(engine->bytes_carried(),
              engine->blocks(1, 1)[0].bytes + engine->blocks(2, 1)[0].bytes);
}

TEST(Solo, block_time_never_goes_back) {
    Machine machine;
    auto engine = machine.open().value();
    ASSERT_TRUE(engine->submit(step("a1")).ok());
    ASSERT_TRUE(engine->make_block().value());
    machine.clock.now_ms = 5;
    ASSERT_TRUE(engine->submit(step("a2")).ok());
    ASSERT_TRUE(engine->make_block().value());
    EXPECT_EQ(engine->blocks(2, 1)[0].time_ms, 1000u);
}

TEST(Solo, goes_on_after_a_restart_where_it_was) {
    Machine machine;
    machine.run(1, 7);
    const auto hash = machine.application->state_hash();
    auto engine = machine.open().value();
    EXPECT_EQ(machine.application->state_hash(), hash);
    EXPECT_EQ(machine.application->counter('a'), 7u);
    const auto blocks = engine->blocks(0, 100);
    ASSERT_EQ(blocks.size(), 7u);
    std::uint64_t bytes = 0;
    for (const auto& block : blocks) bytes += block.bytes;
    EXPECT_EQ(engine->bytes_carried(), bytes);
    machine.run(8, 3);
    EXPECT_EQ(machine.application->counter('a'), 10u);
}

TEST(Solo, replays_from_the_beginning_without_its_snapshot) {
    Machine machine;
    machine.run(1, 7);
    const auto hash = machine.application->state_hash();
    ASSERT_TRUE(machine.disk.exists("snapshot").value());
    ASSERT_TRUE(machine.disk.remove("snapshot").ok());
    ASSERT_TRUE(machine.open().ok());
    EXPECT_EQ(machine.application->state_hash(), hash);
}

// The process dies at each persistence point of each block; after a restart the history goes on as
// in a ledger that never died.
TEST(Solo, a_crash_at_every_persistence_point_gives_the_same_state) {
    constexpr std::uint32_t kBlocks = 7;
    Machine reference;
    reference.run(1, kBlocks);
    const auto history = reference.whole_history();
    const auto state = reference.application->state_hash();
    const std::vector<std::string> points = {
        "block_before_append",  "block_after_append",  "block_after_sync",
        "after_finalize",       "after_commit",        "snapshot_before_write",
        "history_after_append", "history_after_sync",  "snapshot_after_append",
        "snapshot_after_sync",  "snapshot_after_write"};
    struct Crash {};
    std::set<std::string> reached;
    for (const auto& wanted : points)
        for (int nth = 1; nth <= static_cast<int>(kBlocks); ++nth)
            for (const std::uint64_t kept :
                 {std::uint64_t{0}, std::uint64_t{40}, ~std::uint64_t{0}}) {
                Machine machine;
                std::uint32_t done = 0;
                int left = nth;
                machine.at_point = [&](std::string_view point) {
                    if (point == wanted && --left == 0) throw Crash{};
                };
                auto engine = machine.open().value();
                try {
                    while (done < kBlocks) {
                        machine.clock.now_ms += 100;
                        ASSERT_TRUE(engine->submit(step("a" + std::to_string(done + 1))).ok());
                        ASSERT_TRUE(engine->make_block().value());
                        ++done;
                    }
                } catch (const Crash&) {
                    reached.insert(wanted);
                }
                engine.reset();
                machine.at_point = {};
                machine.disk.restart(kept);
                engine = machine.open().value();
                const auto height = static_cast<std::uint32_t>(machine.application->height());
                // Nothing that was reported as final is lost, and at most one block more is there.
                ASSERT_GE(height, done) << wanted << nth;
                ASSERT_LE(height, done + 1) << wanted << nth;
                ASSERT_EQ(machine.application->counter('a'), height);
                machine.clock.now_ms = 1000 + 100 * height;
                engine.reset();
                machine.run(height + 1, kBlocks - height);
                if (kept == 40) {
                    EXPECT_EQ(machine.whole_history(), history) << wanted << " " << nth;
                }
                EXPECT_EQ(machine.application->state_hash(), state) << wanted << " " << nth;
            }
    EXPECT_EQ(reached.size(), points.size());
}

// Exhaustive: the power goes before every changing call that seven blocks make.
TEST(Solo, a_power_cut_at_every_operation_loses_nothing_final) {
    Machine reference;
    reference.run(1, 7);
    for (std::uint64_t operations = 0; operations < reference.disk.operations(); ++operations) {
        Machine machine;
        std::uint32_t done = 0;
        machine.disk.cut_power_after_operations(operations);
        auto engine = machine.open();
        for (; engine.ok() && done < 7; ++done) {
            machine.clock.now_ms += 100;
            if (!(*engine)->submit(step("a" + std::to_string(done + 1))).ok()) break;
            const auto made = (*engine)->make_block();
            if (!made.ok() || !*made) break;
        }
        machine.disk.restart(7);
        auto again = machine.open();
        ASSERT_TRUE(again.ok()) << operations << ": " << again.error().message;
        EXPECT_GE(machine.application->height(), done) << operations;
        EXPECT_LE(machine.application->height(), done + 1u) << operations;
    }
}

TEST(Solo, a_disk_that_cannot_sync_stops_the_engine) {
    Machine machine;
    auto engine = machine.open().value();
    ASSERT_TRUE(engine->submit(step("a1")).ok());
    machine.disk.fail_syncs(true);
    EXPECT_EQ(engine->make_block().error().kind, ErrorKind::io);
    EXPECT_EQ(machine.application->counter('a'), 0u);
    machine.disk.fail_syncs(false);
    EXPECT_EQ(engine->make_block().error().kind, ErrorKind::unavailable);
    EXPECT_EQ(engine->submit(step("a2")).error().kind, ErrorKind::unavailable);
    engine.reset();
    machine.disk.restart(0);
    EXPECT_TRUE(machine.open().ok());
    EXPECT_EQ(machine.application->height(), 0u);
}

TEST(Solo, a_full_disk_keeps_the_transactions_waiting) {
    Machine machine;
    auto engine = machine.open().value();
    ASSERT_TRUE(engine->submit(step("a1")).ok());
    machine.disk.set_capacity(50);
    EXPECT_EQ(engine->make_block().error().kind, ErrorKind::resource_exhausted);
    EXPECT_EQ(machine.application->height(), 0u);
    machine.disk.set_capacity(1 << 20);
    EXPECT_TRUE(engine->make_block().value());
    EXPECT_EQ(machine.application->counter('a'), 1u);
}

TEST(Solo, a_snapshot_that_cannot_be_written_stops_nothing) {
    Machine machine;
    machine.run(1, 2);
    auto engine = machine.open().value();
    // Room for blocks, not for the snapshot of block 3.
    ASSERT_TRUE(engine->submit(step("a3")).ok());
    machine.disk.set_capacity(machine.disk.bytes_stored() + 44 + 200);
    EXPECT_TRUE(engine->make_block().value());
    EXPECT_FALSE(machine.disk.exists("snapshot").value());
    machine.disk.set_capacity(1 << 20);
    ASSERT_TRUE(engine->submit(step("a4")).ok());
    EXPECT_TRUE(engine->make_block().value());
    EXPECT_TRUE(machine.disk.exists("snapshot").value());
    engine.reset();
    EXPECT_TRUE(machine.open().ok());
    EXPECT_EQ(machine.application->counter('a'), 4u);
}

TEST(Solo, a_snapshot_is_written_while_blocks_go_on) {
    Machine machine;
    QueuedTasks tasks;
    machine.tasks = &tasks;
    {
        auto engine = machine.open().value();
        std::uint32_t made = 0;
        const auto make = [&](std::uint32_t until) {
            while (made < until) {
                ASSERT_TRUE(engine->submit(step("a" + std::to_string(++made))).ok());
                ASSERT_TRUE(engine->make_block().value());
            }
        };
        make(5);
        EXPECT_FALSE(machine.disk.exists("snapshot").value());
        while (tasks.run_one()) continue;
        EXPECT_EQ(read_snapshot(machine.disk).value()->height, 3u);
        make(6);  // learns of it, and begins the next
        make(9);
        while (tasks.run_one()) continue;
        EXPECT_EQ(read_snapshot(machine.disk).value()->height, 6u);
        make(10);  // begins another, which the end cuts off
    }
    while (tasks.run_one()) continue;
    EXPECT_EQ(read_snapshot(machine.disk).value()->height, 6u);
    ASSERT_TRUE(machine.open().ok());
    EXPECT_EQ(machine.application->height(), 10u);
}

// Blocks and a snapshot's tasks in any order, and the power goes at any byte or operation of them.
TEST(Solo, a_power_cut_beside_the_writing_of_a_snapshot_loses_nothing_final) {
    std::set<std::uint64_t> snapshots;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        SeededRandom random(seed);
        Machine machine;
        QueuedTasks tasks;
        machine.tasks = &tasks;
        std::uint32_t done = 0;
        for (int process = 0; process < 3; ++process) {
            if (random.below(2) == 0)
                machine.disk.cut_power_after_operations(random.below(40));
            else
                machine.disk.cut_power_after_bytes(random.below(2000));
            if (auto engine = machine.open(); engine.ok())
                while (!machine.disk.power_is_cut() && done < 40) {
                    if (random.below(3) == 0) tasks.run_one();
                    if (random.below(2) == 0) continue;
                    machine.clock.now_ms += 100;
                    ASSERT_TRUE((*engine)->submit(step("a" + std::to_string(done + 1))).ok());
                    const auto made = (*engine)->make_block();
                    if (!made.ok()) break;
                    ++done;
                }
            machine.disk.restart_with_holes(random, 16);
            while (tasks.run_one()) continue;  // of a process that is gone: nothing happens
            const auto again = machine.open();
            ASSERT_TRUE(again.ok()) << again.error().message;
            ASSERT_GE(machine.application->height(), done);
            ASSERT_LE(machine.application->height(), done + 1u);
            done = static_cast<std::uint32_t>(machine.application->height());
            ASSERT_EQ(machine.application->counter('a'), done);
            ASSERT_TRUE(machine.application
                            ->recall([&](const auto& each) { return (*again)->read_history(each); })
                            .ok());
            ASSERT_EQ(machine.application->history().size(), done);
            if (const auto index = read_snapshot_index(machine.disk).value(); index)
                snapshots.insert(index->height);
        }
    }
    EXPECT_GT(snapshots.size(), 5u);
}

TEST(Solo, another_proposers_log_is_refused) {
    Machine machine;
    machine.run(1, 2);
    const auto opened = machine.open(2);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().kind, ErrorKind::corrupt);
    EXPECT_NE(opened.error().message.find("not signed by this ledger"), std::string::npos);
}

// Rewrites the log with one block changed, its checksums right, as a forger would.
void forge(Disk& disk, const std::function<void(Block&)>& edit, std::uint64_t height,
           bool sign_again = false) {
    std::vector<Block> blocks;
    ASSERT_TRUE(BlockLog::open(disk, [&](const Block& block, ByteSpan) -> Status {
                    blocks.push_back(block);
                    return {};
                }).ok());
    ASSERT_TRUE(disk.remove("blocks.log").ok());
    auto log = BlockLog::open(disk, [](const Block&, ByteSpan) { return Status(); }).value();
    for (auto& block : blocks) {
        if (block.height == height) {
            edit(block);
            if (sign_again) block.signature = proposer().sign(block.hash().span());
        }
        ASSERT_TRUE(log->append(block).ok());
        ASSERT_TRUE(log->sync().ok());
    }
}

TEST(Solo, a_forged_block_is_refused) {
    const auto refused = [](const std::function<void(Block&)>& edit, std::uint64_t height,
                            bool sign_again) {
        Machine machine;
        machine.run(1, 5);  // with a snapshot of block 3
        forge(machine.disk, edit, height, sign_again);
        const auto opened = machine.open();
        return !opened.ok() && opened.error().kind == ErrorKind::corrupt;
    };
    const auto other = [](Block& block) { block.transactions = {step("b1")}; };
    for (std::uint64_t height = 1; height <= 5; ++height)
        EXPECT_TRUE(refused(other, height, false));
    // Even with the key: a block that others build on cannot be replaced.
    for (std::uint64_t height = 1; height <= 4; ++height) EXPECT_TRUE(refused(other, height, true));
    EXPECT_TRUE(refused([](Block& block) { block.state_before.bytes[0] ^= 1; }, 5, true));
    EXPECT_TRUE(refused([](Block& block) { block.height = 6; }, 5, true));
    EXPECT_TRUE(refused([](Block& block) { block.previous = {}; }, 5, true));
}

TEST(Solo, another_state_than_the_blocks_build_on_is_refused) {
    Machine machine;
    machine.run(1, 2);
    struct Other final : Application {
        Counters inner;
        Status check(ByteSpan raw) override { return inner.check(raw); }
        std::vector<Bytes> propose(const std::vector<Bytes>& waiting, std::size_t max) override {
            return inner.propose(waiting, max);
        }
        // Executes differently, as a newer version with a mistake would.
        Result<Digest> finalize(std::uint64_t height, std::uint64_t time_ms,
                                const std::vector<Bytes>&) override {
            return inner.finalize(height, time_ms, {});
        }
        Status commit() override { return inner.commit(); }
        std::unique_ptr<FrozenState> freeze() const override { return inner.freeze(); }
        Status restore(ByteSpan bytes) override { return inner.restore(bytes); }
        Result<std::optional<Bytes>> record(ByteSpan) const override {
            return std::optional<Bytes>();
        }
        std::uint64_t height() const override { return inner.height(); }
        Digest state_hash() const override { return inner.state_hash(); }
        std::uint64_t time_ms() const override { return inner.time_ms(); }
    } other;
    EngineOptions options;
    options.proposer = proposer();
    const auto opened = open_engine(machine.disk, machine.clock, other, std::move(options));
    ASSERT_FALSE(opened.ok());
    EXPECT_NE(opened.error().message.find("builds on another state"), std::string::npos);
}

TEST(Solo, a_damaged_snapshot_is_refused_by_name) {
    Machine machine;
    machine.run(1, 3);
    for (const auto* file : {"snapshot", "snapshot.3"})
        for (std::uint64_t bit = 0; machine.disk.flip_bit(file, bit); ++bit) {
            const auto opened = machine.open();
            ASSERT_FALSE(opened.ok()) << bit;
            EXPECT_EQ(opened.error().kind, ErrorKind::corrupt);
            EXPECT_NE(opened.error().message.find(file), std::string::npos);
            ASSERT_TRUE(machine.disk.flip_bit(file, bit));
        }
    EXPECT_TRUE(machine.open().ok());
    ASSERT_TRUE(machine.disk.write_file_atomic("snapshot", {}).ok());
    EXPECT_FALSE(machine.open().ok());
}

TEST(Solo, a_log_that_ends_before_the_snapshot_is_refused) {
    Machine machine;
    machine.run(1, 3);
    Machine shorter;
    shorter.run(1, 2);
    ASSERT_TRUE(store_snapshot(shorter.disk, *read_snapshot(machine.disk).value()).ok());
    const auto opened = shorter.open();
    ASSERT_FALSE(opened.ok());
    EXPECT_NE(opened.error().message.find("ends at block 2"), std::string::npos);
}

TEST(Engine, names_what_there_is_not) {
    Machine machine;
    Counters application;
    EngineOptions options;
    options.engine = "raft";
    EXPECT_EQ(open_engine(machine.disk, machine.clock, application, options).error().kind,
              ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace mutirao::consensus
