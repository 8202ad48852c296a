#include "node/eth_ledger.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "crypto/hash.hpp"
#include "lane/batch.hpp"
#include "ledger/replacement.hpp"

namespace mutirao::node {
namespace {

constexpr std::size_t kCachedTransactions = 32768;  // about 1 KiB each
constexpr unsigned kPartsInARow = 8;                // of one block
constexpr Duration kEmptyBlocksFor = std::chrono::seconds(60);
constexpr Duration kEmptyBlockEach = std::chrono::seconds(1);

// What a block left behind, taken apart as it is read.
class Outcomes {
  public:
    Outcomes(const KeptBlock& kept, const ledger::BlockHistory& left) : kept_(kept), left_(left) {}

    Result<gateway::ExecutedTransaction> transaction(std::size_t index) const {
        TRY(auto receipt, this->receipt(index));
        return gateway::ExecutedTransaction{
            kept_.hashes[index],         kept_.transactions[index], {},          receipt.succeeded,
            left_.receipts[index].words, receipt.gas_used,          receipt.fee, {}};
    }
    Result<ledger::Receipt> receipt(std::size_t index) const {
        return ledger::decode_record<ledger::Receipt>(left_.receipts[index].record);
    }
    // Gives events with the transaction that each is of, in order, until `give` returns false. Each
    // transaction begins by paying its fee, about itself: that is where its events begin, and who
    // its sender is. Where fees are nothing, there is no such event: then the sender is recovered,
    // and the events are those of the block's first transaction.
    Status each_event(const std::function<bool(std::size_t at, const ledger::Event&)>& give) const {
        std::size_t at = 0, next = 0;
        for (const auto& record : left_.events) {
            TRY(const auto event, ledger::decode_record<ledger::Event>(record));
            if (event.reason == ledger::Reason::fee) {
                for (; next < kept_.hashes.size() && kept_.hashes[next] != event.about; ++next) {
                    TRY(const auto passed, receipt(next));
                    if (!passed.fee.is_zero()) break;
                }
                if (next < kept_.hashes.size() && kept_.hashes[next] == event.about) at = next++;
            }
            if (at < kept_.hashes.size() && !give(at, event)) break;
        }
        return {};
    }
    bool begins(std::size_t at, const ledger::Event& event) const {
        return event.reason == ledger::Reason::fee && event.about == kept_.hashes[at];
    }

  private:
    const KeptBlock& kept_;
    const ledger::BlockHistory& left_;
};

// Where nothing was paid, no event names the sender.
Status recover_sender(gateway::ExecutedTransaction& tx) {
    if (!tx.fee.is_zero()) return {};
    TRY(const auto decoded, ledger::Transaction::decode(tx.raw));
    TRY(tx.sender, decoded.sender());
    return {};
}

void write_head(const KeptBlock& kept, const Digest& state, gateway::ExecutedBlock& out) {
    out.height = kept.height;
    out.time_ms = kept.time_ms;
    out.hash = kept.hash;
    out.parent = kept.previous;
    out.state = state;
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

Result<std::shared_ptr<const KeptBlock>> EthLedger::kept(std::uint64_t height) const {
    if (height <= old_until_) wait_for_old();
    return history_.block(height);
}

Result<gateway::BlockPtr> EthLedger::block(std::uint64_t height) const {
    if (height == 0) return beginning();
    if (auto known = cached(height)) return known;
    TRY(const auto found, kept(height));
    if (found == nullptr) return gateway::BlockPtr();
    TRY(auto read, read_block(*found));
    cache(read);
    return read;
}

Result<std::optional<gateway::ExecutedPart>> EthLedger::part(
    const gateway::TransactionPlace& place) const {
    auto whole = cached(place.height);
    if (whole == nullptr && asked_often(place.height)) {
        TRY(whole, block(place.height));
    }
    std::optional<gateway::ExecutedPart> out;
    if (whole != nullptr) {
        out = gateway::part_of(*whole, place.index);
        return out;
    }
    TRY(const auto found, kept(place.height));
    if (found == nullptr) return out;
    TRY(out, read_part(*found, place.index));
    return out;
}

Result<EthLedger::Left> EthLedger::left_by(const KeptBlock& kept) const {
    static const auto nothing = std::make_shared<const ledger::BlockHistory>();
    Left out;
    engine_->with_application([&](const auto&) {
        out.history = ledger_.left_by(kept.height);
        out.state = ledger_.state_hash();
    });
    // The next block names the state that it builds on.
    TRY(const auto next, history_.block(kept.height + 1));
    if (next != nullptr) out.state = next->state_before;
    if (kept.hashes.empty() && kept.events == 0)
        out.history = nothing;
    else if (out.history == nullptr || out.history->receipts.size() != kept.hashes.size())
        return Error{ErrorKind::not_found,
                     "the receipts of block " + std::to_string(kept.height) + " are gone"};
    return out;
}

Result<gateway::BlockPtr> EthLedger::read_block(const KeptBlock& kept) const {
    TRY(const auto left, left_by(kept));
    auto out = std::make_shared<gateway::ExecutedBlock>();
    write_head(kept, left.state, *out);
    out->bytes = kept.bytes;
    const Outcomes outcomes(kept, *left.history);
    out->transactions.reserve(kept.hashes.size());
    for (std::size_t i = 0; i < kept.hashes.size(); ++i) {
        TRY(auto tx, outcomes.transaction(i));
        out->gas_used += tx.gas_used;
        out->transactions.push_back(std::move(tx));
    }
    TRY_VOID(outcomes.each_event([&](std::size_t at, const ledger::Event& event) {
        auto& tx = out->transactions[at];
        if (outcomes.begins(at, event)) tx.sender = event.from;
        tx.logs.push_back(ledger::to_log(event));
        gateway::add_to_bloom(out->bloom, tx.logs.back());
        return true;
    }));
    for (auto& tx : out->transactions) TRY_VOID(recover_sender(tx));
    return gateway::BlockPtr(std::move(out));
}

Result<gateway::ExecutedPart> EthLedger::read_part(const KeptBlock& kept, std::size_t index) const {
    TRY(const auto left, left_by(kept));
    gateway::ExecutedPart out;
    write_head(kept, left.state, out.block);
    const Outcomes outcomes(kept, *left.history);
    out.index = index;
    for (std::size_t i = 0; i < index; ++i) {
        TRY(const auto before, outcomes.receipt(i));
        out.gas_before += before.gas_used;
    }
    TRY(auto tx, outcomes.transaction(index));
    TRY_VOID(outcomes.each_event([&](std::size_t at, const ledger::Event& event) {
        if (at < index) ++out.logs_before;
        if (at != index) return at < index;
        if (outcomes.begins(at, event)) tx.sender = event.from;
        tx.logs.push_back(ledger::to_log(event));
        return true;
    }));
    TRY_VOID(recover_sender(tx));
    out.block.transactions.push_back(std::move(tx));
    return out;
}

// Then reading it whole costs less.
bool EthLedger::asked_often(std::uint64_t height) const {
    const std::lock_guard lock(cache_mutex_);
    if (part_of_ != height) parts_ = 0;
    part_of_ = height;
    return ++parts_ > kPartsInARow;
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
