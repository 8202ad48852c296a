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
    bytes_ += transaction.size();
    known_.insert(hash);
    return true;
}

bool Waiting::contains(ByteSpan transaction) const {
    return known_.contains(crypto::blake3(transaction));
}

void Waiting::forget(const std::vector<Bytes>& included) {
    std::set<Digest> in_block, runnable;
    for (const auto& raw : included) in_block.insert(crypto::blake3(raw));
    // One that waits for another to come first has room while there is much of it.
    const bool crowded = waiting_.size() > kWaitingMax / 2 || bytes_ > kWaitingBytesMax / 2;
    if (crowded)
        for (const auto& raw : application_.propose(waiting_, kWaitingBytesMax))
            runnable.insert(crypto::blake3(raw));
    std::erase_if(waiting_, [&](const Bytes& raw) {
        const auto hash = crypto::blake3(raw);
        const bool gone = in_block.contains(hash) || (crowded && !runnable.contains(hash)) ||
                          !application_.check(raw).ok();
        if (gone) {
            bytes_ -= raw.size();
            known_.erase(hash);
        }
        return gone;
    });
}

}  // namespace mutirao::consensus
