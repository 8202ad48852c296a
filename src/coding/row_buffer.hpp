// Memory for rows: aligned to a page, so that whole cache lines are written past the caches, and
// not filled with zeros first. Large buffers ask for huge pages: rows are gone through column by
// column, and with small pages every step would miss the processor's table of pages. The first
// touch of fresh memory costs more than coding into it: whoever codes block after block keeps the
// buffer, and a thread keeps up to 12 MiB of working memory that it freed for its next call.
#pragma once

#include "base/bytes.hpp"
#include "base/ensure.hpp"

namespace mutirao::coding {

class RowBuffer {
  public:
    RowBuffer() = default;
    // `size` bytes of unspecified content. Memory that runs out stops the process, as everywhere.
    explicit RowBuffer(std::size_t size) { resize(size); }
    // Copies the bytes.
    RowBuffer(const RowBuffer& other);
    RowBuffer& operator=(const RowBuffer& other);
    RowBuffer(RowBuffer&& other) noexcept;
    RowBuffer& operator=(RowBuffer&& other) noexcept;
    ~RowBuffer() { release(); }

    std::size_t size() const { return size_; }
    std::size_t capacity() const { return capacity_; }
    std::uint8_t& operator[](std::size_t i) { return data_[i]; }
    const std::uint8_t& operator[](std::size_t i) const { return data_[i]; }
    std::uint8_t* data() { return data_; }
    const std::uint8_t* data() const { return data_; }
    std::uint8_t* begin() { return data(); }
    std::uint8_t* end() { return data() + size_; }
    const std::uint8_t* begin() const { return data(); }
    const std::uint8_t* end() const { return data() + size_; }
    MutableByteSpan span() { return {data(), size_}; }
    ByteSpan span() const { return {data(), size_}; }

    // Room for `wanted` bytes without moving; memory that is not touched costs nothing yet.
    void reserve(std::size_t wanted);
    // Keeps what was there; bytes that are added are unspecified.
    void resize(std::size_t size);

  private:
    void release();

    std::uint8_t* data_ = nullptr;
    std::size_t size_ = 0, capacity_ = 0;
};

}  // namespace mutirao::coding
