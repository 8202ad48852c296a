#include "net/buffer_pool.hpp"

#include <bit>

#include "base/ensure.hpp"

namespace mutirao::net {

BufferPool::Buffer BufferPool::take(std::size_t size) {
    const auto capacity = std::bit_ceil(std::max(size, kSmallest));
    const auto place = static_cast<std::size_t>(std::countr_zero(capacity / kSmallest));
    ENSURE(place < kClasses, "no message is so large");
    {
        const std::lock_guard lock(mutex_);
        if (auto& spare = spare_[place]; !spare.empty()) {
            Buffer out{std::move(spare.back()), size, capacity};
            spare.pop_back();
            spare_bytes_ -= capacity;
            return out;
        }
    }
    return {std::unique_ptr<std::uint8_t[]>(new std::uint8_t[capacity]), size, capacity};
}

void BufferPool::give(Buffer buffer) {
    if (!buffer.memory) return;
    const std::lock_guard lock(mutex_);
    if (spare_bytes_ + buffer.capacity > spare_max_) return;
    spare_bytes_ += buffer.capacity;
    spare_[static_cast<std::size_t>(std::countr_zero(buffer.capacity / kSmallest))].push_back(
        std::move(buffer.memory));
}

}  // namespace mutirao::net
