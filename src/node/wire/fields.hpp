// Protobuf bytes fields (std::string) to and from our own byte types.
#pragma once

#include <string>

#include "base/bytes.hpp"

namespace mutirao::node::wire {

inline std::string to_field(ByteSpan bytes) { return std::string(as_text(bytes)); }

// invalid_argument when the field has another size.
template <class Fixed>
Result<Fixed> fixed_field(const std::string& field) {
    return Fixed::from_bytes(as_bytes(field));
}

}  // namespace mutirao::node::wire
