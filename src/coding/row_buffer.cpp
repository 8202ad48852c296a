#include "coding/row_buffer.hpp"

#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace mutirao::coding {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kHugeFrom = kHugePage / 4;  // a working stripe, and more

// Working memory that this thread freed, for its next call: to clear fresh pages for the stripes
// costs a twentieth of coding a block. Large buffers are the caller's to keep.
class KeptMemory {
  public:
    KeptMemory() = default;
    KeptMemory(const KeptMemory&) = delete;
    KeptMemory& operator=(const KeptMemory&) = delete;
    ~KeptMemory() {
        for (const auto& one : kept_) std::free(one.data);
    }
    // Of exactly this capacity, or null.
    std::uint8_t* take(std::size_t capacity) {
        for (auto& one : kept_)
            if (one.data != nullptr && one.capacity == capacity)
                return std::exchange(one.data, nullptr);
        return nullptr;
    }
    // Whether it was kept.
    bool keep(std::uint8_t* data, std::size_t capacity) {
        if (capacity < kHugePage || capacity > kLargest) return false;
        for (auto& one : kept_)
            if (one.data == nullptr) {
                one = {data, capacity};
                return true;
            }
        return false;
    }

  private:
    static constexpr std::size_t kLargest = 2 * kHugePage;
    struct One {
        std::uint8_t* data = nullptr;
        std::size_t capacity = 0;
    };
    std::array<One, 3> kept_;  // 12 MiB at most
};

thread_local KeptMemory kept_memory;

}  // namespace

RowBuffer::RowBuffer(const RowBuffer& other) { *this = other; }

RowBuffer& RowBuffer::operator=(const RowBuffer& other) {
    if (this == &other) return *this;
    resize(other.size_);
    if (size_ > 0) std::memcpy(data_, other.data_, size_);
    return *this;
}

RowBuffer::RowBuffer(RowBuffer&& other) noexcept { *this = std::move(other); }

RowBuffer& RowBuffer::operator=(RowBuffer&& other) noexcept {
    if (this == &other) return *this;
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
}

void RowBuffer::release() {
    if (data_ != nullptr && !kept_memory.keep(data_, capacity_)) std::free(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
}

void RowBuffer::reserve(std::size_t wanted) {
    if (wanted <= capacity_) return;
    const std::size_t page = wanted >= kHugeFrom ? kHugePage : kPage;
    const std::size_t rounded = (wanted + page - 1) / page * page;
    std::uint8_t* memory = kept_memory.take(rounded);
    if (memory == nullptr) {
        memory = static_cast<std::uint8_t*>(std::aligned_alloc(page, rounded));
        ENSURE(memory != nullptr, "out of memory");
#if defined(__linux__)
        if (page == kHugePage) madvise(memory, rounded, MADV_HUGEPAGE);  // a wish, no more
#endif
    }
    const std::size_t size = size_;
    if (size > 0) std::memcpy(memory, data_, size);
    release();
    data_ = memory, size_ = size, capacity_ = rounded;
}

void RowBuffer::resize(std::size_t size) {
    reserve(size);
    size_ = size;
}

}  // namespace mutirao::coding
