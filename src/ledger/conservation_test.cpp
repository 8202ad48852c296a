// Over random histories, money neither appears nor vanishes, every escrow holds what it owes, and
// another machine that replays the blocks gets the same state.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "block/stated_block_test.hpp"
#include "ledger/asset_tokens.hpp"
#include "ledger/contributions.hpp"
#include "ledger/deals.hpp"
#include "ledger/disputes.hpp"
#include "ledger/orders.hpp"
#include "ledger/staking.hpp"
#include "ledger/test_chain.hpp"
#include "ledger/validators.hpp"

namespace mutirao::ledger {
namespace {

constexpr int kPeople = 4;  // wallets 0 to 3 do everything to each other
constexpr int kThings = 3;  // contents, sessions

int some(int bound) { return *rc::gen::inRange(0, bound); }

Digest content(int i) { return digest_of("content " + std::to_string(i)); }
Digest some_asset() { return asset_id(wallet(some(kPeople)).address(), content(some(kThings))); }
crypto::AccountKey session(int i) { return wallet(100 + i); }

Amount some_amount() {
    return *rc::gen::element(Amount(), Amount(1), Amount(7), kOneMut, kOneMut.times(300).value(),
                             kOneMut.times(5000).value());
}

Digest some_run(const TestChain& chain) {
    const auto runs = read_all<Run>(chain.ledger.state(), key::runs(), 100).value();
    return runs.empty() ? Digest() : runs[static_cast<std::size_t>(some(int(runs.size())))].id;
}

RunOutcome some_outcome(const TestChain& chain) {
    RunOutcome out;
    out.run = some_run(chain);
    out.model_content = content(some(kThings));
    if (some(2) == 0) out.assets.push_back({some_asset(), 5});
    const auto run = read<Run>(chain.ledger.state(), key::run(out.run)).value();
    for (std::size_t i = 0; run && i < run->trainers.size(); ++i)
        out.trainer_tokens.push_back(static_cast<std::uint64_t>(some(3)));
    return out;
}

Voucher some_voucher(const TestChain& chain) {
    Voucher out;
    const auto providers =
        read_all<Provider>(chain.ledger.state(), to_bytes(as_bytes("p/")), 100).value();
    if (!providers.empty()) {
        const auto& one = providers[static_cast<std::size_t>(some(int(providers.size())))];
        out.provider = one.address, out.model = one.model;
    }
    out.cumulative = some_amount();
    out.sign(session(some(kThings)), 8021);
    return out;
}

// A block that nodes 10 and 11 hold; prepared() certifies it.
const block::CodedBlock& stored() {
    static const auto coded = block::code(5000);
    return coded;
}

template <class Record>
Record some_record(const TestChain& chain, const Bytes& prefix) {
    const auto all = read_all<Record>(chain.ledger.state(), prefix, 100).value();
    return all.empty() ? Record{} : all[static_cast<std::size_t>(some(int(all.size())))];
}

// Of storage, with audits that are answered truly or not.
Call some_deal_call(const TestChain& chain) {
    const auto deal = some_record<Deal>(chain, key::deals());
    const auto audit = some_record<Audit>(chain, key::audits());
    const auto holder = wallet(10 + some(2)).address();
    switch (some(6)) {
        case 0: return open_deal(stored().statement.id(), chain.time_ms + kDayMs, 0, some_amount());
        case 1: return open_audit(deal.id, holder, some(4) == 0 ? Amount() : kAuditDeposit);
        case 2: {
            auto digests = block::slot_digests(stored(), audit.slot);
            const auto place = block::drawn_row(audit.draw, digests.size());
            const auto row = stored().row(stored().order.row_at(audit.slot, place));
            return answer_audit(audit.deal, audit.node,
                                block::prove_slot(stored().statement, audit.slot,
                                                  std::move(digests), to_bytes(row)));
        }
        case 3: return expire_audit(audit.deal, audit.node);
        case 4: return close_deal(deal.id);
        default: return offer_storage(1, chain.time_ms);  // people are no storage nodes
    }
}

// Of contributions, disputes and validators.
Call some_other_call(const TestChain& chain) {
    const auto dispute = some_record<Dispute>(chain, key::disputes());
    const auto person = some(kPeople);
    switch (some(7)) {
        case 0:
            return fund_contributors(some_run(chain), static_cast<std::uint32_t>(some(3)) * 100'000,
                                     some_amount());
        case 1: {
            const std::vector<AssetWeight> weights{{some_asset(), 400'000}};
            return report_contributions(some_run(chain), static_cast<std::uint32_t>(some(3)),
                                        digest_of("result"), weights);
        }
        case 2: return ledger::dispute(some_voucher(chain));
        case 3: return expire_dispute(dispute.provider, dispute.id);
        case 4: {
            const auto seed = digest_of("key " + std::to_string(person));
            return join_validators({crypto::Ed25519Key::from_seed(seed.span()).value(),
                                    TestNode(person).bls, "v.example:1"},
                                   wallet(person).address(), 8021);
        }
        case 5: return leave_validators();
        default: {
            compute::Receipt one, other;
            other.output = digest_of("other");
            one.sign(wallet(person)), other.sign(wallet(person));
            return prove_two_answers(one, other);
        }
    }
}

Address some_node() { return wallet(some(2) == 0 ? 10 : some(kPeople)).address(); }

// Node 10, and 11 too, say two things of one block.
Call some_conflict() {
    static const auto certificate = [](std::uint64_t length) {
        block::Certificate out;
        out.id = BlockId{digest_of("block").bytes};
        out.length = length;
        out.epoch = 2;
        out.signers = block::signer_bitmap(2, std::vector<std::uint32_t>{0, 1});
        const auto message = block::availability_message(8021, out);
        const std::vector<crypto::BlsSignature> both{TestNode(10).bls.sign(message),
                                                     TestNode(11).bls.sign(message)};
        out.signature = crypto::aggregate(both).value();
        return out;
    };
    static const auto call = prove_conflict(certificate(1), certificate(2));
    return call;
}

// A person's order, or one of the session key that it may have authorised.
Call some_order(const TestChain& chain) {
    const auto person = wallet(some(kPeople));
    const auto signer = some(2) == 0 ? person : session(0);
    const auto call = some(2) == 0 ? stake(some_node(), some_amount())
                                   : create_run(digest_of("spec"), {wallet(9).address()}, {});
    Order out;
    out.account = person.address();
    out.to = call.to;
    out.value = call.value;
    out.data = call.data;
    out.fee = some_amount();
    out.nonce = order_key_of(chain.ledger.state(), out.account, signer.address())->nonce;
    out.deadline_ms = chain.time_ms + 150;
    out.sign(signer, 8021);
    return relay(out);
}

Call some_call(const TestChain& chain) {
    const auto soon = chain.time_ms + 1 + 150u * static_cast<unsigned>(some(20));
    const auto person = wallet(some(kPeople)).address();
    switch (some(34)) {
        case 0: return transfer(person, some_amount());
        case 1: return register_data(content(some(kThings)), 1, "");
        case 2:
            return offer_licence(some_asset(), some_run(chain),
                                 {Purpose::train, some_amount(),
                                  static_cast<std::uint32_t>(some(5)) * 200'000, soon});
        case 3:
            return offer_licence(some_asset(), subject_of(person),
                                 {Purpose::infer, some_amount(), 0, soon});
        case 4: {
            const auto all = read_all<Licence>(chain.ledger.state(), key::licences(), 100).value();
            if (all.empty()) return accept_licence({}, {});
            const auto& one = all[static_cast<std::size_t>(some(int(all.size())))];
            return accept_licence(one.id, one.price);
        }
        case 5: return revoke_licence(licence_id(some_asset(), some_run(chain)));
        case 6: return create_run(digest_of("spec"), {person, wallet(9).address()}, some_amount());
        case 7: return finish_run(some_outcome(chain));
        case 8: return offer_model(some_asset());
        case 9: return open_key(session(some(kThings)).address(), some_amount(), soon);
        case 10: return close_key(session(some(kThings)).address());
        case 11: return stake(some_node(), some_amount());
        case 12: return unstake(some_node(), some_amount());
        case 13: return withdraw(some_node());
        case 14: return distribute_rewards();
        case 15: return some_conflict();
        case 16: return add_trainer(some_run(chain), person);
        case 17:
            return report_round(some_run(chain), static_cast<std::uint32_t>(some(3)),
                                digest_of("result"));
        case 18: return close_run(some_run(chain));
        case 19: return end_key(session(some(kThings)).address());
        case 20: return transfer_asset(wallet(some(kPeople)).address(), person, some_asset());
        case 21: return approve_all_transfers(person, some(2) == 0);
        case 22: return authorise(session(0).address(), {module::staking(), some_amount(), soon});
        case 23: return some_order(chain);
        case 24:
        case 25:
        case 26:
        case 27:
        case 28: return some_deal_call(chain);
        case 29:
        case 30:
        case 31: return some_other_call(chain);
        default: return settle(some_voucher(chain));
    }
}

void check_money(const TestChain& chain, Amount supply) {
    RC_ASSERT(chain.supply() == supply);
    Amount rewards, locked;
    for (const auto& run : read_all<Run>(chain.ledger.state(), key::runs(), 1000).value())
        if (run.state == RunState::open) rewards = rewards.plus(run.reward).value();
    for (const auto& each :
         read_all<ApiKey>(chain.ledger.state(), to_bytes(as_bytes("k/")), 1000).value())
        if (!each.closed) locked = locked.plus(each.limit).value().minus(each.redeemed).value();
    for (const auto& each : read_all<Dispute>(chain.ledger.state(), key::disputes(), 1000).value())
        if (each.state == DisputeState::open) locked = locked.plus(kDisputeDeposit).value();
    for (const auto& pool :
         read_all<ContributionPool>(chain.ledger.state(), to_bytes(as_bytes("F/")), 1000).value())
        rewards = rewards.plus(pool.wei).value();
    Amount deals;
    for (const auto& deal : read_all<Deal>(chain.ledger.state(), key::deals(), 1000).value())
        deals = deals.plus(deal.escrow).value();
    for (const auto& audit : read_all<Audit>(chain.ledger.state(), key::audits(), 1000).value())
        deals = deals.plus(audit.deposit).value();
    RC_ASSERT(chain.balance(module::deals()) == deals);
    Amount staked;
    for (const auto& pots :
         read_all<NodeStake>(chain.ledger.state(), key::node_stakes(), 1000).value())
        staked = staked.plus(pots.bonded.wei).value().plus(pots.leaving.wei).value();
    RC_ASSERT(chain.balance(module::staking()) == staked);
    RC_ASSERT(chain.balance(module::training()) == rewards);
    RC_ASSERT(chain.balance(module::compute()) == locked);
    for (const auto& idle : {module::nodes(), module::storage(), module::rights()})
        RC_ASSERT(chain.balance(idle) == Amount());
    std::map<Address, std::uint64_t> owned;
    for (const auto& asset : read_all<Asset>(chain.ledger.state(), key::assets(), 1000).value()) {
        std::uint64_t ppm = 0;
        for (const auto& share : asset.shares) ppm += share.ppm;
        RC_ASSERT(ppm == (asset.kind == AssetKind::model ? 1'000'000u : 0u));
        ++owned[asset.owner];
    }
    for (int i = 0; i < kPeople; ++i) {
        const auto address = wallet(i).address();
        RC_ASSERT(read_counter(chain.ledger.state(), key::assets_owned(address)).value() ==
                  owned[address]);
    }
}

void certify_stored(TestChain& chain) {
    auto certificate = block::certificate_for(stored().statement, 2);
    certificate.opening = block::open_leaves(stored().statement, stored().statement.id());
    certificate.signers = block::signer_bitmap(2, std::vector<std::uint32_t>{0, 1});
    const auto message = block::availability_message(8021, certificate);
    const std::vector<crypto::BlsSignature> both{TestNode(10).bls.sign(message),
                                                 TestNode(11).bls.sign(message)};
    certificate.signature = crypto::aggregate(both).value();
    const PaidPart part{digest_of("stored"), 5000};
    const auto fee = parts_fee(chain.ledger.genesis(), {&part, 1}).value();
    ENSURE(chain.send(wallet(0), certify(certificate, {&part, 1}, fee)).ok());
}

// Everybody is a compute node, and two storage nodes serve; made once, since pairings are slow.
const Bytes& prepared() {
    static const Bytes snapshot = [] {
        TestChain chain;
        for (int i = 0; i < kPeople; ++i)
            ENSURE(chain.send(wallet(i), TestNode(i).joins(Role::compute)).ok());
        for (int i : {10, 11})
            ENSURE(chain.send(wallet(i), TestNode(i).joins(Role::storage, 3)).ok());
        certify_stored(chain);
        for (int i : {10, 11})
            ENSURE(chain.send(wallet(i), offer_storage(1'000'000'000'000, kStartMs * 2)).ok());
        return chain.ledger.snapshot();
    }();
    return snapshot;
}

RC_GTEST_PROP(Conservation, money_is_kept_and_blocks_replay, ()) {
    TestChain chain;
    chain.ledger = Ledger::restore(prepared()).value();
    chain.time_ms = chain.ledger.time_ms();
    auto replica = Ledger::restore(prepared()).value();
    const auto supply = chain.supply();
    int succeeded = 0;
    for (int i = 0; i < 60; ++i) {
        if (some(15) == 0) chain.time_ms += some(5) == 0 ? kRunLifeMs : kUnbondingMs;
        const auto from = wallet(some(kPeople));
        const auto raw = chain.signed_call(from, some_call(chain));
        chain.block({raw});
        RC_ASSERT(replica.finalize(chain.ledger.height(), chain.time_ms, {raw}).value() ==
                  chain.ledger.state_hash());
        replica.commit();
        const auto receipt = chain.ledger.receipt(Transaction::hash(raw)).value();
        if (receipt && receipt->succeeded) ++succeeded;
        check_money(chain, supply);
    }
    RC_ASSERT(replica.snapshot() == chain.ledger.snapshot());
    RC_CLASSIFY(succeeded >= 10, "ten calls or more succeeded");
}

}  // namespace
}  // namespace mutirao::ledger
