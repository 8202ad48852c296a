// The engine's answers to CometBFT's questions, one by one; comet_crash_test.cpp has whole runs.
#include "consensus/comet.hpp"

#include "base/log.hpp"
#include "consensus/test_comet.hpp"

namespace mutirao::consensus {
namespace {

TEST(Comet, validators_that_decide_the_same_blocks_have_the_same_state_and_blocks) {
    TestLedger first, second;
    for (auto* one : {&first, &second}) {
        one->open();
        one->init_chain();
    }
    ASSERT_TRUE(first.engine->submit(step("a2")).ok());
    ASSERT_TRUE(first.engine->submit(step("a1")).ok());
    EXPECT_TRUE(first.engine->is_waiting(step("a1")));
    // Told to the other one, and once only.
    for (const auto& transaction : all(first.ask(AbciCall::reap_txs), 1)) {
        const auto body = WireWriter().bytes(1, transaction).take();
        EXPECT_EQ(number(second.ask(AbciCall::insert_tx, body), 1), 0u);
    }
    EXPECT_TRUE(all(first.ask(AbciCall::reap_txs), 1).empty());
    EXPECT_TRUE(second.engine->is_waiting(step("a2")));

    const auto proposal = second.prepare();
    EXPECT_EQ(proposal, (std::vector{step("a1"), step("a2")}));
    EXPECT_TRUE(first.accepts(1, proposal));
    const auto result = first.finalize(1, proposal);
    EXPECT_EQ(all(result, 2).size(), 2u);
    EXPECT_EQ(second.finalize(1, proposal), result);
    EXPECT_EQ(first.application->height(), 0u);  // nothing is final before Commit
    for (auto* one : {&first, &second}) one->commit();
    EXPECT_EQ(first.application->counter('a'), 2u);
    EXPECT_EQ(first.application->time_ms(), 101'005u);
    EXPECT_FALSE(first.engine->is_waiting(step("a1")));
    EXPECT_TRUE(first.engine->make_block().value());
    EXPECT_FALSE(first.engine->make_block().value());
    EXPECT_EQ(first.engine->blocks(1, 9).at(0).hash, second.engine->blocks(1, 9).at(0).hash);
    const auto answer = first.ask(AbciCall::query, WireWriter().text(1, "a").take());
    EXPECT_EQ(all(answer, 7).at(0), (Bytes{2, 0, 0, 0}));
}

TEST(Comet, rounds_that_fail_leave_no_trace) {
    TestLedger ledger;
    ledger.open();
    ledger.init_chain();
    const auto before = ledger.application->state_hash();
    EXPECT_TRUE(ledger.accepts(1, {step("a1")}));
    EXPECT_FALSE(ledger.accepts(1, {step("a2")}));              // cannot run
    EXPECT_FALSE(ledger.accepts(1, {step("a1"), step("a1")}));  // twice
    EXPECT_FALSE(ledger.accepts(2, {step("a1")}));              // another height
    EXPECT_FALSE(ledger.accepts(1, {Bytes(kTransactionMax + 1, 'a')}));
    EXPECT_TRUE(ledger.accepts(1, {step("b1")}));
    EXPECT_TRUE(ledger.accepts(1, {}));
    EXPECT_EQ(ledger.application->state_hash(), before);
    ledger.decide(1, {step("b1")});
    EXPECT_EQ(ledger.application->counter('a'), 0u);
    EXPECT_EQ(ledger.application->counter('b'), 1u);
}

TEST(Comet, has_transactions_prepared_before_it_asks_about_them) {
    TestLedger ledger;
    ledger.open();
    ledger.init_chain();
    ledger.ask(AbciCall::insert_tx, WireWriter().text(1, "a1").take());
    EXPECT_EQ(ledger.application->prepared(), 1u);
    ledger.ask(AbciCall::echo, WireWriter().text(1, "a1").take());
    EXPECT_EQ(ledger.application->prepared(), 1u);
    ledger.accepts(1, {step("a1"), step("a2")});
    EXPECT_EQ(ledger.application->prepared(), 3u);
}

TEST(Comet, waits_for_what_a_decided_block_needs_and_lets_others_ask_meanwhile) {
    TestLedger ledger;
    ledger.open();
    ledger.init_chain();
    std::vector<std::uint64_t> waits;
    ledger.application->set_await([&](std::size_t transactions) -> Status {
        waits.push_back(transactions);
        ledger.engine->with_application([&](const Application& application) {
            EXPECT_EQ(application.height(), waits.size() - 1);
        });
        return {};
    });
    EXPECT_TRUE(ledger.accepts(1, {step("a1")}));
    EXPECT_TRUE(waits.empty());  // a proposal waits for nothing
    ledger.decide(1, {step("a1"), step("b1")});
    EXPECT_EQ(waits, std::vector<std::uint64_t>{2});
    // A ledger that stops says so, and the block comes again.
    ledger.application->set_await([](std::size_t) -> Status {
        return Error{ErrorKind::unavailable, "the ledger stops"};
    });
    ledger.ask(AbciCall::finalize_block, TestLedger::block(2, {step("a2")}));
    EXPECT_TRUE(ledger.refused);
    EXPECT_EQ(ledger.application->height(), 1u);
    ledger.application->set_await({});
    ledger.decide(2, {step("a2")});
    EXPECT_EQ(ledger.application->counter('a'), 2u);
}

TEST(Comet, a_proposal_has_as_many_bytes_as_it_may_and_no_more) {
    TestLedger ledger;
    ledger.open();
    ledger.init_chain();
    const std::string ballast(100'000, '.');
    for (int i = 1; i <= 30; ++i) {
        ASSERT_TRUE(ledger.engine->submit(step("a" + std::to_string(i) + " " + ballast)).ok());
    }
    const auto size = [](const std::vector<Bytes>& proposal) {
        std::size_t out = 0;  // in a block: a tag and a length beside each
        for (const auto& raw : proposal) out += raw.size() + 5;
        return out;
    };
    for (const std::size_t limit : {0UL, 99'999UL, 250'000UL, 4UL << 20}) {
        const auto proposal = ledger.prepare(limit);
        EXPECT_LE(size(proposal), limit);
        EXPECT_EQ(proposal.size(), std::min(limit, kBlockBytesMax) / 100'010);
        EXPECT_TRUE(ledger.accepts(1, proposal));
    }
}

TEST(Comet, says_that_too_many_wait_so_that_they_come_again) {
    TestLedger ledger;
    ledger.open();
    const auto insert = [&](std::size_t i) {
        const auto raw = step("a" + std::to_string(i));
        return number(ledger.ask(AbciCall::insert_tx, WireWriter().bytes(1, raw).take()), 1);
    };
    EXPECT_EQ(insert(0), 1u);  // never good
    for (std::size_t i = 1; i <= kWaitingMax; ++i) ASSERT_EQ(insert(i), 0u);
    EXPECT_EQ(insert(kWaitingMax + 1), 32'000u);
    EXPECT_EQ(insert(1), 0u);  // known
}

TEST(Comet, tells_others_of_what_was_sent_here_and_not_of_what_they_told) {
    TestLedger ledger;
    ledger.open();
    const auto told = [&](std::uint64_t bytes) {
        return all(ledger.ask(AbciCall::reap_txs, WireWriter().number(1, bytes).take()), 1).size();
    };
    ledger.ask(AbciCall::insert_tx, WireWriter().text(1, "a1").take());
    EXPECT_EQ(told(0), 0u);
    for (const auto* raw : {"b1", "b2", "b3", "b4", "a1"}) {
        EXPECT_TRUE(ledger.engine->submit(step(raw)).ok());
    }
    EXPECT_EQ(told(7), 3u);  // bytes at most
    EXPECT_EQ(told(0), 1u);
    EXPECT_EQ(told(0), 0u);
}

TEST(Comet, what_waits_for_long_is_told_again) {
    TestLedger ledger;
    ledger.open();
    ledger.init_chain();
    ASSERT_TRUE(ledger.engine->submit(step("a2")).ok());  // another one must come first
    const auto told = [&] { return all(ledger.ask(AbciCall::reap_txs), 1).size(); };
    EXPECT_EQ(told(), 1u);
    for (std::uint64_t h = 1; h <= 15; ++h) ledger.decide(h, {});
    EXPECT_EQ(told(), 0u);
    ledger.decide(16, {});
    EXPECT_EQ(told(), 1u);
}

TEST(Comet, begins_a_chain_only_where_genesis_and_ledger_are_of_one) {
    TestLedger ledger;
    ledger.open();
    const auto init = [&](const std::string& state, std::uint64_t first) {
        const auto body = WireWriter().text(5, state).number(6, first).take();
        ledger.ask(AbciCall::init_chain, body);
        return !ledger.refused;
    };
    const auto state = "{\"state_hash\":\"" + ledger.application->state_hash().hex() + "\"}";
    EXPECT_FALSE(init("{}", 1));
    EXPECT_FALSE(init(state, 2));
    EXPECT_TRUE(init(state, 1));
    EXPECT_TRUE(init(state, 1));  // again, after a crash before the first block
    ledger.decide(1, {});
    EXPECT_FALSE(init(state, 1));
    EXPECT_FALSE(init("{\"state_hash\":\"" + ledger.application->state_hash().hex() + "\"}", 2));
}

TEST(Comet, what_was_proven_of_a_validator_is_told_in_words_and_stays_in_the_log) {
    TestLedger ledger;
    ledger.open();
    ledger.init_chain();
    std::string said;
    set_log_sink([&](LogLevel, std::string_view line) { said += line; });
    const auto who = WireWriter().bytes(1, Bytes(20, 0xab)).number(3, 10).take();
    const auto what = WireWriter().number(1, 1).element(2, who).number(3, 77).take();
    const auto answer =
        ledger.ask(AbciCall::finalize_block, TestLedger::block(1, {step("a1")}, what));
    set_log_sink({});
    EXPECT_FALSE(ledger.refused);
    EXPECT_EQ(all(answer, 2).size(), 1u);  // of the transactions
    const auto updates = all(answer, 3);
    ASSERT_EQ(updates.size(), 1u);
    EXPECT_EQ(number(updates[0], 2), 77u);
    EXPECT_EQ(all(all(updates[0], 1).at(0), 1).at(0), Bytes(32, 0xab));
    ledger.commit();
    const auto hash = ledger.application->state_hash();
    EXPECT_EQ(ledger.application->counter(Counters::kFaults), 1u);
    ledger.open();  // a new process has it from the log
    EXPECT_EQ(ledger.application->counter(Counters::kFaults), 1u);
    EXPECT_EQ(ledger.application->state_hash(), hash);
    EXPECT_NE(said.find("validator abababababababababababababababababababab voted for two "
                        "different blocks at height 77"),
              std::string::npos)
        << said;
}

TEST(Comet, faults_come_from_consensus_alone) {
    TestLedger ledger;
    ledger.open();
    ledger.init_chain();
    const Fault fault{FaultKind::duplicate_vote, {}, 5};
    EXPECT_FALSE(ledger.engine->submit(fault.encode()).ok());
    EXPECT_FALSE(ledger.accepts(1, {fault.encode()}));
    // What CometBFT never says is refused.
    const auto who = WireWriter().bytes(1, Bytes(19, 0xab)).take();
    ledger.ask(AbciCall::finalize_block,
               TestLedger::block(1, {}, WireWriter().number(1, 1).element(2, who).take()));
    EXPECT_TRUE(ledger.refused);
    const auto good = WireWriter().bytes(1, Bytes(20, 0xab)).take();
    ledger.ask(AbciCall::finalize_block,
               TestLedger::block(1, {}, WireWriter().number(1, 3).element(2, good).take()));
    EXPECT_TRUE(ledger.refused);
}

TEST(Fault, is_one_encoding_and_a_sentence) {
    const Fault fault{FaultKind::light_client_attack, {}, 5};
    EXPECT_EQ(Fault::decode(fault.encode()).value(), fault);
    EXPECT_NE(fault.sentence().find("deceived light clients at height 5"), std::string::npos);
    auto bad = fault.encode();
    bad[1] = 0;
    EXPECT_FALSE(Fault::decode(bad).ok());
    bad[1] = 3;
    EXPECT_FALSE(Fault::decode(bad).ok());
    bad = fault.encode();
    bad.push_back(0);
    EXPECT_FALSE(Fault::decode(bad).ok());
    EXPECT_FALSE(is_fault({}));
}

TEST(Comet, answers_in_order_however_bytes_arrive_and_refuses_in_words) {
    TestLedger ledger;
    ledger.open();
    Bytes two = abci_frame(WireWriter().element(1, WireWriter().text(1, "oi").take()).take());
    const auto flush = abci_frame(WireWriter().element(2, {}).take());
    two.insert(two.end(), flush.begin(), flush.end());
    Bytes answers;
    for (const auto byte : two) {
        const auto part = ledger.talk(Bytes{byte}).value();
        answers.insert(answers.end(), part.begin(), part.end());
    }
    EXPECT_EQ(answers, (Bytes{6, 0x12, 4, 0x0a, 2, 'o', 'i', 2, 0x1a, 0}));
    for (const auto call : {static_cast<AbciCall>(4), AbciCall::commit}) {
        EXPECT_FALSE(all(ledger.ask(call), 1).at(0).empty());
        EXPECT_TRUE(ledger.refused);
    }
    auto other = ledger.engine->converse();
    EXPECT_FALSE(other(Bytes{0xff, 0xff, 0xff, 0xff, 0x7f}).ok());  // 34 GB
    EXPECT_EQ(ledger.height_told(), 0u);                            // the first one goes on
}

}  // namespace
}  // namespace mutirao::consensus
