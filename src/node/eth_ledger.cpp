#include "node/eth_ledger.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "crypto/hash.hpp"
#include "lane/batch.hpp"
#include "ledger/replacement.hpp"

namespace mutirao::node {
namespace {

constexpr std::size_t kCachedTransactions = 32768;  // about 1 KiB each
constexpr Duration kEmptyBlocksFor = std::chrono::seconds(60);
constexpr Duration kEmptyBlockEach = std::chrono::seconds(1);

// What execution made of a block: a receipt each, and the events that came between.
struct Outcomes {
    std::vector<ledger::Receipt> receipts;
    std::vector<ledger::Event> events;
};

Result<Outcomes> read_outcomes(const KeptBlock& kept, const ledger::BlockHistory* left) {
    Outcomes out;
    if (kept.hashes.empty() && kept.events == 0) return out;
    if (left == nullptr || left->receipts.size() != kept.hashes.size())
        return Error{ErrorKind::not_found,
                     "the receipts of block " + std::to_string(kept.height) + " are gone"};
    out.receipts.reserve(left->receipts.size());
    for (const auto& entry : left->receipts) {
        TRY(auto receipt, ledger::decode_record<ledger::Receipt>(entry.record));
        receipt.error = entry.words;
        out.receipts.push_back(std::move(receipt));
    }
    out.events.reserve(left->events.size());
    for (const auto& record : left->events) {
        TRY(auto event, ledger::decode_record<ledger::Event>(record));
        out.events.push_back(std::move(event));
    }
    return out;
}

// Each transaction begins by paying its fee, about itself: that is where its events begin, and who
// its sender is. Where fees are nothing, there is no such event: then the sender is recovered, and
// the events are those of the block's first transaction.
void share_out(const Outcomes& outcomes, gateway::ExecutedBlock& block) {
    std::size_t at = 0, next = 0;
    for (const auto& event : outcomes.events) {
        while (next < block.transactions.size() && block.transactions[next].fee.is_zero()) ++next;
        if (next < block.transactions.size() && event.reason == ledger::Reason::fee &&
            event.about == block.transactions[next].hash) {
            at = next++;
            block.transactions[at].sender = event.from;
        }
        if (at < block.transactions.size())
            block.transactions[at].logs.push_back(ledger::to_log(event));
    }
}

}  // namespace

void EthLedger::on_block(const consensus::Block& block,
                         std::span<const ledger::AdmittedPtr> transactions,
                         std::span<const Digest> batches) {
    if (auto added = history_.add(block, transactions, ledger_); !added.ok())
        LOG_ERROR("block " + std::to_string(block.height) +
                  " is missing from the Ethereum interface: " + added.error().message);
    if (const auto kept = history_.block(block.height); kept.ok() && *kept != nullptr)
        pool_.remove((*kept)->hashes);
    pool_.remove_batches(batches);
    block_at_ = clock_.monotonic().count();
    if (announce_) announce_();
}

Status EthLedger::set_engine(consensus::Engine& engine) {
    engine_ = &engine;
    if (height() == ledger_.height()) return {};
    const auto facts = engine.blocks(ledger_.height(), 1);
    if (facts.empty()) return {};
    history_.begin_after(facts.front());
    return {};
}

bool EthLedger::wants_empty_block() const {
    const auto now = clock_.monotonic().count();
    const auto submitted = submitted_at_.load();
    return submitted != Duration::min().count() && now - submitted < kEmptyBlocksFor.count() &&
           now - block_at_.load() >= kEmptyBlockEach.count();
}

gateway::BlockPtr EthLedger::beginning() const {
    auto out = std::make_shared<gateway::ExecutedBlock>();
    out->time_ms = genesis_.time_ms;
    return out;
}

Result<gateway::BlockPtr> EthLedger::block(std::uint64_t height) const {
    if (height == 0) return beginning();
    if (auto known = cached(height)) return known;
    if (height <= old_until_) wait_for_old();
    TRY(const auto kept, history_.block(height));
    if (kept == nullptr) return gateway::BlockPtr();
    TRY(auto read, read_block(*kept));
    cache(read);
    return read;
}

Result<gateway::BlockPtr> EthLedger::read_block(const KeptBlock& kept) const {
    std::shared_ptr<const ledger::BlockHistory> left;
    Digest state;
    engine_->with_application([&](const auto&) {
        left = ledger_.left_by(kept.height);
        state = ledger_.state_hash();
    });
    TRY(const auto outcomes, read_outcomes(kept, left.get()));
    auto out = std::make_shared<gateway::ExecutedBlock>();
    out->height = kept.height;
    out->time_ms = kept.time_ms;
    out->hash = kept.hash;
    out->parent = kept.previous;
    out->bytes = kept.bytes;
    // The next block names the state that it builds on.
    TRY(const auto next, history_.block(kept.height + 1));
    out->state = next == nullptr ? state : next->state_before;
    for (std::size_t i = 0; i < kept.hashes.size(); ++i) {
        const auto& receipt = outcomes.receipts[i];
        out->transactions.push_back({kept.hashes[i],
                                     kept.transactions[i],
                                     {},
                                     receipt.succeeded,
                                     receipt.error,
                                     receipt.gas_used,
                                     receipt.fee,
                                     {}});
        out->gas_used += receipt.gas_used;
    }
    share_out(outcomes, *out);
    for (auto& tx : out->transactions) {
        for (const auto& log : tx.logs) gateway::add_to_bloom(out->bloom, log);
        if (!tx.fee.is_zero()) continue;
        TRY(const auto decoded, ledger::Transaction::decode(tx.raw));
        TRY(tx.sender, decoded.sender());
    }
    return gateway::BlockPtr(std::move(out));
}

gateway::BlockPtr EthLedger::cached(std::uint64_t height) const {
    const std::lock_guard lock(cache_mutex_);
    for (auto at = cache_.begin(); at != cache_.end(); ++at)
        if ((*at)->height == height) {
            cache_.splice(cache_.begin(), cache_, at);
            return cache_.front();
        }
    return nullptr;
}

void EthLedger::cache(gateway::BlockPtr block) const {
    const std::lock_guard lock(cache_mutex_);
    cached_transactions_ += block->transactions.size() + 1;
    cache_.push_front(std::move(block));
    while (cache_.size() > 1 &&
           (cached_transactions_ > kCachedTransactions || cache_.size() > 64)) {
        cached_transactions_ -= cache_.back()->transactions.size() + 1;
        cache_.pop_back();
    }
}

std::optional<std::uint64_t> EthLedger::height_of(const Digest& block) const {
    if (block.is_zero()) return 0;
    if (const auto known = history_.height_of(block)) return known;
    wait_for_old();
    return history_.height_of(block);
}

std::optional<gateway::TransactionPlace> EthLedger::place_of(const Digest& transaction) const {
    if (const auto known = history_.place_of(transaction)) return known;
    wait_for_old();
    return history_.place_of(transaction);
}

void EthLedger::wait_for_old() const {
    std::unique_lock lock(old_mutex_);
    old_came_.wait(lock, [&] { return !old_to_come_; });
}

void EthLedger::end_of_old() {
    const std::lock_guard lock(old_mutex_);
    old_to_come_ = false;
    old_came_.notify_all();
}

Result<ledger::Account> EthLedger::account(const Address& address) const {
    Result<std::optional<ledger::Account>> found = std::optional<ledger::Account>();
    engine_->with_application([&](const auto&) {
        found = ledger::read<ledger::Account>(ledger_.state(), ledger::key::account(address));
    });
    if (!found.ok()) return std::move(found).error();
    return found->value_or(ledger::Account{});
}

Result<ledger::Simulated> EthLedger::simulate(const Address& from, const ledger::Call& call) const {
    ledger::Simulated out;
    engine_->with_application([&](const auto&) {
        out = ledger::simulate({ledger_.state(), genesis_, ledger_.time_ms()}, ledger_.height(),
                               from, call);
    });
    return out;
}

Result<std::vector<std::pair<Bytes, Bytes>>> EthLedger::records(ByteSpan prefix, ByteSpan after,
                                                                std::size_t limit) const {
    if (prefix.size() < 2 || ledger::is_history(prefix)) wait_for_old();
    std::optional<Result<std::vector<std::pair<Bytes, Bytes>>>> out;
    engine_->with_application(
        [&](const auto&) { out = ledger_.state().scan(prefix, after, limit); });
    return std::move(*out);
}

Result<std::uint64_t> EthLedger::event_count() const {
    std::optional<Result<std::uint64_t>> out;
    engine_->with_application([&](const auto&) {
        out = ledger::read_counter(ledger_.state(), ledger::key::event_count());
    });
    return std::move(*out);
}

Result<std::vector<ledger::Event>> EthLedger::events(std::uint64_t first, std::uint64_t end) const {
    wait_for_old();
    std::optional<Result<std::vector<ledger::Event>>> out;
    engine_->with_application(
        [&](const auto&) { out = ledger::read_events(ledger_.state(), first, end); });
    return std::move(*out);
}

// The engine takes both, and the ledger proposes the dearer one.
Status EthLedger::check_rival(const ledger::Admitted& offer, ByteSpan raw) const {
    const auto other = pool_.rival(offer.sender, offer.tx.nonce);
    if (!other || *other == to_bytes(raw) || !engine_->is_waiting(*other)) return {};
    TRY(const auto rival, ledger::Transaction::decode(*other));
    if (ledger::outbids(offer.tx, rival)) return {};
    return Error{ErrorKind::already_exists,
                 "replacement transaction underpriced: one with nonce " +
                     std::to_string(offer.tx.nonce) + " waits; fee limit and tip must each be " +
                     std::to_string(ledger::kOutbidPercent) + " % over its " +
                     rival.max_fee.decimal() + " and " + rival.max_priority_fee.decimal() + " wei"};
}

Result<Digest> EthLedger::take(ByteSpan raw, bool even_known) {
    if (raw.size() > ledger::kTransactionSizeMax)
        return Error{ErrorKind::invalid_argument, "the transaction is too large"};
    if (lane::is_certificate(raw))
        return Error{ErrorKind::invalid_argument, "batches come by the data lane"};
    // One of a batch was looked at with all of it, what its call brings included.
    const auto id = crypto::blake3(raw);
    auto admitted = memo_->admitted(id);
    if (admitted == nullptr) {
        prepare_({&raw, 1});
        admitted = memo_->admitted(id);
    }
    const auto hash = admitted != nullptr ? admitted->hash : ledger::Transaction::hash(raw);
    if (!even_known && waiting(hash)) return Error{ErrorKind::already_exists, "already known"};
    if (admitted != nullptr) TRY_VOID(check_rival(*admitted, raw));
    TRY_VOID(engine_->submit(raw));
    pool_.add(hash, raw, admitted);
    if (announce_) announce_();
    return hash;
}

Result<Digest> EthLedger::submit(ByteSpan raw) {
    TRY(const auto hash, take(raw, false));
    submitted_at_ = clock_.monotonic().count();
    return hash;
}

void EthLedger::expect_batch(const Digest& batch,
                             std::span<const ledger::AdmittedPtr> transactions) {
    std::vector<EthPool::Turn> turns;
    turns.reserve(transactions.size());
    for (const auto& admitted : transactions)
        if (admitted != nullptr) turns.emplace_back(admitted->sender, admitted->tx.nonce);
    pool_.add_batch(batch, std::move(turns));
}

Result<std::uint64_t> EthLedger::pending_nonce(const Address& address) const {
    TRY(const auto known, account(address));
    auto nonce = known.nonce;
    for (auto last = nonce + 1; last != nonce;) {
        last = nonce;
        while (pool_.is_in_batch({address, nonce})) ++nonce;
        for (const auto& raw : pool_.row(address, nonce)) {
            if (!engine_->is_waiting(raw)) break;
            ++nonce;
        }
    }
    // A block that was made meanwhile has taken some of them.
    TRY(const auto now, account(address));
    return std::max(nonce, now.nonce);
}

std::optional<Bytes> EthLedger::waiting(const Digest& transaction) const {
    auto raw = pool_.find(transaction);
    if (raw && !engine_->is_waiting(*raw)) return std::nullopt;
    return raw;
}

}  // namespace mutirao::node
