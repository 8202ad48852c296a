// Reading vectors/ledger/*.json in tests.
#pragma once

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "base/bytes.hpp"
#include "ledger/amount.hpp"

namespace mutirao::ledger {

inline std::string read_text_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    ENSURE(file.good(), path);
    std::ostringstream out;
    out << file.rdbuf();
    return out.str();
}

inline boost::json::object read_vectors(const std::string& name) {
    const auto text = read_text_file(std::string(MUTIRAO_VECTORS) + "/ledger/" + name);
    return boost::json::parse(text).as_object();
}

inline std::string_view text_in(const boost::json::value& value) {
    const auto& text = value.as_string();
    return {text.data(), text.size()};
}
inline Bytes hex_in(const boost::json::value& value) { return from_hex(text_in(value)).value(); }
template <class Fixed>
Fixed fixed_in(const boost::json::value& value) {
    return Fixed::from_bytes(hex_in(value)).value();
}
// Numbers stand as digits in text, or plainly when they are small.
inline u128 number_in(const boost::json::value& value) {
    if (value.is_int64()) return static_cast<u128>(value.as_int64());
    u128 out = 0;
    for (const char c : text_in(value)) out = out * 10 + static_cast<u128>(c - '0');
    return out;
}

}  // namespace mutirao::ledger
