#include "ledger/ledger.hpp"

#include <algorithm>

#include "crypto/hash.hpp"
#include "ledger/admission.hpp"
#include "ledger/execution.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::size_t kErrorMax = 512;  // bytes of a receipt's sentence
constexpr std::uint16_t kSnapshotVersion = 1;

// Sentences are for people and may be reworded between versions, so the state hash leaves them out:
// a newer version must replay old blocks to the same hash.
Bytes words_key(const Digest& transaction) {
    Bytes out{'w', '/'};
    out.insert(out.end(), transaction.bytes.begin(), transaction.bytes.end());
    return out;
}
bool is_words(const Bytes& key) { return key.size() > 2 && key[0] == 'w' && key[1] == '/'; }

// Receipts hold an ErrorKind as a number, so these numbers never change.
static_assert(static_cast<int>(ErrorKind::invalid_argument) == 0 &&
              static_cast<int>(ErrorKind::permission_denied) == 3 &&
              static_cast<int>(ErrorKind::corrupt) == 8 && static_cast<int>(ErrorKind::io) == 10);

Digest hash_difference(const Digest& previous, std::uint64_t height, const Difference& difference) {
    crypto::KeyedHasher hasher(crypto::domain_key("state"));
    hasher.update(previous.span()).update(Writer().u(height).bytes());
    for (const auto& [key, value] : difference) {
        if (is_words(key)) continue;
        Writer out;
        out.blob(key).u(static_cast<std::uint8_t>(value.has_value())).blob(value.value_or(Bytes{}));
        hasher.update(out.bytes());
    }
    return hasher.digest();
}

}  // namespace

namespace key {
Bytes receipt(const Digest& transaction) {
    Bytes out{'t', '/'};
    out.insert(out.end(), transaction.bytes.begin(), transaction.bytes.end());
    return out;
}
}  // namespace key

Status Receipt::status() const {
    if (succeeded) return {};
    if (error_kind > static_cast<std::uint8_t>(ErrorKind::io))
        return Error{ErrorKind::corrupt, "a receipt with an unknown error: " + error};
    return Error{static_cast<ErrorKind>(error_kind), error};
}

Result<Value> Ledger::Records::get(ByteSpan key) const {
    const auto at = by_key.find(to_bytes(key));
    if (at == by_key.end()) return Value();
    return Value(at->second);
}

Result<std::vector<std::pair<Bytes, Bytes>>> Ledger::Records::scan(ByteSpan prefix, ByteSpan after,
                                                                   std::size_t limit) const {
    std::vector<std::pair<Bytes, Bytes>> out;
    const auto first = to_bytes(prefix), last = to_bytes(after);
    auto at = last < first ? by_key.lower_bound(first) : by_key.upper_bound(last);
    for (; at != by_key.end() && out.size() < limit; ++at) {
        if (at->first.size() < prefix.size() ||
            !std::equal(prefix.begin(), prefix.end(), at->first.begin()))
            break;
        out.push_back(*at);
    }
    return out;
}

Result<Ledger> Ledger::begin(const Genesis& genesis) {
    Ledger out;
    out.genesis_ = genesis;
    out.time_ms_ = genesis.time_ms;
    if (genesis.allocations.size() > kListMax)
        return Error{ErrorKind::invalid_argument,
                     "genesis: at most " + std::to_string(kListMax) + " addresses are allocated"};
    Amount supply;
    Difference difference;
    for (const auto& [address, amount] : genesis.allocations) {
        auto sum = supply.plus(amount);
        if (!sum.ok()) return std::move(sum).error().within("genesis");
        supply = *sum;
        auto& record = difference[key::account(address)];
        if (record)
            return Error{ErrorKind::invalid_argument, "genesis: an address is allocated twice"};
        record = encode_record(Account{amount, 0});
    }
    difference[key::genesis()] = encode_record(genesis);
    out.state_hash_ = hash_difference({}, 0, difference);
    for (auto& [key, value] : difference) out.records_.by_key[key] = std::move(*value);
    return out;
}

Status Ledger::run(Changes& block, std::uint64_t height, std::uint64_t time_ms,
                   ByteSpan raw) const {
    TRY(auto admitted, admit(genesis_, *memo_, raw));
    const auto& [tx, hash, sender] = admitted;
    TRY(auto found, read<Account>(block, key::account(sender)));
    auto account = found.value_or(Account{});
    if (tx.nonce != account.nonce) return replayed(tx.nonce, account.nonce);
    TRY_VOID(check_funds(tx, account.balance));

    Receipt receipt;
    receipt.transaction = hash;
    receipt.height = height;
    receipt.gas_used = gas_of(tx);
    const Amount tip = std::min(tx.max_priority_fee, *tx.max_fee.minus(genesis_.base_fee));
    TRY(auto price, genesis_.base_fee.plus(tip));
    TRY(receipt.fee, price.times(receipt.gas_used));
    ++account.nonce;
    block.write(key::account(sender), account);
    Context paying{block, genesis_, *memo_, height, time_ms, sender, tx.nonce, {}};
    TRY_VOID(
        pay(paying, sender, module::treasury(), receipt.fee, Reason::fee, receipt.transaction));

    auto inner = block.child();
    Context context{inner, genesis_, *memo_, height, time_ms, sender, tx.nonce, tx.value};
    const auto done = [&]() -> Status {
        if (!is_module(tx.to))
            return pay(context, sender, tx.to, tx.value, Reason::transfer, receipt.transaction);
        const auto reason = tx.to == module::compute()    ? Reason::key_escrow
                            : tx.to == module::training() ? Reason::training_escrow
                                                          : Reason::transfer;
        TRY_VOID(pay(context, sender, tx.to, tx.value, reason, receipt.transaction));
        return execute(context, tx.to, tx.data);
    }();
    receipt.succeeded = done.ok();
    if (done.ok()) {
        receipt.created = context.created;
        block.absorb(inner);
    } else {
        receipt.error_kind = static_cast<std::uint8_t>(done.error().kind);
        const auto words = done.error().message.substr(0, kErrorMax);
        block.put(words_key(hash), to_bytes(as_bytes(words)));
    }
    block.write(key::receipt(receipt.transaction), receipt);
    return {};
}

Result<Digest> Ledger::finalize(std::uint64_t height, std::uint64_t time_ms,
                                const std::vector<Bytes>& transactions) {
    if (height != height_ + 1)
        return Error{ErrorKind::invalid_argument, "block " + std::to_string(height) +
                                                      " does not follow block " +
                                                      std::to_string(height_)};
    if (time_ms < time_ms_) return Error{ErrorKind::invalid_argument, "the block's time goes back"};
    Changes block(records_);
    for (const auto& raw : transactions) {
        // Not executable is a deterministic no-op: the block stays valid.
        auto one = block.child();
        if (run(one, height, time_ms, raw).ok()) block.absorb(one);
    }
    Context closing{block, genesis_, *memo_, height, time_ms, {}, 0, {}};
    TRY_VOID(close_epoch(closing));
    staged_ = Staged{height, time_ms, hash_difference(state_hash_, height, block.difference()),
                     block.difference()};
    return staged_->state_hash;
}

void Ledger::commit() {
    ENSURE(staged_.has_value(), "commit follows finalize");
    for (auto& [key, value] : staged_->difference) {
        if (value)
            records_.by_key[key] = std::move(*value);
        else
            records_.by_key.erase(key);
    }
    height_ = staged_->height;
    time_ms_ = staged_->time_ms;
    state_hash_ = staged_->state_hash;
    staged_.reset();
}

Result<std::optional<Receipt>> Ledger::receipt(const Digest& transaction) const {
    TRY(auto receipt, read<Receipt>(records_, key::receipt(transaction)));
    if (!receipt) return receipt;
    TRY(auto words, records_.get(words_key(transaction)));
    if (words) receipt->error = as_text(*words);
    return receipt;
}

Bytes Ledger::snapshot() const {
    Writer out;
    out.u(kSnapshotVersion).u(height_).u(time_ms_).raw(state_hash_.span());
    out.u(static_cast<std::uint64_t>(records_.by_key.size()));
    for (const auto& [key, value] : records_.by_key) out.blob(key).blob(value);
    return std::move(out).take();
}

Result<Ledger> Ledger::restore(ByteSpan snapshot) {
    Reader in(snapshot);
    TRY(auto version, in.u<std::uint16_t>());
    if (version != kSnapshotVersion)
        return Error{ErrorKind::corrupt, "the ledger's snapshot has an unknown version"};
    Ledger out;
    TRY(out.height_, in.u<std::uint64_t>());
    TRY(out.time_ms_, in.u<std::uint64_t>());
    TRY(out.state_hash_, in.fixed<Digest>());
    TRY(auto count, in.u<std::uint64_t>());
    Bytes previous;
    for (std::uint64_t i = 0; i < count; ++i) {
        TRY(auto key, in.blob(1024));
        TRY(auto value, in.blob(1 << 20));
        if (i > 0 && !(previous < to_bytes(key)))
            return Error{ErrorKind::corrupt, "the ledger's snapshot is out of order"};
        previous = to_bytes(key);
        out.records_.by_key.emplace_hint(out.records_.by_key.end(), previous, to_bytes(value));
    }
    TRY_VOID(in.finish());
    TRY(out.genesis_, require<Genesis>(out.records_, key::genesis(), "genesis in the snapshot"));
    return out;
}

}  // namespace mutirao::ledger
