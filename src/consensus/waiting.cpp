#include "consensus/waiting.hpp"

#include "consensus/engine.hpp"
#include "crypto/hash.hpp"

namespace mutirao::consensus {

static_assert(kWaitingMax <= kBlockTransactionsMax, "a block takes all that wait, if it must");

Result<bool> Waiting::add(ByteSpan transaction) {
    TRY_VOID(application_.check(transaction));
    const auto hash = crypto::blake3(transaction);
    if (known_.contains(hash)) return false;
    if (waiting_.size() >= kWaitingMax || bytes_ + transaction.size() > kWaitingBytesMax)
        return Error{ErrorKind::resource_exhausted,
                     "too many transactions wait for a block; send it again in a moment"};
    waiting_.push_back(to_bytes(transaction));
    hashes_.push_back(hash);
    bytes_ += transaction.size();
    known_.insert(hash);
    return true;
}

bool Waiting::contains(ByteSpan transaction) const {
    return known_.contains(crypto::blake3(transaction));
}

template <class Gone>
void Waiting::drop(const Gone& gone) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
        if (gone(i)) {
            bytes_ -= waiting_[i].size();
            known_.erase(hashes_[i]);
            continue;
        }
        if (kept != i) {
            waiting_[kept] = std::move(waiting_[i]);
            hashes_[kept] = hashes_[i];
        }
        ++kept;
    }
    waiting_.resize(kept);
    hashes_.resize(kept);
}

void Waiting::forget(const std::vector<Bytes>& included) {
    std::unordered_set<Digest> in_block;
    for (const auto& raw : included) in_block.insert(crypto::blake3(raw));
    drop([&](std::size_t i) {
        return in_block.contains(hashes_[i]) || !application_.check(waiting_[i]).ok();
    });
    // One that waits for another to come first has room while there is much of it.
    if (waiting_.size() <= kWaitingMax / 2 && bytes_ <= kWaitingBytesMax / 2) return;
    std::unordered_set<Digest> runnable;
    for (const auto& raw : application_.propose(waiting_, kWaitingBytesMax))
        runnable.insert(crypto::blake3(raw));
    drop([&](std::size_t i) { return !runnable.contains(hashes_[i]); });
}

}  // namespace mutirao::consensus
