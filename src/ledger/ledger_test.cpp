#include "ledger/ledger.hpp"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>

#include "ledger/test_chain.hpp"

namespace mutirao::ledger {
namespace {

const Amount kFee = Amount(21'000u * 1'000'000'000ull);  // of a transfer

TEST(Ledger, begins_with_its_allocations) {
    TestChain chain;
    EXPECT_EQ(chain.balance(wallet(0).address()), kOneMut.times(1000).value());
    EXPECT_EQ(chain.balance(wallet(99).address()), Amount());
    EXPECT_EQ(chain.ledger.height(), 0u);
    auto genesis = TestChain::genesis();
    genesis.allocations.push_back(genesis.allocations[0]);
    EXPECT_EQ(Ledger::begin(genesis).error().kind, ErrorKind::invalid_argument);
    genesis.allocations.back() = {wallet(99).address(), Amount(~static_cast<u128>(0))};
    EXPECT_EQ(Ledger::begin(genesis).error().kind, ErrorKind::invalid_argument);
    genesis.allocations.assign(kListMax + 1, {});
    EXPECT_EQ(Ledger::begin(genesis).error().kind, ErrorKind::invalid_argument);
}

TEST(Ledger, other_genesis_other_state_hash) {
    auto genesis = TestChain::genesis();
    const auto one = Ledger::begin(genesis).value().state_hash();
    genesis.chain_id += 1;
    EXPECT_NE(Ledger::begin(genesis).value().state_hash(), one);
}

TEST(Ledger, a_transfer_moves_its_value_and_pays_its_fee_to_the_treasury) {
    TestChain chain;
    const auto to = wallet(99).address();
    ASSERT_TRUE(chain.send(wallet(0), transfer(to, kOneMut)).ok());
    EXPECT_EQ(chain.balance(to), kOneMut);
    EXPECT_EQ(chain.balance(module::treasury()), kFee);
    EXPECT_EQ(chain.balance(wallet(0).address()), kOneMut.times(999).value().minus(kFee).value());
    EXPECT_EQ(chain.last.gas_used, 21'000u);
    EXPECT_EQ(chain.last.fee, kFee);
    EXPECT_EQ(chain.account(wallet(0).address()).nonce, 1u);
    const auto events = chain.events();
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[0].reason, Reason::fee);
    EXPECT_EQ(events[1].reason, Reason::transfer);
    EXPECT_EQ(events[1].amount, kOneMut);
    EXPECT_EQ(events[1].about, chain.last.transaction);
}

TEST(Ledger, a_transfer_to_oneself_costs_its_fee_only) {
    TestChain chain;
    const auto self = wallet(0).address();
    ASSERT_TRUE(chain.send(wallet(0), transfer(self, kOneMut)).ok());
    EXPECT_EQ(chain.balance(self), kOneMut.times(1000).value().minus(kFee).value());
}

TEST(Ledger, the_tip_is_paid_up_to_the_limit) {
    TestChain chain;
    const auto pay = [&](std::uint64_t tip, std::uint64_t max) {
        auto tx = chain.unsigned_call(wallet(0).address(), transfer(wallet(1).address(), {}));
        tx.max_priority_fee = Amount(tip);
        tx.max_fee = Amount(max);
        tx.sign(wallet(0));
        chain.block({tx.encode()});
        return chain.ledger.receipt(Transaction::hash(tx.encode())).value()->fee;
    };
    EXPECT_EQ(pay(5, 2'000'000'000), Amount(21'000u * 1'000'000'005ull));
    EXPECT_EQ(pay(5, 1'000'000'002), Amount(21'000u * 1'000'000'002ull));
}

TEST(Ledger, calldata_costs_sixteen_gas_a_byte_and_four_a_zero) {
    Transaction tx;
    tx.to = wallet(1).address();
    tx.data = {0, 0, 1};
    EXPECT_EQ(gas_of(tx), 21'000u + 4 + 4 + 16);
    tx.to = module::rights();
    EXPECT_EQ(gas_of(tx), 21'000u + 4 + 4 + 16 + 50'000);
}

TEST(Ledger, refuses_a_replayed_transaction) {
    TestChain chain;
    const auto raw = chain.signed_call(wallet(0), transfer(wallet(1).address(), kOneMut));
    ASSERT_TRUE(chain.ledger.check(raw).ok());
    chain.block({raw});
    const auto checked = chain.ledger.check(raw);
    EXPECT_EQ(checked.error().kind, ErrorKind::already_exists);
    EXPECT_EQ(checked.error().message, "replayed: nonce 0 was used, the next is 1");
    EXPECT_TRUE(chain.ledger.propose({raw}, 1 << 20).empty());
    // Even inside a block, and twice in one block, it does nothing.
    const auto before = chain.balance(wallet(1).address());
    const auto again = chain.signed_call(wallet(0), transfer(wallet(1).address(), kOneMut));
    chain.block({raw, again, again});
    EXPECT_EQ(chain.balance(wallet(1).address()), before.plus(kOneMut).value());
}

TEST(Ledger, refuses_an_overdrawn_wallet_and_names_both_amounts) {
    TestChain chain;
    const auto all = chain.balance(wallet(0).address());
    const auto raw = chain.signed_call(wallet(0), transfer(wallet(1).address(), all));
    const auto checked = chain.ledger.check(raw);
    EXPECT_EQ(checked.error().kind, ErrorKind::insufficient_funds);
    EXPECT_NE(checked.error().message.find("1000 MUT"), std::string::npos);
    EXPECT_NE(checked.error().message.find("1000.000021 MUT"), std::string::npos);
    const auto rest = all.minus(kFee).value();
    EXPECT_TRUE(
        chain.ledger.check(chain.signed_call(wallet(0), transfer(wallet(1).address(), rest))).ok());
    const auto hash = chain.ledger.state_hash();
    chain.block({raw});
    EXPECT_EQ(chain.account(wallet(0).address()).nonce, 0u);
    EXPECT_FALSE(chain.ledger.receipt(Transaction::hash(raw)).value().has_value());
    EXPECT_NE(chain.ledger.state_hash(), hash);  // the height is part of it
}

TEST(Ledger, refuses_what_cannot_run) {
    TestChain chain;
    const auto check = [&](const std::function<void(Transaction&)>& edit) {
        auto tx = chain.unsigned_call(wallet(0).address(), transfer(wallet(1).address(), kOneMut));
        edit(tx);
        tx.sign(wallet(0));
        return chain.ledger.check(tx.encode());
    };
    EXPECT_TRUE(check([](auto&) {}).ok());
    EXPECT_EQ(check([](auto& tx) { tx.chain_id = 1; }).error().message,
              "the transaction is for chain 1; this one is 8021");
    EXPECT_FALSE(check([](auto& tx) { tx.gas_limit = 20'999; }).ok());
    EXPECT_FALSE(check([](auto& tx) { tx.max_fee = Amount(999'999'999); }).ok());
    EXPECT_FALSE(check([](auto& tx) { tx.max_priority_fee = Amount(1'000'000'001); }).ok());
    EXPECT_FALSE(check([](auto& tx) { tx.max_fee = Amount(~static_cast<u128>(0)); }).ok());
    EXPECT_TRUE(check([](auto& tx) { tx.nonce = kNonceAheadMax; }).ok());
    EXPECT_EQ(check([](auto& tx) { tx.nonce = kNonceAheadMax + 1; }).error().kind,
              ErrorKind::resource_exhausted);
    EXPECT_EQ(check([](auto& tx) { tx.nonce = ~std::uint64_t{0}; }).error().kind,
              ErrorKind::resource_exhausted);
    EXPECT_FALSE(chain.ledger.check(to_bytes(as_bytes("garbage"))).ok());
}

TEST(Ledger, a_failing_call_changes_nothing_but_nonce_and_fee) {
    TestChain chain;
    const auto before = chain.balance(wallet(0).address());
    const Call bad{module::rights(), kOneMut, to_bytes(as_bytes("none"))};
    const auto status = chain.send(wallet(0), bad);
    EXPECT_EQ(status.error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(status.error().message, "the module has no such method");
    EXPECT_EQ(chain.balance(module::rights()), Amount());
    EXPECT_EQ(chain.account(wallet(0).address()).nonce, 1u);
    EXPECT_EQ(chain.balance(wallet(0).address()), before.minus(chain.last.fee).value());
    EXPECT_EQ(chain.events().size(), 1u);  // the fee
    for (const Call& call : {Call{module::nodes(), {}, {}}, Call{module::treasury(), kOneMut, {}}})
        EXPECT_FALSE(chain.send(wallet(0), call).ok());
    // A method that takes no payment refuses one.
    auto paying = register_data(digest_of("x"), 1, "x");
    paying.value = Amount(1);
    EXPECT_FALSE(chain.send(wallet(0), paying).ok());
}

// Sentences may be reworded by a newer version, which must still replay to the same hash.
TEST(Ledger, the_sentence_of_a_receipt_is_kept_outside_its_record) {
    TestChain chain;
    ASSERT_FALSE(chain.send(wallet(0), Call{module::rights(), {}, {}}).ok());
    const auto stored = chain.record<Receipt>(key::receipt(chain.last.transaction));
    EXPECT_TRUE(stored.error.empty());
    EXPECT_FALSE(chain.last.error.empty());
    EXPECT_EQ(stored.error_kind, chain.last.error_kind);
}

TEST(Ledger, proposes_each_senders_nonces_in_order) {
    TestChain chain;
    const auto call = transfer(wallet(5).address(), Amount(1));
    std::vector<Bytes> own;
    for (std::uint64_t i = 0; i < 4; ++i) own.push_back(chain.signed_call(wallet(0), call, i));
    const auto other = chain.signed_call(wallet(1), call);
    const auto gap = chain.signed_call(wallet(2), call, 1);
    const std::vector<Bytes> waiting{own[2], other, own[0], gap, own[1], own[3], own[0], {1, 2, 3}};
    EXPECT_EQ(chain.ledger.propose(waiting, 1 << 20),
              (std::vector<Bytes>{own[0], own[1], own[2], own[3], other}));
    EXPECT_EQ(chain.ledger.propose(waiting, own[0].size() + own[1].size() + 1),
              (std::vector<Bytes>{own[0], own[1]}));
    EXPECT_TRUE(chain.ledger.propose(waiting, own[0].size() - 1).empty());
}

TEST(Ledger, proposes_only_what_the_balance_covers_together) {
    TestChain chain;
    const auto call = transfer(wallet(5).address(), kOneMut.times(400).value());
    std::vector<Bytes> waiting;
    for (std::uint64_t i = 0; i < 4; ++i) waiting.push_back(chain.signed_call(wallet(0), call, i));
    EXPECT_EQ(chain.ledger.propose(waiting, 1 << 20), (std::vector<Bytes>{waiting[0], waiting[1]}));
}

TEST(Ledger, finalize_changes_nothing_until_commit) {
    TestChain chain;
    const auto raw = chain.signed_call(wallet(0), transfer(wallet(1).address(), kOneMut));
    const auto before = chain.ledger.state_hash();
    const auto first = chain.ledger.finalize(1, kStartMs + 1, {raw}).value();
    EXPECT_EQ(chain.ledger.state_hash(), before);
    EXPECT_EQ(chain.ledger.height(), 0u);
    EXPECT_NE(chain.ledger.finalize(1, kStartMs + 1, {}).value(), first);
    EXPECT_EQ(chain.ledger.finalize(1, kStartMs + 1, {raw}).value(), first);
    chain.ledger.commit();
    EXPECT_EQ(chain.ledger.state_hash(), first);
    EXPECT_FALSE(chain.ledger.finalize(1, kStartMs + 2, {}).ok());
    EXPECT_FALSE(chain.ledger.finalize(3, kStartMs + 2, {}).ok());
    EXPECT_FALSE(chain.ledger.finalize(2, kStartMs, {}).ok());
}

TEST(Ledger, a_snapshot_goes_on_to_the_same_hashes) {
    TestChain chain;
    ASSERT_TRUE(chain.send(wallet(0), register_data(digest_of("a"), 5, "um título")).ok());
    ASSERT_FALSE(chain.send(wallet(0), register_data(digest_of("a"), 5, "again")).ok());
    const auto snapshot = chain.ledger.snapshot();
    auto other = Ledger::restore(snapshot).value();
    EXPECT_EQ(other.snapshot(), snapshot);
    EXPECT_EQ(other.state_hash(), chain.ledger.state_hash());
    EXPECT_EQ(encode_record(other.genesis()), encode_record(chain.ledger.genesis()));
    const auto raw = chain.signed_call(wallet(1), transfer(wallet(2).address(), kOneMut));
    EXPECT_EQ(other.finalize(3, chain.time_ms + 5, {raw}).value(),
              chain.ledger.finalize(3, chain.time_ms + 5, {raw}).value());
}

TEST(Ledger, a_frozen_state_is_read_while_the_ledger_goes_on) {
    TestChain chain;
    ASSERT_TRUE(chain.send(wallet(0), register_data(digest_of("a"), 5, "um título")).ok());
    const auto snapshot = chain.ledger.snapshot();
    auto frozen = chain.ledger.freeze();
    Bytes read;
    for (std::uint8_t i = 0;; ++i) {
        const auto piece = frozen->next(40);
        if (piece.empty()) break;
        read.insert(read.end(), piece.begin(), piece.end());
        if (i < 20) {
            const auto to = wallet(static_cast<std::uint8_t>(50 + i)).address();
            ASSERT_TRUE(chain.send(wallet(i % 2), transfer(to, kOneMut)).ok());
        }
    }
    EXPECT_EQ(read, snapshot);
    EXPECT_NE(chain.ledger.snapshot(), snapshot);
    EXPECT_EQ(Ledger::restore(chain.ledger.snapshot()).value().state_hash(),
              chain.ledger.state_hash());
}

// Beside the records, the history is given block by block, and comes back at any time.
TEST(Ledger, recalls_a_history_that_was_beside_the_snapshot) {
    TestChain chain;
    const auto send = [&] {
        ASSERT_TRUE(chain.send(wallet(0), transfer(wallet(7).address(), kOneMut)).ok());
    };
    for (int i = 0; i < 3; ++i) send();
    const auto height = chain.ledger.height();
    auto frozen = chain.ledger.freeze(HistoryPlace::beside);
    send();
    auto other = Ledger::restore(frozen->next(std::numeric_limits<std::size_t>::max())).value();
    EXPECT_TRUE(frozen->next(1).empty());
    EXPECT_EQ(other.height(), height);
    EXPECT_EQ(other.history_begin().height, height + 1);
    EXPECT_EQ(frozen->history_begin(), 1u);
    History earlier, late;
    std::uint64_t last = 0;
    while (auto part = frozen->next_history(last)) {
        EXPECT_EQ(part->height, last + 1);
        last = part->height;
        ASSERT_TRUE(earlier.add_part(part->bytes).ok());
        if (last < height) {
            ASSERT_TRUE(late.add_part(part->bytes).ok());
        }
    }
    EXPECT_EQ(last, height);
    // Only when blocks went on, to the same state as ever.
    ASSERT_TRUE(other.finalize(height + 1, chain.ledger.time_ms(), {}).ok());
    other.commit();
    EXPECT_EQ(other.recall(std::move(late), height).error().kind, ErrorKind::corrupt);
    ASSERT_TRUE(other.recall(std::move(earlier), height).ok());
    EXPECT_EQ(other.history_begin().height, 1u);
    EXPECT_EQ(other.history_begin().event, 0u);
    EXPECT_EQ(Ledger::restore(other.snapshot()).value().snapshot(), other.snapshot());
    ASSERT_TRUE(other.recall(History(), height).ok());
}

TEST(Ledger, refuses_a_snapshot_that_is_not_its_own) {
    const auto snapshot = TestChain().ledger.snapshot();
    for (std::size_t size = 0; size < snapshot.size(); size += 7)
        EXPECT_FALSE(Ledger::restore(ByteSpan(snapshot).first(size)).ok()) << size;
    auto longer = snapshot;
    longer.push_back(0);
    EXPECT_FALSE(Ledger::restore(longer).ok());
    auto older = snapshot;
    older[0] = 1;
    EXPECT_EQ(Ledger::restore(older).error().message,
              "the ledger's snapshot has format 1 and this program reads format 5; use the program "
              "that wrote it, or begin a new network");
    auto richer = snapshot;  // the first account, one wei more
    const auto account = key::account(wallet(0).address());
    const auto at = std::search(richer.begin(), richer.end(), account.begin(), account.end());
    ++*(at + static_cast<std::ptrdiff_t>(account.size()) + 4);
    EXPECT_EQ(Ledger::restore(richer).error().message,
              "the records in the ledger's snapshot are not those of its state hash");
}

TEST(Ledger, shows_single_records_under_its_state_hash) {
    TestChain chain;
    ASSERT_TRUE(chain.send(wallet(0), transfer(wallet(99).address(), kOneMut)).ok());
    const auto header = StateHeader::decode(chain.ledger.header().encode()).value();
    ASSERT_EQ(header.hash(), chain.ledger.state_hash());
    EXPECT_EQ(header.height, 1u);
    const auto show = [&](const Bytes& key) {
        return verify(header.tree_root, key, chain.ledger.prove(key).value()).value();
    };
    EXPECT_EQ(show(key::account(wallet(99).address())), encode_record(Account{kOneMut, 0}));
    EXPECT_FALSE(show(key::account(wallet(98).address())).has_value());
    EXPECT_EQ(chain.ledger.prove({}).error().kind, ErrorKind::invalid_argument);
    const auto receipt = key::receipt(chain.last.transaction);
    EXPECT_EQ(chain.ledger.prove(receipt).error().kind, ErrorKind::not_found);
}

// What the tree does not hold is in the header all the same.
TEST(Ledger, the_state_hash_commits_to_receipts_and_to_the_chain) {
    TestChain one, other;
    const auto pays = [&](TestChain& chain, int to) {
        const auto status = chain.send(wallet(0), transfer(wallet(to).address(), kOneMut));
        ASSERT_TRUE(status.ok());
    };
    pays(one, 1);
    pays(other, 1);
    EXPECT_EQ(one.ledger.header(), other.ledger.header());
    const auto empty = TestChain().ledger.header();
    EXPECT_NE(one.ledger.header().history_root, empty.history_root);
    EXPECT_EQ(one.ledger.header().previous, empty.hash());
    one.block({});
    EXPECT_EQ(one.ledger.header().history_root, empty.history_root);
    EXPECT_EQ(one.ledger.header().tree_root, other.ledger.header().tree_root);
    EXPECT_NE(one.ledger.state_hash(), other.ledger.state_hash());
}

TEST(Ledger, scans_records_and_history_as_one_list) {
    TestChain chain;
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(chain.send(wallet(i), transfer(wallet(99).address(), kOneMut)).ok());
        ASSERT_FALSE(chain.send(wallet(i), Call{module::rights(), {}, {}}).ok());
    }
    const auto& state = chain.ledger.state();
    const auto all = state.scan({}, {}, 1000).value();
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
    EXPECT_EQ(state.scan(as_bytes("t/"), {}, 100).value().size(), 6u);
    EXPECT_EQ(state.scan(as_bytes("w/"), {}, 100).value().size(), 3u);
    EXPECT_EQ(state.scan(as_bytes("v/"), {}, 100).value().size(), 9u);
    Bytes after;
    for (const auto& [key, value] : all) {
        EXPECT_EQ(state.get(key).value(), Value(value));
        const auto next = state.scan({}, after, 1).value();
        ASSERT_EQ(next.size(), 1u);
        EXPECT_EQ(next[0].first, key);
        const auto own = state.scan(key, {}, 5).value();
        ASSERT_EQ(own.size(), 1u);
        after = key;
    }
    EXPECT_TRUE(state.scan({}, after, 1).value().empty());
}

}  // namespace
}  // namespace mutirao::ledger
