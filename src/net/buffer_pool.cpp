#include "net/buffer_pool.hpp"

#include <algorithm>
#include <bit>

#include "base/ensure.hpp"

namespace mutirao::net {

std::size_t BufferPool::capacity_of(std::size_t place) {
    return (kSmallest / 4 * (4 + place % 4)) << (place / 4);
}

std::size_t BufferPool::place_of(std::size_t size) {
    const auto wanted = std::max(size, kSmallest);
    const auto octave = static_cast<std::size_t>(std::bit_width(wanted / kSmallest)) - 1;
    const auto step = (kSmallest / 4) << octave;
    return octave * 4 + (wanted - (kSmallest << octave) + step - 1) / step;
}

BufferPool::Buffer BufferPool::take(std::size_t size) {
    const auto place = place_of(size);
    ENSURE(place < kClasses, "no message is so large");
    const auto capacity = capacity_of(place);
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
    spare_[place_of(buffer.capacity)].push_back(std::move(buffer.memory));
}

}  // namespace mutirao::net
