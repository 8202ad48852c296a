// Whole runs as CometBFT makes them (test_comet.hpp): crashes of either half at each point, rounds
// that fail, late validators.
#include "base/random.hpp"
#include "consensus/state_export.hpp"
#include "consensus/test_comet.hpp"

namespace mutirao::consensus {
namespace {

const std::vector<std::string> kPoints = {
    "after_finalize",        "block_before_append", "block_after_append",
    "block_after_sync",      "after_commit",        "snapshot_before_write",
    "snapshot_after_append", "snapshot_after_sync", "snapshot_after_write"};
using Stop = TestValidator::Stop;
constexpr Stop kStops[] = {Stop::block_stored, Stop::finalized, Stop::committed};

std::vector<Bytes> steps(std::uint64_t height) { return {step("a" + std::to_string(height))}; }

void begin(TestValidator& validator, std::uint64_t blocks) {
    validator.ledger.open();
    validator.handshake();
    for (std::uint64_t h = 1; h <= blocks; ++h) validator.decide(steps(h));
}

// Block 3 writes a snapshot, too.
class CometCrash : public ::testing::Test {
  protected:
    void SetUp() override { begin(unharmed, 4); }
    void expect_the_same(TestValidator& validator) {
        EXPECT_EQ(validator.ledger.application->state_hash(),
                  unharmed.ledger.application->state_hash());
        EXPECT_EQ(validator.ledger.engine->blocks(1, 4).at(3).hash,
                  unharmed.ledger.engine->blocks(1, 4).at(3).hash);
    }
    TestValidator unharmed;
};

TEST_F(CometCrash, of_the_ledger_at_any_point_of_any_block_gives_the_same_state) {
    for (const auto& point : kPoints)
        for (std::uint64_t at = 1; at <= 3; ++at) {
            SCOPED_TRACE(point + " of block " + std::to_string(at));
            TestValidator validator;
            begin(validator, at - 1);
            validator.ledger.die_at = point;
            bool died = false;
            try {
                validator.decide(steps(at));
            } catch (const Died&) {
                died = true;
            }
            EXPECT_EQ(died, at == 3 || !point.starts_with("snapshot"));
            validator.ledger.disk.restart();
            validator.ledger.open();
            validator.handshake();
            for (auto h = at + 1; h <= 4; ++h) validator.decide(steps(h));
            expect_the_same(validator);
        }
}

TEST_F(CometCrash, of_cometbft_at_any_point_leaves_the_ledger_where_it_is_found_again) {
    for (const auto stop : kStops)
        for (std::uint64_t at = 1; at <= 3; ++at) {
            SCOPED_TRACE(static_cast<int>(stop));
            TestValidator validator;
            begin(validator, at - 1);
            EXPECT_THROW(validator.decide(steps(at), stop), Died);
            validator.ledger.talk = validator.ledger.engine->converse();  // the same process
            validator.handshake();
            for (auto h = at + 1; h <= 4; ++h) validator.decide(steps(h));
            expect_the_same(validator);
        }
}

TEST_F(CometCrash, during_the_replay_of_a_crash_is_one_crash_more) {
    for (const auto& point : {"after_finalize", "block_after_append", "after_commit"}) {
        SCOPED_TRACE(point);
        TestValidator validator;
        begin(validator, 2);
        EXPECT_THROW(validator.decide(steps(3), Stop::block_stored), Died);
        for (int again = 0; again < 2; ++again) {
            validator.ledger.disk.restart();
            validator.ledger.open();
            validator.ledger.die_at = point;
            try {
                validator.handshake();
            } catch (const Died&) {
            }
        }
        validator.ledger.open();
        validator.handshake();
        validator.decide(steps(4));
        expect_the_same(validator);
    }
}

TEST_F(CometCrash, with_a_lost_data_folder_is_replayed_from_the_first_block) {
    TestValidator validator;
    begin(validator, 4);
    TestLedger empty;
    empty.open();
    EXPECT_EQ(empty.height_told(), 0u);
    empty.init_chain();
    for (std::uint64_t h = 1; h <= 4; ++h) {
        EXPECT_EQ(empty.finalize(h, steps(h)), validator.answers[h - 1]);
        empty.commit();
    }
    EXPECT_EQ(empty.application->state_hash(), unharmed.ledger.application->state_hash());
}

// Four validators, hundreds of heights: proposers whose rounds fail, transactions told late or
// never, and crashes of either half anywhere. Seeded; a failure names its seed.
void live(std::uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    std::vector<TestValidator> network(4);
    for (auto& one : network) begin(one, 0);
    std::map<char, std::uint32_t> sent;
    for (std::uint64_t height = 1; height <= 40; ++height) {
        for (auto i = random.below(4); i > 0; --i) {
            const auto name = static_cast<char>('a' + random.below(3));
            const auto raw = step(name + std::to_string(++sent[name]));
            EXPECT_TRUE(network[random.below(4)].ledger.engine->submit(raw).ok());
        }
        for (auto& from : network)
            for (const auto& raw : all(from.ledger.ask(AbciCall::reap_txs), 1))
                for (auto& to : network) {
                    if (random.below(4) == 0) continue;  // on its way
                    to.ledger.ask(AbciCall::insert_tx, WireWriter().bytes(1, raw).take());
                }
        std::vector<Bytes> proposal;
        for (auto round = random.below(3) + 1; round > 0; --round) {
            proposal = network[random.below(4)].ledger.prepare();
            for (auto& one : network) EXPECT_TRUE(one.ledger.accepts(height, proposal));
        }
        for (auto& one : network) {
            const bool crashes = random.below(6) == 0;
            auto stop = Stop::never;
            if (crashes && random.below(2) == 0) stop = kStops[random.below(3)];
            if (crashes && stop == Stop::never)
                one.ledger.die_at = kPoints[random.below(kPoints.size())];
            try {
                one.decide(proposal, stop);
                one.ledger.die_at.clear();
            } catch (const Died&) {
                if (stop == Stop::never) {
                    one.ledger.disk.restart_with_holes(random);
                    one.ledger.open();
                }
                one.handshake();
            }
        }
        for (auto& one : network) {
            ASSERT_EQ(one.answers, network[0].answers);
            ASSERT_EQ(one.ledger.application->state_hash(),
                      network[0].ledger.application->state_hash());
        }
    }
}

TEST(CometNetwork, agrees_whatever_fails_and_whoever_crashes) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) live(seed);
}

class CometSync : public ::testing::Test {
  protected:
    void SetUp() override {
        old.open();
        old.init_chain();
        for (std::uint64_t h = 1; h <= 3; ++h) old.decide(h, steps(h));
        late.open();
    }
    std::vector<Bytes> chunks(std::uint64_t height, std::uint64_t count) {
        std::vector<Bytes> out;
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto body = WireWriter().number(1, height).number(2, 1).number(3, i).take();
            out.push_back(all(old.ask(AbciCall::load_snapshot_chunk, body), 1).at(0));
        }
        return out;
    }
    std::uint64_t offer(ByteSpan snapshot, ByteSpan app_hash) {
        const auto body = WireWriter().element(1, snapshot).bytes(2, app_hash).take();
        return number(late.ask(AbciCall::offer_snapshot, body), 1);
    }
    Bytes apply(std::uint64_t index, ByteSpan chunk) {
        const auto body = WireWriter().number(1, index).bytes(2, chunk).text(3, "who").take();
        return late.ask(AbciCall::apply_snapshot_chunk, body);
    }
    TestLedger old, late;
};

TEST_F(CometSync, a_late_validator_begins_at_a_snapshot_and_goes_on) {
    const auto snapshot = all(old.ask(AbciCall::list_snapshots), 1).at(0);
    ASSERT_EQ(number(snapshot, 1), 3u);
    const auto parts = chunks(3, number(snapshot, 3));
    const auto state = old.application->state_hash();
    // Not the state that the light client verified: refused, and nothing of it stays.
    ASSERT_EQ(offer(snapshot, Bytes(32, 7)), 1u);
    EXPECT_EQ(number(apply(0, parts[0]), 1), 1u);
    EXPECT_EQ(number(apply(1, parts[1]), 1), 5u);
    EXPECT_EQ(late.application->height(), 0u);
    ASSERT_EQ(offer(snapshot, state.span()), 1u);
    auto damaged = parts[1];
    damaged.back() ^= 1;
    for (const auto& bad : {damaged, Bytes()}) {
        const auto answer = apply(1, bad);
        EXPECT_EQ(number(answer, 1), 3u);
        EXPECT_EQ(all(answer, 2).at(0), Bytes{1});
        EXPECT_EQ(all(answer, 3).at(0), to_bytes(as_bytes("who")));
    }
    EXPECT_EQ(number(apply(1, parts[1]), 1), 1u);  // in whatever order
    EXPECT_EQ(number(apply(0, parts[0]), 1), 1u);
    EXPECT_EQ(late.height_told(), 3u);
    EXPECT_EQ(offer(snapshot, state.span()), 2u);  // not twice
    late.open();
    EXPECT_EQ(late.height_told(), 3u);
    for (std::uint64_t h = 4; h <= 7; ++h)
        for (auto* one : {&old, &late}) one->decide(h, steps(h));
    late.open();
    EXPECT_EQ(late.height_told(), 7u);
    EXPECT_EQ(late.application->state_hash(), old.application->state_hash());
    EXPECT_EQ(late.engine->blocks(7, 1).at(0).hash, old.engine->blocks(7, 1).at(0).hash);
    // And gives its own to the next one.
    EXPECT_EQ(number(all(late.ask(AbciCall::list_snapshots), 1).at(0), 1), 6u);
}

TEST_F(CometSync, a_snapshot_is_there_until_the_second_next) {
    const auto heights = [&] {
        std::vector<std::uint64_t> out;
        for (const auto& one : all(old.ask(AbciCall::list_snapshots), 1))
            out.push_back(number(one, 1));
        return out;
    };
    EXPECT_EQ(heights(), std::vector<std::uint64_t>{3});
    const auto before = chunks(3, 2);
    for (std::uint64_t h = 4; h <= 6; ++h) old.decide(h, steps(h));
    EXPECT_EQ(heights(), (std::vector<std::uint64_t>{3, 6}));
    EXPECT_EQ(chunks(3, 2), before);
    for (std::uint64_t h = 7; h <= 9; ++h) old.decide(h, steps(h));
    EXPECT_EQ(heights(), (std::vector<std::uint64_t>{6, 9}));
}

TEST_F(CometSync, a_crash_while_the_state_is_stored_is_as_if_it_had_not_come) {
    const auto snapshot = all(old.ask(AbciCall::list_snapshots), 1).at(0);
    const auto parts = chunks(3, 2);
    // blocks.base; the state made, written, synced; its index.
    for (std::uint64_t operations = 0; operations <= 5; ++operations) {
        SCOPED_TRACE(operations);
        TestLedger one;
        one.open();
        const auto body =
            WireWriter().element(1, snapshot).bytes(2, old.application->state_hash().span()).take();
        one.ask(AbciCall::offer_snapshot, body);
        one.ask(AbciCall::apply_snapshot_chunk, WireWriter().bytes(2, parts[0]).take());
        one.disk.cut_power_after_operations(operations);
        one.ask(AbciCall::apply_snapshot_chunk,
                WireWriter().number(1, 1).bytes(2, parts[1]).take());
        one.disk.restart();
        one.open();
        if (operations == 5) {
            EXPECT_EQ(one.height_told(), 3u);
            continue;
        }
        // From the first block on, past the height of the lost snapshot.
        EXPECT_EQ(one.height_told(), 0u);
        one.init_chain();
        for (std::uint64_t h = 1; h <= 6; ++h) one.decide(h, steps(h));
        one.open();
        EXPECT_EQ(one.height_told(), 6u);
    }
}

TEST(StateExport, moves_from_one_engine_to_the_other_and_back_with_the_same_state_hash) {
    TestLedger solo, comet, back;
    auto options = TestLedger::options();
    options.engine = "solo";
    Counters counters;
    {
        auto engine = open_engine(solo.disk, solo.clock, counters, options).value();
        for (const auto* raw : {"a1", "a2", "b1", "a3"}) {
            ASSERT_TRUE(engine->submit(step(raw)).ok());
            ASSERT_TRUE(engine->make_block().value());
        }
    }
    Counters moved;
    const auto state = export_state(solo.disk, moved, options).value();
    EXPECT_EQ(state.height, 4u);
    EXPECT_EQ(moved.state_hash(), counters.state_hash());
    const auto read = StateExport::decode(state.encode()).value();
    for (auto* one : {&comet, &back}) {
        Counters fresh;
        ASSERT_TRUE(import_state(one->disk, fresh, read).ok());
        EXPECT_EQ(fresh.state_hash(), counters.state_hash());
        EXPECT_FALSE(import_state(one->disk, fresh, read).ok());  // there is one already
    }
    comet.open();
    EXPECT_EQ(comet.height_told(), 0u);  // CometBFT's chain has no block yet
    comet.init_chain(5);
    EXPECT_EQ(comet.application->state_hash(), counters.state_hash());
    EXPECT_EQ(comet.engine->blocks(1, 9).at(0).hash, state.last_hash);
    comet.open();  // a crash before the first block
    comet.init_chain(5);
    for (std::uint64_t h = 5; h <= 7; ++h) comet.decide(h, steps(h - 1));
    comet.open();
    EXPECT_EQ(comet.height_told(), 7u);
    EXPECT_EQ(comet.application->counter('a'), 6u);

    auto engine = open_engine(back.disk, back.clock, counters, options).value();
    EXPECT_EQ(counters.height(), 4u);
    ASSERT_TRUE(engine->submit(step("a4")).ok());
    ASSERT_TRUE(engine->make_block().value());
    EXPECT_EQ(engine->blocks(5, 1).at(0).height, 5u);
}

TEST(StateExport, of_a_ledger_without_blocks_is_its_genesis) {
    TestLedger from, to;
    Counters counters;
    const auto state = export_state(from.disk, counters, TestLedger::options()).value();
    Counters fresh;
    ASSERT_TRUE(import_state(to.disk, fresh, state).ok());
    to.open();
    to.init_chain();
    to.decide(1, steps(1));
    to.open();
    EXPECT_EQ(to.height_told(), 1u);
}

TEST(StateExport, refuses_what_is_damaged_cut_or_something_else) {
    const StateExport state{7, Digest(), to_bytes(as_bytes("state"))};
    const auto bytes = state.encode();
    EXPECT_EQ(StateExport::decode(bytes).value().height, 7u);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        auto bad = bytes;
        bad[i] ^= 1;
        EXPECT_FALSE(StateExport::decode(bad).ok()) << i;
        EXPECT_FALSE(StateExport::decode(ByteSpan(bytes).first(i)).ok()) << i;
    }
}

}  // namespace
}  // namespace mutirao::consensus
