#include "coding/sample.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/random.hpp"

namespace mutirao::bench {

coding::RowBuffer touched_room(std::size_t size) {
    coding::RowBuffer room(size);
    std::memset(room.data(), 1, size);
    return room;
}

coding::RowBuffer random_block() {
    coding::RowBuffer block(kBlockSize);
    SeededRandom(1).fill(block.span());
    return block;
}

coding::Shape block_shape(std::uint32_t data_rows, std::uint32_t rows) {
    return {data_rows, rows, static_cast<std::uint32_t>(kBlockSize / data_rows)};
}

std::vector<std::uint32_t> lost_third(std::uint32_t rows) {
    std::vector<std::uint32_t> order(rows);
    std::iota(order.begin(), order.end(), 0u);
    SeededRandom random(7);
    for (std::size_t i = order.size() - 1; i > 0; --i)
        std::swap(order[i], order[random.below(i + 1)]);
    order.resize(rows / 3);
    std::ranges::sort(order);
    return order;
}

std::vector<std::uint32_t> lost_slot(std::uint32_t rows) {
    constexpr std::uint32_t kSlots = 256, kSlot = 77;
    std::vector<std::uint32_t> lost;
    for (std::uint32_t row = kSlot; row < rows; row += kSlots) lost.push_back(row);
    return lost;
}

std::vector<coding::Row> surviving_rows(const coding::Shape& shape, ByteSpan data, ByteSpan parity,
                                        const std::vector<std::uint32_t>& lost) {
    std::vector<coding::Row> rows;
    for (std::uint32_t index = 0; index < shape.rows; ++index) {
        if (std::ranges::binary_search(lost, index)) continue;
        const bool is_data = index < shape.data_rows;
        const auto from = is_data ? data : parity;
        const std::size_t at = is_data ? index : index - shape.data_rows;
        rows.push_back({index, from.subspan(at * shape.row_size, shape.row_size)});
    }
    return rows;
}

std::string peer_request(const std::string& verb, const coding::Shape& shape,
                         const std::vector<std::uint32_t>& lost) {
    std::string request = verb + " " + std::to_string(shape.data_rows) + " " +
                          std::to_string(shape.rows - shape.data_rows) + " " +
                          std::to_string(shape.row_size);
    for (const auto row : lost) request += " " + std::to_string(row);
    return request;
}

}  // namespace mutirao::bench
