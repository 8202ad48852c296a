#include "coding/field.hpp"

namespace mutirao::coding {
namespace {

F16 power(F16 base, std::uint32_t exponent) {
    F16 result = 1;
    for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1) result = mul16(result, base);
        base = mul16(base, base);
    }
    return result;
}

// Primitive when its order is divided by none of 65535 / {3, 5, 17, 257}.
bool is_primitive(F16 element) {
    for (const std::uint32_t prime : {3u, 5u, 17u, 257u})
        if (power(element, kGroupOrder / prime) == 1) return false;
    return true;
}

LogTables build() {
    F16 generator = 2;
    while (!is_primitive(generator)) ++generator;
    LogTables tables{std::vector<F16>(kGroupOrder + 1), std::vector<F16>(kGroupOrder)};
    F16 element = 1;
    for (std::uint32_t exponent = 0; exponent < kGroupOrder; ++exponent) {
        tables.exp[exponent] = element;
        tables.log[element] = static_cast<F16>(exponent);
        element = mul16(element, generator);
    }
    return tables;
}

}  // namespace

const LogTables& log_tables() {
    static const LogTables tables = build();
    return tables;
}

}  // namespace mutirao::coding
