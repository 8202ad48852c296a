#include "node/eth_history.hpp"

#include <mutex>

namespace mutirao::node {
namespace {

constexpr std::size_t kBytesOfTransaction = 192;  // beside its own: vectors, hash, place

Result<std::uint64_t> height_of_event(const ledger::StateView& state, std::uint64_t index) {
    TRY(const auto event,
        ledger::require<ledger::Event>(state, ledger::key::event(index), "such event"));
    return event.height;
}

// The first event from `first` on that is of a block after `height`.
Result<std::uint64_t> events_end(const ledger::Ledger& ledger, std::uint64_t first,
                                 std::uint64_t height) {
    TRY(const auto count, ledger::read_counter(ledger.state(), ledger::key::event_count()));
    if (ledger.height() == height) return count;
    std::uint64_t low = first, high = count;
    while (low < high) {
        const auto middle = low + (high - low) / 2;
        TRY(const auto found, height_of_event(ledger.state(), middle));
        found <= height ? low = middle + 1 : high = middle;
    }
    return low;
}

std::shared_ptr<KeptBlock> facts_of(const consensus::Block& block) {
    auto out = std::make_shared<KeptBlock>();
    out->height = block.height;
    out->time_ms = block.time_ms;
    out->hash = block.hash();
    out->previous = block.previous;
    out->state_before = block.state_before;
    return out;
}

std::size_t bytes_of(const KeptBlock& block) {
    return block.bytes + block.hashes.size() * kBytesOfTransaction + sizeof(KeptBlock);
}

}  // namespace

Status EthHistory::add(const consensus::Block& block, const std::vector<Bytes>& transactions,
                       const ledger::Ledger& ledger) {
    const auto begin = ledger.history_begin();
    if (block.height < begin.height) return {};  // what it did is forgotten
    auto kept = facts_of(block);
    const bool follows = block.height == height() + 1;
    if (!follows) {
        TRY(next_event_, events_end(ledger, begin.event, block.height - 1));
    }
    kept->first_event = next_event_;
    TRY(next_event_, events_end(ledger, next_event_, block.height));
    kept->events = next_event_ - kept->first_event;
    for (const auto& raw : transactions) {
        // One that a block holds and that could not even pay has no receipt and no place.
        const auto hash = ledger::Transaction::hash(raw);
        TRY(const auto receipt, ledger.receipt(hash));
        if (!receipt || receipt->height != block.height) continue;
        kept->bytes += raw.size();
        kept->transactions.push_back(raw);
        kept->hashes.push_back(hash);
    }
    const std::unique_lock lock(mutex_);
    while (!blocks_.empty() && (!follows || blocks_.front()->height < begin.height)) drop_oldest();
    keep(std::move(kept));
    return {};
}

Status EthHistory::begin_after(const consensus::BlockFacts& last, const ledger::Ledger& ledger) {
    TRY(next_event_, ledger::read_counter(ledger.state(), ledger::key::event_count()));
    auto block = std::make_shared<KeptBlock>();
    block->height = last.height;
    block->time_ms = last.time_ms;
    block->hash = last.hash;
    const std::unique_lock lock(mutex_);
    keep(std::move(block));
    return {};
}

Status EthHistory::add_old(const consensus::Block& block, std::vector<Bytes> transactions,
                           const ledger::BlockHistory& left) {
    auto kept = facts_of(block);
    kept->first_event = left.first_event;
    kept->events = left.events.size();
    const auto& receipts = left.receipts;
    const bool all_ran = receipts.size() == transactions.size();
    for (auto& raw : transactions) {
        if (kept->hashes.size() == receipts.size()) break;
        const auto& hash = receipts[kept->hashes.size()].transaction;
        if (!all_ran && ledger::Transaction::hash(raw) != hash) continue;
        kept->bytes += raw.size();
        kept->transactions.push_back(std::move(raw));
        kept->hashes.push_back(hash);
    }
    if (kept->hashes.size() != receipts.size())
        return Error{ErrorKind::corrupt, "block " + std::to_string(block.height) +
                                             " is not the one that left the history here"};
    const std::unique_lock lock(mutex_);
    keep(std::move(kept));
    return {};
}

void EthHistory::put_before(EthHistory& earlier) {
    const std::unique_lock lock(mutex_);
    const auto last = earlier.height_;
    if (earlier.blocks_.empty() || (!blocks_.empty() && blocks_.front()->height > last + 1)) return;
    while (!blocks_.empty() && blocks_.front()->height <= last) drop_oldest();
    for (auto& block : blocks_) earlier.keep(std::move(block));
    blocks_.swap(earlier.blocks_);
    by_hash_.swap(earlier.by_hash_);
    places_.swap(earlier.places_);
    bytes_ = earlier.bytes_;
    height_ = earlier.height_;
}

void EthHistory::keep(std::shared_ptr<const KeptBlock> block) {
    for (std::size_t i = 0; i < block->hashes.size(); ++i)
        places_[block->hashes[i]] = {block->height, i};
    by_hash_[block->hash] = block->height;
    bytes_ += bytes_of(*block);
    height_ = block->height;
    blocks_.push_back(std::move(block));
    while (bytes_ > bytes_max_ && blocks_.size() > 1) drop_oldest();
}

void EthHistory::drop_oldest() {
    const auto& oldest = *blocks_.front();
    for (const auto& hash : oldest.hashes) places_.erase(hash);
    by_hash_.erase(oldest.hash);
    bytes_ -= bytes_of(oldest);
    blocks_.pop_front();
}

std::uint64_t EthHistory::height() const {
    const std::shared_lock lock(mutex_);
    return height_;
}

Result<std::shared_ptr<const KeptBlock>> EthHistory::block(std::uint64_t height) const {
    const std::shared_lock lock(mutex_);
    if (height > height_ || blocks_.empty()) return std::shared_ptr<const KeptBlock>();
    const auto oldest = blocks_.front()->height;
    if (height < oldest)
        return Error{ErrorKind::not_found,
                     std::string(gateway::kPrunedHistory) + ": block " + std::to_string(height) +
                         " is not kept, the oldest is " + std::to_string(oldest)};
    return blocks_[height - oldest];
}

std::optional<std::uint64_t> EthHistory::height_of(const Digest& block) const {
    const std::shared_lock lock(mutex_);
    const auto at = by_hash_.find(block);
    return at == by_hash_.end() ? std::nullopt : std::optional(at->second);
}

std::optional<gateway::TransactionPlace> EthHistory::place_of(const Digest& transaction) const {
    const std::shared_lock lock(mutex_);
    const auto at = places_.find(transaction);
    return at == places_.end() ? std::nullopt : std::optional(at->second);
}

}  // namespace mutirao::node
