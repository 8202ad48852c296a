#include "coding/row_buffer.hpp"

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
constexpr std::size_t kHugeFrom = kHugePage / 4;  // a working stripe too

}  // namespace

void RowBuffer::Free::operator()(std::uint8_t* data) const { std::free(data); }

RowBuffer::RowBuffer(const RowBuffer& other) { *this = other; }

RowBuffer& RowBuffer::operator=(const RowBuffer& other) {
    if (this == &other) return *this;
    resize(other.size_);
    if (size_ > 0) std::memcpy(data(), other.data(), size_);
    return *this;
}

RowBuffer::RowBuffer(RowBuffer&& other) noexcept { *this = std::move(other); }

RowBuffer& RowBuffer::operator=(RowBuffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
}

void RowBuffer::reserve(std::size_t capacity) {
    if (capacity <= capacity_) return;
    const std::size_t page = capacity >= kHugeFrom ? kHugePage : kPage;
    const std::size_t rounded = (capacity + page - 1) / page * page;
    std::unique_ptr<std::uint8_t[], Free> grown(
        static_cast<std::uint8_t*>(std::aligned_alloc(page, rounded)));
    ENSURE(grown != nullptr, "out of memory");
#if defined(__linux__)
    if (page == kHugePage) madvise(grown.get(), rounded, MADV_HUGEPAGE);  // a wish, no more
#endif
    if (size_ > 0) std::memcpy(grown.get(), data(), size_);
    data_ = std::move(grown);
    capacity_ = rounded;
}

void RowBuffer::resize(std::size_t size) {
    reserve(size);
    size_ = size;
}

}  // namespace mutirao::coding
