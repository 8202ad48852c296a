#include "os/random.hpp"

#include <cerrno>
#include <sys/random.h>

namespace mutirao::os {

void SystemRandom::fill(MutableByteSpan out) {
    while (!out.empty()) {
        const ssize_t got = ::getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        // Going on with predictable keys would be worse than stopping.
        ENSURE(got > 0, "the kernel gives no random bytes");
        out = out.subspan(static_cast<std::size_t>(got));
    }
}

}  // namespace mutirao::os
