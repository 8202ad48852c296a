// Memory for messages that come in, used again and again: the first touch of fresh memory costs
// more than receiving into it. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao::net {

class BufferPool {
  public:
    // Keeps at most so many bytes that nobody uses.
    explicit BufferPool(std::size_t spare_max) : spare_max_(spare_max) {}

    struct Buffer {
        std::unique_ptr<std::uint8_t[]> memory;
        std::size_t size = 0;
        std::size_t capacity = 0;

        MutableByteSpan span() { return {memory.get(), size}; }
        ByteSpan span() const { return {memory.get(), size}; }
    };
    // Unspecified content. Takes at most a quarter more than `size`, and at least 4 KiB.
    Buffer take(std::size_t size);
    void give(Buffer buffer);

  private:
    static constexpr std::size_t kSmallest = 4096;
    static constexpr std::size_t kClasses = 4 * 24;  // four to an octave, from kSmallest

    // How large the buffers of a class are, and the class of a size.
    static std::size_t capacity_of(std::size_t place);
    static std::size_t place_of(std::size_t size);

    const std::size_t spare_max_;
    std::mutex mutex_;  // guards the two below
    std::array<std::vector<std::unique_ptr<std::uint8_t[]>>, kClasses> spare_;
    std::size_t spare_bytes_ = 0;
};

}  // namespace mutirao::net
