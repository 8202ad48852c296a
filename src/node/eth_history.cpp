#include "node/eth_history.hpp"

#include <mutex>

namespace mutirao::node {
namespace {

constexpr std::size_t kBytesOfTransaction = 192;  // beside its own: vectors, hash, place

std::shared_ptr<KeptBlock> facts_of(const consensus::Block& block,
                                    const ledger::BlockHistory& left) {
    auto out = std::make_shared<KeptBlock>();
    out->first_event = left.first_event;
    out->events = left.events.size();
    out->transactions.reserve(left.receipts.size());
    out->hashes.reserve(left.receipts.size());
    out->height = block.height;
    out->time_ms = block.time_ms;
    out->hash = block.hash();
    out->previous = block.previous;
    out->state_before = block.state_before;
    return out;
}

void take(KeptBlock& block, Bytes raw, const Digest& hash) {
    block.bytes += raw.size();
    block.transactions.push_back(std::move(raw));
    block.hashes.push_back(hash);
}

Status check_complete(const KeptBlock& block, const ledger::BlockHistory& left) {
    if (block.hashes.size() == left.receipts.size()) return {};
    return Error{ErrorKind::corrupt, "block " + std::to_string(block.height) +
                                         " is not the one that left the history here"};
}

std::size_t bytes_of(const KeptBlock& block) {
    return block.bytes + block.hashes.size() * kBytesOfTransaction + sizeof(KeptBlock);
}

}  // namespace

// One that a block holds and that could not even pay has no receipt and no place: the receipts are
// of the others, in their order.
Status EthHistory::add(const consensus::Block& block,
                       std::span<const ledger::AdmittedPtr> transactions,
                       const ledger::Ledger& ledger) {
    const auto left = ledger.left_by(block.height);
    if (left == nullptr) return {};  // what it did is forgotten
    auto kept = facts_of(block, *left);
    const auto& receipts = left->receipts;
    for (const auto& one : transactions) {
        if (kept->hashes.size() == receipts.size()) break;
        if (one != nullptr && one->hash == receipts[kept->hashes.size()].transaction)
            take(*kept, one->raw, one->hash);
    }
    TRY_VOID(check_complete(*kept, *left));
    const std::unique_lock lock(mutex_);
    const bool follows = block.height == height_ + 1;
    const auto begin = ledger.history_begin().height;
    while (!blocks_.empty() && (!follows || blocks_.front()->height < begin)) drop_oldest();
    keep(std::move(kept));
    return {};
}

void EthHistory::begin_after(const consensus::BlockFacts& last) {
    auto block = std::make_shared<KeptBlock>();
    block->height = last.height;
    block->time_ms = last.time_ms;
    block->hash = last.hash;
    const std::unique_lock lock(mutex_);
    keep(std::move(block));
}

Status EthHistory::add_old(const consensus::Block& block, std::vector<Bytes> transactions,
                           const ledger::BlockHistory& left) {
    auto kept = facts_of(block, left);
    const auto& receipts = left.receipts;
    const bool all_ran = receipts.size() == transactions.size();
    for (auto& raw : transactions) {
        if (kept->hashes.size() == receipts.size()) break;
        const auto& hash = receipts[kept->hashes.size()].transaction;
        if (all_ran || ledger::Transaction::hash(raw) == hash) take(*kept, std::move(raw), hash);
    }
    TRY_VOID(check_complete(*kept, left));
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
