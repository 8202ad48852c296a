#include "publish/block_memory.hpp"

#include <algorithm>

namespace mutirao::publish {

BlockMemory::Lease BlockMemory::acquire(std::size_t bytes) {
    const auto counted = std::min(bytes, bytes_max_);
    std::unique_lock lock(mutex_);
    const auto ticket = next_ticket_++;
    changed_.wait(lock, [&] { return ticket == serving_ && bytes_ + counted <= bytes_max_; });
    ++serving_;
    bytes_ += counted;
    changed_.notify_all();
    return Lease(*this, counted);
}

void BlockMemory::give_back(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    bytes_ -= bytes;
    changed_.notify_all();
}

coding::RowBuffer BlockMemory::take_buffer() {
    {
        const std::lock_guard lock(spare_->mutex);
        if (!spare_->buffers.empty()) {
            auto out = std::move(spare_->buffers.back());
            spare_->buffers.pop_back();
            return out;
        }
    }
    coding::RowBuffer fresh;
    fresh.reserve(kRowsMemory);
    return fresh;
}

std::shared_ptr<const block::CodedBlock> BlockMemory::share(block::CodedBlock block) const {
    auto* const owned = new block::CodedBlock(std::move(block));
    return std::shared_ptr<const block::CodedBlock>(
        owned, [owned, spare = std::weak_ptr<Spare>(spare_)](const block::CodedBlock*) {
            const std::unique_ptr<block::CodedBlock> gone(owned);
            const auto here = spare.lock();
            if (!here || gone->rows.capacity() < kRowsMemory) return;
            const std::lock_guard lock(here->mutex);
            if (here->buffers.size() == kSpareMax) return;
            gone->rows.resize(0);
            here->buffers.push_back(std::move(gone->rows));
        });
}

}  // namespace mutirao::publish
