// The data lane among four validators: batches that somebody lacks, ledgers that die, authors and
// proposers that lie.
#include <thread>

#include "base/log.hpp"
#include "node/test_lane_network.hpp"

namespace mutirao::node {
namespace {

TEST_F(LaneNetwork, a_batch_that_one_took_runs_at_all_of_them) {
    const auto batch = transfers(1, 0, {{5, 0}, {5, 1}, {6, 0}});
    const auto bytes = at(0).put(batch).value();
    const auto certificate = lane::Certificate::decode(bytes).value();
    EXPECT_GE(certificate.signer_places().size(), 3u);
    EXPECT_LE(bytes.size(), 300u);
    for (auto& one : all) EXPECT_TRUE(one->has(batch));
    EXPECT_EQ(at(0).role->ethereum().pending_nonce(wallet(5).address()).value(), 2u);
    EXPECT_EQ(at(0).put(batch).value(), bytes);  // the same again, while it waits
    gossip(at(0));
    // Whoever proposes has it, and all accept it.
    const auto proposal = at(2).prepare();
    EXPECT_EQ(proposal, std::vector<Bytes>{bytes});
    for (auto& one : all) EXPECT_TRUE(one->accepts(1, proposal));
    decide(proposal);
    for (auto& one : all) {
        EXPECT_EQ(one->received(), 3u);
        EXPECT_TRUE(one->prepare().empty());
        EXPECT_EQ(one->calls[std::string(kGetBatch)], 0u);
    }
    EXPECT_EQ(at(3).role->ethereum().block(1).value()->transactions.size(), 3u);
    EXPECT_EQ(at(1).put(batch).error().kind, ErrorKind::already_exists);
    ASSERT_TRUE(at(1).put(transfers(1, 1, {{5, 2}})).ok());  // by another one
    decide(at(1).prepare());
    EXPECT_EQ(at(0).received(), 4u);
}

TEST_F(LaneNetwork, who_lacks_a_batch_accepts_it_by_its_certificate_and_fetches_it) {
    at(3).is_cut = true;
    const auto batch = transfers(1, 0, {{5, 0}});
    const auto bytes = at(0).put(batch).value();
    EXPECT_FALSE(at(3).has(batch));
    EXPECT_TRUE(at(3).accepts(1, {bytes}));
    // Its own transactions go on meanwhile, and it waits for as long as it takes.
    at(3).on_sleep = [&] {
        EXPECT_EQ(at(3).status().second, 0u);
        if (at(3).slept == 5) at(3).is_cut = false;
    };
    std::string said;
    set_log_sink([&](LogLevel, std::string_view line) { said += line; });
    decide({bytes});
    set_log_sink({});
    EXPECT_EQ(at(3).slept, 5u);
    EXPECT_NE(said.find("a block waits for its batches"), std::string::npos) << said;
    EXPECT_TRUE(at(3).has(batch));
    EXPECT_EQ(at(3).received(), 1u);
    // What it fetched it gives on.
    EXPECT_EQ(at(3).role->serve(kGetBatch, batch.statement().encode()).value(), batch.encode());
}

TEST_F(LaneNetwork, a_batch_comes_from_any_that_signed_while_others_are_gone) {
    at(3).is_cut = true;
    const auto batch = transfers(1, 0, {{5, 0}});
    const auto bytes = at(0).put(batch).value();
    at(3).is_cut = false;
    for (const auto gone : {0u, 1u}) at(gone).close();
    EXPECT_TRUE(at(3).accepts(1, {bytes}));
    EXPECT_TRUE(at(3).has(batch));  // fetched while it is only proposed
    decide({bytes});
    EXPECT_EQ(at(3).slept, 0u);
    for (const auto back : {0u, 1u}) {
        at(back).open();
        at(back).decide(1, {bytes});
    }
    agree();
}

TEST_F(LaneNetwork, a_ledger_that_stops_waits_no_longer) {
    const auto bytes = [&] {
        at(3).is_cut = true;
        return at(0).put(transfers(1, 0, {{5, 0}})).value();
    }();
    at(3).on_sleep = [&] { at(3).role->stop(); };
    at(3).ask(AbciCall::finalize_block, consensus::AbciTalk::block(1, {bytes}));
    EXPECT_TRUE(at(3).refused);
    EXPECT_EQ(at(3).status().second, 0u);
    // The next process has the block again.
    at(3).on_sleep = {};
    at(3).is_cut = false;
    at(3).open();
    decide({bytes});
    EXPECT_EQ(at(3).received(), 1u);
}

TEST_F(LaneNetwork, under_a_quorum_nothing_is_certified_and_the_same_batch_comes_again) {
    at(2).is_cut = at(3).is_cut = true;
    const auto batch = transfers(1, 0, {{5, 0}});
    const auto refused = at(0).put(batch);
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
    EXPECT_NE(refused.error().message.find("2000 of 4000 votes"), std::string::npos)
        << refused.error().message;
    EXPECT_TRUE(at(0).prepare().empty());
    at(2).is_cut = false;
    ASSERT_TRUE(at(1).put(batch).ok());
    at(3).is_cut = false;
    decide(at(1).prepare());
    EXPECT_EQ(at(0).received(), 1u);
}

// Nobody has heard of the certificate: the ledger that took the batch died with it.
TEST_F(LaneNetwork, others_bring_a_batch_whose_collector_died_into_a_block) {
    const auto batch = transfers(1, 0, {{5, 0}});
    ASSERT_TRUE(at(0).put(batch).ok());
    at(0).close();
    for (int block = 0; block < 80 && at(1).received() == 0; ++block) {
        for (const auto who : {1u, 2u, 3u}) gossip(at(who));
        decide(at(1 + block % 3).prepare());
    }
    EXPECT_EQ(at(1).received(), 1u);
    at(0).open();
    for (std::uint64_t h = 1; h <= blocks.size(); ++h) at(0).decide(h, blocks[h - 1]);
    EXPECT_EQ(at(0).status(), at(1).status());
}

// An author that sends two batches of one number: at most one is certified, and a keeper of the
// other runs it all the same.
TEST_F(LaneNetwork, a_keeper_of_an_authors_other_batch_runs_the_certified_one) {
    at(3).is_cut = true;
    const auto here = transfers(1, 0, {{5, 0}}), elsewhere = transfers(1, 0, {{6, 0}, {6, 1}});
    EXPECT_EQ(at(3).put(here).error().kind, ErrorKind::unavailable);
    at(3).is_cut = false;
    const auto bytes = at(0).put(elsewhere).value();
    EXPECT_EQ(lane::Certificate::decode(bytes)->signer_places().size(), 3u);
    EXPECT_EQ(at(3).put(here).error().kind, ErrorKind::unavailable);
    decide({bytes});
    for (auto& one : all) EXPECT_EQ(one->received(), 2u);
    EXPECT_EQ(at(3).put(here).error().kind, ErrorKind::already_exists);
    ASSERT_TRUE(at(3).put(transfers(1, 1, {{5, 0}})).ok());
}

TEST_F(LaneNetwork, blocks_with_certificates_that_do_not_hold_are_refused) {
    const auto first = transfers(1, 0, {{5, 0}}), second = transfers(1, 1, {{5, 1}});
    const auto good = certified(first, {0, 1, 2});
    EXPECT_TRUE(at(0).accepts(1, {good, certified(second, {1, 2, 3})}));
    EXPECT_FALSE(at(0).accepts(1, {certified(second, {1, 2, 3})}));    // out of turn
    EXPECT_FALSE(at(0).accepts(1, {good, good}));                      // twice
    EXPECT_FALSE(at(0).accepts(1, {certified(first, {0, 1})}));        // under quorum
    EXPECT_FALSE(at(0).accepts(1, {certified(first, {0, 1, 2}, 0)}));  // too late
    auto forged = good;
    forged.back() ^= 1;
    EXPECT_FALSE(at(0).accepts(1, {forged}));
    EXPECT_FALSE(at(0).accepts(1, {{lane::Certificate::kTag, 2, 3}}));
    EXPECT_EQ(at(0).status().second, 0u);
}

TEST_F(LaneNetwork, only_validators_have_batches_kept_and_junk_is_kept_for_nobody) {
    const auto batch = transfers(1, 0, {{5, 0}});
    const auto keep = [&](const lane::Batch& what, int from, std::uint64_t until) {
        return at(0).role->answer({wallet(from).address(), ""}, kKeepBatch,
                                  lane::KeepRequest{until, what.encode()}.encode());
    };
    EXPECT_EQ(keep(batch, 9, 100).error().kind, ErrorKind::permission_denied);
    EXPECT_EQ(at(0).role->serve(kKeepBatch, {}).error().kind, ErrorKind::unimplemented);
    EXPECT_EQ(keep(batch, 1, 0).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(keep(batch, 1, 1'000'000).error().kind, ErrorKind::invalid_argument);
    auto junk = transfers(2, 0, {{5, 0}});
    junk.transactions.push_back({1, 2, 3});
    junk.sign(lane::author_key(2), lane::kChain);
    EXPECT_EQ(keep(junk, 1, 100).error().kind, ErrorKind::invalid_argument);
    auto unsigned_batch = batch;
    unsigned_batch.author = wallet(1).address();
    EXPECT_EQ(keep(unsigned_batch, 1, 100).error().kind, ErrorKind::permission_denied);
    EXPECT_FALSE(at(0).has(batch));
    const auto signature = keep(batch, 1, 100).value();
    EXPECT_TRUE(crypto::verify(lane::keeper_key(0).public_key(),
                               batch.statement().kept_message(lane::kChain, 100),
                               crypto::BlsSignature::from_bytes(signature).value()));
}

// Who keeps batches is agreed state: certificates of others hold no longer, and batches get new
// ones.
TEST_F(LaneNetwork, keepers_are_those_who_vote_and_batches_outlive_a_change_of_them) {
    const auto batch = transfers(1, 0, {{5, 0}});
    const auto old = at(0).put(batch).value();
    const ledger::TestChain chain;
    decide({chain.signed_call(wallet(3), ledger::leave_validators())});
    EXPECT_EQ(at(0).role->keepers()->accounts.size(), 3u);
    EXPECT_TRUE(at(0).prepare().empty());
    EXPECT_FALSE(at(1).accepts(2, {old}));
    EXPECT_EQ(at(3).put(transfers(2, 0, {{6, 0}})).error().kind, ErrorKind::permission_denied);
    for (int block = 0; block < 80 && at(1).received() == 0; ++block) {
        for (auto& one : all) gossip(*one);
        decide(at(block % 3).prepare());
    }
    for (auto& one : all) EXPECT_EQ(one->received(), 1u);
    at(2).open();  // the log has blocks of both times, and a snapshot
    EXPECT_EQ(at(2).status(), at(0).status());
    EXPECT_EQ(at(2).received(), 1u);
}

TEST_F(LaneNetwork, a_machine_that_comes_late_fetches_what_old_blocks_name) {
    for (std::uint64_t i = 0; i < 5; ++i) {
        ASSERT_TRUE(at(i % 4).put(transfers(1, i, {{5, i}})).ok());
        decide(at(i % 4).prepare());
    }
    LaneLedger late(world, 8);  // of nobody who votes
    EXPECT_EQ(late.put(transfers(2, 0, {{6, 0}})).error().kind, ErrorKind::permission_denied);
    for (std::uint64_t h = 1; h <= blocks.size(); ++h) late.decide(h, blocks[h - 1]);
    EXPECT_EQ(late.status(), at(0).status());
    EXPECT_EQ(late.received(), 5u);
    late.open();
    EXPECT_EQ(late.status(), at(0).status());
    EXPECT_EQ(late.calls[std::string(kGetBatch)], 5u);
}

// Threads as in a real process: each author at another ledger, and blocks meanwhile.
TEST_F(LaneNetwork, batches_that_come_everywhere_at_once_run_in_order_and_once) {
    constexpr std::uint64_t kBatches = 6;
    {
        LaneThreads calls;
        for (auto& one : all) one->threads = &calls;
        std::vector<std::thread> authors;
        for (std::uint32_t who = 0; who < kValidators; ++who)
            authors.emplace_back([&, who] {
                const auto sender = static_cast<int>(5 + who);
                for (std::uint64_t i = 0; i < kBatches; ++i) {
                    const auto batch = transfers(who, i, {{sender, 2 * i}, {sender, 2 * i + 1}});
                    for (auto done = at(who).put(batch); !done.ok(); done = at(who).put(batch))
                        ASSERT_EQ(done.error().kind, ErrorKind::resource_exhausted)
                            << done.error().message;
                }
            });
        while (at(0).received() < 2 * kBatches * kValidators) {
            for (auto& one : all) gossip(*one);
            const auto proposal = at(blocks.size() % kValidators).prepare();
            for (auto& one : all) EXPECT_TRUE(one->accepts(blocks.size() + 1, proposal));
            decide(proposal);
            if (HasFailure()) break;
        }
        for (auto& author : authors) author.join();
    }
    for (auto& one : all) EXPECT_EQ(one->received(), 2 * kBatches * kValidators);
}

// The addresses that its old state has are nobody's any more.
TEST_F(LaneNetwork, who_catches_up_after_others_moved_asks_where_it_is_told_to) {
    const auto bytes = at(0).put(transfers(1, 0, {{5, 0}})).value();
    decide({bytes});
    LaneLedger late(world, 8);
    world.clear();
    world["moved.example:2"] = &at(2);
    late.on_sleep = [&] { late.role->stop(); };
    late.ask(AbciCall::finalize_block, consensus::AbciTalk::block(1, {bytes}));
    EXPECT_TRUE(late.refused);
    late.more = {"gone.example:1", "moved.example:2"};
    late.open();
    late.decide(1, {bytes});
    EXPECT_EQ(late.status(), at(0).status());
}

TEST_F(LaneNetwork, a_crash_anywhere_in_a_block_is_replayed_to_the_same_state) {
    const std::vector<std::string> points = {"after_finalize",     "block_before_append",
                                             "block_after_append", "block_after_sync",
                                             "after_commit",       "snapshot_before_write"};
    std::uint64_t sequence = 0;
    for (const auto& point : points) {
        SCOPED_TRACE(point);
        auto& victim = at(3);
        victim.is_cut = true;  // so that it has to fetch each
        std::vector<Bytes> content{
            at(0).put(transfers(1, sequence, {{5, sequence}, {6, sequence}})).value()};
        victim.is_cut = false;
        ++sequence;
        victim.die_at = point;
        // At most two blocks without a snapshot come before one with it.
        for (bool died = false; !died;) {
            ASSERT_LT(blocks.size(), 100u) << "no block has this point";
            blocks.push_back(content);
            const auto height = blocks.size();
            std::set<Bytes> answers;
            for (const auto other : {0u, 1u, 2u}) {
                answers.insert(at(other).finalize(height, content));
                at(other).commit();
            }
            try {
                answers.insert(victim.finalize(height, content));
                victim.commit();
            } catch (const Died&) {
                died = true;
                victim.disk.restart();
                victim.open();
                const auto told = victim.height_told();
                EXPECT_GE(told + 1, height);
                if (told == 0) victim.init_chain(victim.status().first);
                for (auto h = told + 1; h <= height; ++h) {
                    const auto again = victim.finalize(h, blocks[h - 1]);
                    if (h == height) answers.insert(again);
                    victim.commit();
                }
            }
            EXPECT_EQ(answers.size(), 1u);
            content.clear();
        }
        agree();
        EXPECT_EQ(victim.received(), 2 * sequence);
    }
}

}  // namespace
}  // namespace mutirao::node
