#include "ledger/ledger.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "crypto/hash.hpp"
#include "ledger/admission.hpp"
#include "ledger/execution.hpp"
#include "ledger/staking.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::size_t kErrorMax = 512;     // bytes of a receipt's sentence
constexpr std::size_t kTouchedAhead = 64;  // transactions

// Those that the chain begins with, with their stake.
Status enter_validators(const Genesis& genesis, std::map<Bytes, Value>& records, Amount supply) {
    if (genesis.validators.empty()) return {};
    Amount staked;
    for (const auto& one : genesis.validators) {
        TRY(supply, supply.plus(one.stake));
        TRY(staked, staked.plus(one.stake));
        auto& named = records[key::validator_key(consensus_address(one.key))];
        auto& record = records[key::validator(one.account)];
        auto& holder = records[key::bls_key(one.bls_key)];
        if (named || record || holder || power_of(one.stake) == 0)
            return Error{ErrorKind::invalid_argument,
                         "genesis: each validator has its own account and keys, and a stake of " +
                             kPowerUnit.times(kValidatorPowerLeast)->text() + " or more"};
        named = encode_record(ValidatorKey{one.account});
        TRY_VOID(crypto::BlsVerifiedKey::possession_shown(one.bls_key));
        holder = to_bytes(one.account.span());
        record = encode_record(
            Validator{one.account, one.key, power_of(one.stake), false, one.bls_key, one.endpoint});
        records[key::node_stake(one.account)] =
            encode_record(NodeStake{one.account, {one.stake, one.stake}, {}});
        records[key::owner_stake(one.staker, one.account)] =
            encode_record(OwnerStake{one.staker, one.account, one.stake, {}, 0});
    }
    auto& account = records[key::account(module::staking())];
    if (account)
        return Error{ErrorKind::invalid_argument, "genesis: allocates money to the module Staking"};
    account = encode_record(Account{staked, 0});
    return {};
}

}  // namespace

Result<Value> Ledger::Records::get(ByteSpan key) const {
    return is_history(key) ? history.get(key) : tree.get(key);
}

Result<std::vector<std::pair<Bytes, Bytes>>> Ledger::Records::scan(ByteSpan prefix, ByteSpan after,
                                                                   std::size_t limit) const {
    auto out = history.scan(prefix, after, limit);
    auto records = tree.scan(prefix, after, limit);
    const auto middle = static_cast<std::ptrdiff_t>(out.size());
    std::move(records.begin(), records.end(), std::back_inserter(out));
    if (middle > 0) std::inplace_merge(out.begin(), out.begin() + middle, out.end());
    if (out.size() > limit) out.resize(limit);
    return out;
}

Result<Ledger> Ledger::begin(const Genesis& genesis) {
    Ledger out;
    out.genesis_ = genesis;
    if (genesis.allocations.size() > kListMax)
        return Error{ErrorKind::invalid_argument,
                     "genesis: at most " + std::to_string(kListMax) + " addresses are allocated"};
    Amount supply;
    std::map<Bytes, Value> records;
    for (const auto& [address, amount] : genesis.allocations) {
        auto sum = supply.plus(amount);
        if (!sum.ok()) return std::move(sum).error().within("genesis");
        supply = *sum;
        auto& record = records[key::account(address)];
        if (record)
            return Error{ErrorKind::invalid_argument, "genesis: an address is allocated twice"};
        record = encode_record(Account{amount, 0});
    }
    TRY_VOID(enter_validators(genesis, records, supply));
    records[key::genesis()] = encode_record(genesis);
    out.header_.tree_root = out.records_.tree.apply({records.begin(), records.end()});
    out.header_.history_root = BlockHistory().root();
    out.header_.time_ms = genesis.time_ms;
    out.state_hash_ = out.header_.hash();
    return out;
}

Result<Receipt> Ledger::run(Changes& block, std::uint64_t height, std::uint64_t time_ms,
                            const Admitted& transaction) const {
    // No structured binding: clang 14 lets no lambda see one.
    const auto& tx = transaction.tx;
    const auto& hash = transaction.hash;
    const auto& sender = transaction.sender;
    TRY(auto found, read<Account>(block, key::account(sender)));
    auto account = found.value_or(Account{});
    if (tx.nonce != account.nonce) return replayed(tx.nonce, account.nonce);
    TRY_VOID(check_funds(tx, account.balance));

    Receipt receipt;
    receipt.transaction = hash;
    receipt.height = height;
    receipt.gas_used = transaction.gas;
    const Amount tip = std::min(tx.max_priority_fee, *tx.max_fee.minus(genesis_.base_fee));
    TRY(auto price, genesis_.base_fee.plus(tip));
    TRY(receipt.fee, price.times(receipt.gas_used));
    ++account.nonce;
    TRY(account.balance, account.balance.minus(receipt.fee));
    block.write(key::account(sender), account);
    Context context{block, genesis_, *memo_, height, time_ms, sender, tx.nonce, tx.value};
    if (!receipt.fee.is_zero())
        TRY_VOID(credit(context, sender, module::treasury(), receipt.fee, Reason::fee,
                        receipt.transaction));

    const auto paid = block.mark();
    const auto done = [&]() -> Status {
        if (!is_module(tx.to))
            return pay(context, sender, tx.to, tx.value, Reason::transfer, receipt.transaction);
        TRY_VOID(
            pay(context, sender, tx.to, tx.value, reason_of_value(tx.to), receipt.transaction));
        return execute(context, tx.to, tx.data);
    }();
    receipt.succeeded = done.ok();
    if (done.ok()) {
        receipt.created = context.created;
    } else {
        block.go_back(paid);
        receipt.error_kind = static_cast<std::uint8_t>(done.error().kind);
        receipt.error = done.error().message.substr(0, kErrorMax);
    }
    return receipt;
}

void Ledger::touch_accounts(std::span<const AdmittedPtr> transactions) const {
    std::vector<Bytes> keys;
    keys.reserve(2 * transactions.size());
    for (const auto& admitted : transactions) {
        if (admitted == nullptr) continue;
        keys.push_back(key::account(admitted->sender));
        keys.push_back(key::account(admitted->tx.to));
    }
    records_.tree.touch(std::vector<ByteSpan>(keys.begin(), keys.end()));
}

Result<Digest> Ledger::finalize(std::uint64_t height, std::uint64_t time_ms,
                                const std::vector<Bytes>& transactions,
                                const std::vector<LaneTip>& tips,
                                const std::vector<ValidatorFault>& faults) {
    std::vector<AdmittedPtr> prepared;
    prepared.reserve(transactions.size());
    for (auto& one : admit_each(genesis_, *memo_,
                                std::vector<ByteSpan>(transactions.begin(), transactions.end())))
        prepared.push_back(one.ok() ? std::move(*one) : nullptr);
    return finalize_prepared(height, time_ms, prepared, tips, faults);
}

Result<Digest> Ledger::finalize_prepared(std::uint64_t height, std::uint64_t time_ms,
                                         std::span<const AdmittedPtr> transactions,
                                         const std::vector<LaneTip>& tips,
                                         const std::vector<ValidatorFault>& faults,
                                         const Threads& threads) {
    if (height != this->height() + 1)
        return Error{ErrorKind::invalid_argument, "block " + std::to_string(height) +
                                                      " does not follow block " +
                                                      std::to_string(this->height())};
    if (time_ms < this->time_ms())
        return Error{ErrorKind::invalid_argument, "the block's time goes back"};
    Changes block(records_);
    for (const auto& tip : tips) block.put(key::lane_tip(tip.author), Writer().u(tip.next).bytes());
    BlockHistory history{records_.history.event_count(), {}, {}};
    for (std::size_t from = 0; from < transactions.size(); from += kTouchedAhead) {
        const auto some =
            transactions.subspan(from, std::min(kTouchedAhead, transactions.size() - from));
        touch_accounts(some);
        for (const auto& admitted : some) {
            // Not executable is a deterministic no-op: the block stays valid.
            if (admitted == nullptr) continue;
            const auto before = block.mark();
            auto receipt = run(block, height, time_ms, *admitted);
            if (receipt.ok())
                history.add(std::move(*receipt));
            else
                block.go_back(before);
            block.keep();
        }
    }
    Context closing{block, genesis_, *memo_, height, time_ms, {}, 0, {}};
    for (const auto& fault : faults) TRY_VOID(punish(closing, fault));
    TRY_VOID(draw_audits(closing, state_hash_));
    TRY_VOID(close_epoch(closing));
    TRY(auto validators, close_validators(closing));
    const auto& events = block.events();
    if (!events.empty())
        block.put(key::event_count(), Writer().u(history.first_event + events.size()).bytes());
    staged_.emplace();
    Digest history_root;
    run_parallel(threads, 2, [&](unsigned, std::size_t which) {
        if (which == 0) {
            staged_->tree = records_.tree.stage(block.take_difference());
        } else {
            history.add(events);
            history_root = history.root();
        }
    });
    staged_->header = {staged_->tree.root, history_root, height, time_ms, state_hash_};
    staged_->state_hash = staged_->header.hash();
    staged_->history = std::move(history);
    staged_->validators = std::move(validators);
    return staged_->state_hash;
}

void Ledger::commit() {
    ENSURE(staged_.has_value(), "commit follows finalize");
    records_.tree.commit(std::move(staged_->tree));
    records_.history.add(std::move(staged_->history));
    header_ = staged_->header;
    state_hash_ = staged_->state_hash;
    staged_.reset();
}

Result<std::optional<Receipt>> Ledger::receipt(const Digest& transaction) const {
    return records_.history.receipt(transaction);
}

std::shared_ptr<const BlockHistory> Ledger::left_by(std::uint64_t height) const {
    const auto begin = history_begin().height;
    if (height < begin || height > this->height()) return nullptr;
    return records_.history.shared_block(height - begin);
}

Result<StateProof> Ledger::prove(ByteSpan key) const {
    if (key.empty() || key.size() > kStateKeyMax)
        return Error{ErrorKind::invalid_argument,
                     "a key has 1 to " + std::to_string(kStateKeyMax) + " bytes"};
    if (is_history(key))
        return Error{ErrorKind::not_found,
                     "events and receipts are history: the tree of records does not hold them"};
    return records_.tree.prove(key);
}

FrozenLedger::FrozenLedger(const StateHeader& header, StateSlots::View records,
                           History::View history, HistoryPlace place)
    : records_(std::move(records)),
      history_(std::move(history)),
      height_(header.height),
      place_(place) {
    out_.u(kSnapshotFormat).raw(header.encode()).u(records_.slot_count());
}

Bytes FrozenLedger::next(std::size_t bytes) {
    const bool inside = place_ == HistoryPlace::inside;
    if (part_ == Part::records && !records_.next(bytes, out_)) {
        out_.u(inside ? history_.first_event() : history_.event_count());
        out_.u(inside ? history_.blocks() : std::uint64_t{0});
        part_ = inside ? Part::history : Part::end;
    }
    if (part_ == Part::history && !history_.next(bytes, out_)) part_ = Part::end;
    return std::exchange(out_, Writer()).take();
}

std::optional<FrozenLedger::Left> FrozenLedger::next_history(std::uint64_t height) {
    const auto wanted = std::max(height + 1, history_begin());
    if (place_ == HistoryPlace::inside || wanted > height_) return std::nullopt;
    return Left{wanted, history_.part(wanted - history_begin())};
}

std::unique_ptr<FrozenLedger> Ledger::freeze(HistoryPlace place) const {
    return std::make_unique<FrozenLedger>(header_, records_.tree.view(), records_.history.view(),
                                          place);
}

Bytes Ledger::snapshot() const {
    return freeze(HistoryPlace::inside)->next(std::numeric_limits<std::size_t>::max());
}

Status Ledger::recall(History earlier, std::uint64_t last_height) {
    auto& history = records_.history;
    const auto begin = history_begin();
    if (earlier.blocks() == 0 || begin.height > last_height + 1) return {};
    if (begin.height != last_height + 1 || begin.event != earlier.event_count() ||
        earlier.blocks() > last_height)
        return Error{ErrorKind::corrupt,
                     "what blocks up to " + std::to_string(last_height) +
                         " left in the history does not end where this ledger's begins"};
    earlier.extend(history);
    history = std::move(earlier);
    return {};
}

Result<Ledger> Ledger::restore(ByteSpan snapshot, std::shared_ptr<Memo> memo,
                               const Threads& threads) {
    Reader in(snapshot);
    TRY(auto version, in.u<std::uint16_t>());
    if (version != kSnapshotFormat)
        return Error{ErrorKind::corrupt,
                     "the ledger's snapshot has format " + std::to_string(version) +
                         " and this program reads format " + std::to_string(kSnapshotFormat) +
                         "; use the program that wrote it, or begin a new network"};
    Ledger out;
    out.memo_ = std::move(memo);
    TRY(auto header, in.raw(StateHeader::kSize));
    TRY(out.header_, StateHeader::decode(header));
    out.state_hash_ = out.header_.hash();
    TRY(out.records_.tree, StateTree::decode(in, threads));
    if (out.records_.tree.root() != out.header_.tree_root)
        return Error{ErrorKind::corrupt,
                     "the records in the ledger's snapshot are not those of its state hash"};
    TRY(out.records_.history, History::decode(in));
    TRY_VOID(in.finish());
    TRY(auto events, read_counter(out.records_, key::event_count()));
    if (events != out.records_.history.event_count() ||
        out.records_.history.blocks() > out.height())
        return Error{ErrorKind::corrupt, "events are missing from the ledger's snapshot"};
    TRY(out.genesis_, require<Genesis>(out.records_, key::genesis(), "genesis in the snapshot"));
    return out;
}

}  // namespace mutirao::ledger
