#include "os/descriptor.hpp"

#include <cerrno>
#include <system_error>
#include <unistd.h>

namespace mutirao::os {
namespace {

ErrorKind kind_of(int code) {
    switch (code) {
        case ENOSPC:
        case EDQUOT:
        case EFBIG: return ErrorKind::resource_exhausted;
        case ENOENT: return ErrorKind::not_found;
        case EACCES:
        case EPERM:
        case EROFS: return ErrorKind::permission_denied;
        default: return ErrorKind::io;
    }
}

}  // namespace

void Descriptor::close() {
    // Never retried: on Linux the descriptor is gone even when close() reports EINTR.
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Error errno_error(std::string_view what, int code) {
    const ErrorKind kind = kind_of(code);
    std::string message = kind == ErrorKind::resource_exhausted ? "disk full: " : "";
    message += what;
    message += ": ";
    message += std::system_category().message(code);
    return Error{kind, std::move(message)};
}

}  // namespace mutirao::os
