#include "coding/row_buffer.hpp"

#include <gtest/gtest.h>

namespace mutirao::coding {
namespace {

TEST(RowBuffer, keeps_its_bytes_when_it_grows_moves_and_is_copied) {
    RowBuffer a;
    EXPECT_EQ(a.size(), 0u);
    a.resize(100);
    for (std::size_t i = 0; i < 100; ++i) a.data()[i] = static_cast<std::uint8_t>(i);
    const auto before = to_bytes(a.span());
    a.reserve(std::size_t{9} << 20);
    const auto* const place = a.data();
    a.resize(std::size_t{9} << 20);
    EXPECT_EQ(a.data(), place) << "reserved memory does not move";
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(place) % 4096, 0u);
    a.resize(100);
    EXPECT_EQ(to_bytes(a.span()), before);

    RowBuffer copy(a);
    copy.data()[0] = 77;
    EXPECT_EQ(to_bytes(a.span()), before);
    copy = a;
    EXPECT_EQ(to_bytes(copy.span()), before);
    RowBuffer moved(std::move(a));
    EXPECT_EQ(to_bytes(moved.span()), before);
    EXPECT_EQ(a.size(), 0u);  // NOLINT(bugprone-use-after-move): is empty, and usable
    a.resize(10);
    EXPECT_EQ(a.size(), 10u);
}

}  // namespace
}  // namespace mutirao::coding
