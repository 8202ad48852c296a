#include "coding/locator.hpp"

#include <bit>

namespace mutirao::coding {
namespace {

std::uint32_t reduce(std::uint32_t value) {
    return value >= kGroupOrder ? value - kGroupOrder : value;
}

// In place, modulo 65535.
void walsh_hadamard(std::vector<std::uint32_t>& values) {
    for (std::size_t half = 1; half < values.size(); half *= 2)
        for (std::size_t start = 0; start < values.size(); start += 2 * half)
            for (std::size_t i = start; i < start + half; ++i) {
                const auto a = values[i], b = values[i + half];
                values[i] = reduce(a + b);
                values[i + half] = reduce(a + kGroupOrder - b);
            }
}

}  // namespace

std::vector<F16> locator_logs(const std::vector<bool>& erased) {
    const auto& tables = log_tables();
    const std::size_t size = erased.size();
    std::vector<std::uint32_t> logs(size), marks(size);
    for (std::size_t i = 0; i < size; ++i) {
        logs[i] = i == 0 ? 0 : tables.log[point(static_cast<std::uint32_t>(i))];
        marks[i] = erased[i] ? 1 : 0;
    }
    walsh_hadamard(logs);
    walsh_hadamard(marks);
    for (std::size_t i = 0; i < size; ++i)
        logs[i] = static_cast<std::uint32_t>(std::uint64_t{logs[i]} * marks[i] % kGroupOrder);
    walsh_hadamard(logs);
    // Divide by size: 2^16 is 1 modulo 65535, so the inverse of 2^r is 2^(16-r).
    const std::uint64_t inverse_size = std::uint64_t{1} << (16 - std::countr_zero(size));
    std::vector<F16> out(size);
    for (std::size_t i = 0; i < size; ++i)
        out[i] = static_cast<F16>(logs[i] * inverse_size % kGroupOrder);
    return out;
}

}  // namespace mutirao::coding
