// What the room's tests share.
#pragma once

#include <algorithm>

#include "base/random.hpp"
#include "base/test_threads.hpp"
#include "coding/coding.hpp"
#include "coding/field.hpp"

namespace mutirao::coding {

inline Bytes random_bytes(std::size_t size, Random& random) {
    Bytes out(size);
    random.fill(out);
    return out;
}

// All n rows.
inline Bytes encode_all(const Shape& shape, ByteSpan data, const Threads& threads = {}) {
    Bytes all(std::size_t{shape.rows} * shape.row_size);
    std::copy(data.begin(), data.end(), all.begin());
    encode(shape, data, MutableByteSpan(all).subspan(data.size()), threads);
    return all;
}

inline Row row_of(const Shape& shape, ByteSpan all, std::uint32_t index) {
    return {index, all.subspan(std::size_t{index} * shape.row_size, shape.row_size)};
}

inline F16 element(ByteSpan row, std::size_t j) {
    const std::size_t at = j / 64 * kRowGroup + j % 64;
    return static_cast<F16>(row[at + 64] << 8 | row[at]);
}

inline F16 inverse16(F16 a) {
    const auto& tables = log_tables();
    return tables.exp[(kGroupOrder - tables.log[a]) % kGroupOrder];
}

// The first `count` of `order` become a random choice.
inline void draw(std::vector<std::uint32_t>& order, std::size_t count, Random& random) {
    for (std::size_t i = 0; i < count; ++i)
        std::swap(order[i], order[i + random.below(order.size() - i)]);
}

}  // namespace mutirao::coding
