#include "coding/row_buffer.hpp"

#include <cstdlib>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace mutirao::coding {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

void RowBuffer::Free::operator()(std::uint8_t* data) const { std::free(data); }

void RowBuffer::resize(std::size_t size) {
    if (size > capacity_) {
        const std::size_t page = size >= 2 * kHugePage ? kHugePage : kPage;
        capacity_ = (size + page - 1) / page * page;
        data_.reset();  // before the new one is taken: both may not fit
        data_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(page, capacity_)));
        ENSURE(data_ != nullptr, "out of memory");
#if defined(__linux__)
        if (page == kHugePage) madvise(data_.get(), capacity_, MADV_HUGEPAGE);  // a wish, no more
#endif
    }
    size_ = size;
}

}  // namespace mutirao::coding
