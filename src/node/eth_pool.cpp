#include "node/eth_pool.hpp"

#include <algorithm>

namespace mutirao::node {

void EthPool::add(const Digest& hash, ByteSpan raw, const ledger::AdmittedPtr& admitted) {
    const std::lock_guard lock(mutex_);
    const auto [at, fresh] = entries_.try_emplace(hash, Entry{to_bytes(raw), {}});
    if (!fresh) return;
    if (admitted == nullptr) {
        unknown_.push_back(hash);
    } else {
        at->second.of.emplace(admitted->sender, admitted->tx.nonce);
        auto& row = by_sender_[admitted->sender];
        const auto place = row.try_emplace(admitted->tx.nonce, hash).first;
        const auto replaced = std::exchange(place->second, hash);
        if (replaced != hash) entries_.erase(replaced);
    }
    order_.push_back(hash);
    ++taken_;
    if (order_.size() > kPoolRemembered) {
        forget(order_.front());
        order_.pop_front();
    }
    // Those that are in blocks by now were never asked about.
    if (unknown_.size() > 2 * kPoolRemembered)
        std::erase_if(unknown_, [&](const Digest& each) { return !entries_.contains(each); });
}

void EthPool::forget(const Digest& hash) {
    const auto at = entries_.find(hash);
    if (at == entries_.end()) return;
    if (at->second.of) {
        const auto& [sender, nonce] = *at->second.of;
        auto& row = by_sender_[sender];
        if (const auto here = row.find(nonce); here != row.end() && here->second == hash)
            row.erase(here);
        if (row.empty()) by_sender_.erase(sender);
    }
    entries_.erase(at);
}

void EthPool::remove(const std::vector<Digest>& hashes) {
    const std::lock_guard lock(mutex_);
    for (const auto& hash : hashes) forget(hash);
}

void EthPool::add_batch(const Digest& batch, std::vector<Turn> turns) {
    std::sort(turns.begin(), turns.end());
    const std::lock_guard lock(mutex_);
    batches_.insert_or_assign(batch, std::move(turns));
}

void EthPool::remove_batches(std::span<const Digest> batches) {
    const std::lock_guard lock(mutex_);
    for (const auto& batch : batches) batches_.erase(batch);
}

bool EthPool::is_in_batch(const Turn& turn) const {
    const std::lock_guard lock(mutex_);
    return std::any_of(batches_.begin(), batches_.end(), [&](const auto& batch) {
        return std::binary_search(batch.second.begin(), batch.second.end(), turn);
    });
}

std::optional<Bytes> EthPool::find(const Digest& hash) const {
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(hash);
    return at == entries_.end() ? std::nullopt : std::optional(at->second.raw);
}

// Not under the lock: blocks are made meanwhile.
void EthPool::recover_senders() {
    std::vector<std::pair<Digest, Bytes>> some;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& hash : unknown_)
            if (const auto at = entries_.find(hash); at != entries_.end())
                some.emplace_back(hash, at->second.raw);
        unknown_.clear();
    }
    for (const auto& [hash, raw] : some) {
        const auto tx = ledger::Transaction::decode(raw);
        if (!tx.ok()) continue;
        const auto sender = tx->sender();
        if (!sender.ok()) continue;
        const std::lock_guard lock(mutex_);
        const auto at = entries_.find(hash);
        if (at == entries_.end()) continue;
        at->second.of.emplace(*sender, tx->nonce);
        by_sender_[*sender].try_emplace(tx->nonce, hash);
    }
}

std::vector<Bytes> EthPool::row(const Address& sender, std::uint64_t nonce) {
    recover_senders();
    std::vector<Bytes> out;
    const std::lock_guard lock(mutex_);
    const auto found = by_sender_.find(sender);
    if (found == by_sender_.end()) return out;
    for (auto at = found->second.find(nonce);
         at != found->second.end() && at->first == nonce + out.size(); ++at)
        out.push_back(entries_.at(at->second).raw);
    return out;
}

std::optional<Bytes> EthPool::rival(const Address& sender, std::uint64_t nonce) const {
    const std::lock_guard lock(mutex_);
    const auto row = by_sender_.find(sender);
    if (row == by_sender_.end()) return std::nullopt;
    const auto at = row->second.find(nonce);
    return at == row->second.end() ? std::nullopt : std::optional(entries_.at(at->second).raw);
}

std::uint64_t EthPool::taken() const {
    const std::lock_guard lock(mutex_);
    return taken_;
}

std::vector<Digest> EthPool::taken_since(std::uint64_t from) const {
    const std::lock_guard lock(mutex_);
    const auto first = taken_ - order_.size();
    const auto skip = from > first ? std::min<std::uint64_t>(from - first, order_.size()) : 0;
    return {order_.begin() + static_cast<std::ptrdiff_t>(skip), order_.end()};
}

}  // namespace mutirao::node
