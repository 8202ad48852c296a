// Reads the JSON files under vectors/ for this room's tests. Throws on a missing or changed file:
// a test that cannot read its vectors must fail.
#pragma once

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "base/bytes.hpp"

namespace mutirao::crypto {

inline boost::json::value read_vectors(const std::string& path) {
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return boost::json::parse(text);
}

inline std::string text_at(const boost::json::value& object, const char* name) {
    const auto& text = object.at(name).as_string();
    return {text.data(), text.size()};
}

inline Bytes bytes_at(const boost::json::value& object, const char* name) {
    return from_hex(text_at(object, name)).value();
}

template <class Fixed>
Fixed fixed_at(const boost::json::value& object, const char* name) {
    return Fixed::from_bytes(bytes_at(object, name)).value();
}

// 0, 1, .. 250, 0, 1, ..: the inputs of the vectors.
inline Bytes pattern(std::size_t size) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i % 251);
    return out;
}

}  // namespace mutirao::crypto
