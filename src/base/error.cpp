#include "base/error.hpp"

namespace mutirao {

std::string_view to_string(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::invalid_argument: return "invalid_argument";
        case ErrorKind::not_found: return "not_found";
        case ErrorKind::already_exists: return "already_exists";
        case ErrorKind::permission_denied: return "permission_denied";
        case ErrorKind::insufficient_funds: return "insufficient_funds";
        case ErrorKind::resource_exhausted: return "resource_exhausted";
        case ErrorKind::unavailable: return "unavailable";
        case ErrorKind::timeout: return "timeout";
        case ErrorKind::corrupt: return "corrupt";
        case ErrorKind::unimplemented: return "unimplemented";
        case ErrorKind::io: return "io";
    }
    return "unknown";
}

Error Error::within(std::string_view where) && {
    std::string joined(where);
    joined += ": ";
    joined += message;
    return Error{kind, std::move(joined)};
}

}  // namespace mutirao
