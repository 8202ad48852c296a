#include "net/buffer_pool.hpp"

#include <gtest/gtest.h>

namespace mutirao::net {
namespace {

TEST(BufferPool, no_buffer_is_more_than_a_quarter_larger_than_asked) {
    BufferPool pool(1 << 20);
    for (std::size_t size = 4096; size < (40u << 20); size += size / 7 + 1) {
        for (const auto wanted : {size - 1, size, size + 1}) {
            const auto buffer = pool.take(wanted);
            EXPECT_GE(buffer.capacity, wanted);
            EXPECT_LE(buffer.capacity, std::max<std::size_t>(4096, wanted + wanted / 4 + 1));
        }
    }
}

TEST(BufferPool, memory_that_is_given_back_is_used_again) {
    BufferPool pool(16 << 20);
    for (const std::size_t size : {1u, 5000u, 4'215'000u, 5u << 20}) {
        auto buffer = pool.take(size);
        const auto* memory = buffer.memory.get();
        pool.give(std::move(buffer));
        EXPECT_EQ(pool.take(size).memory.get(), memory) << size;
    }
}

}  // namespace
}  // namespace mutirao::net
