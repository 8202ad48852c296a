#include "base/ensure.hpp"

#include <cstdio>
#include <cstdlib>

namespace mutirao {

void ensure_failed(const char* condition, const char* file, int line, std::string_view message) {
    std::fprintf(stderr, "mutirao: broken assumption `%s` at %s:%d %.*s\n", condition, file, line,
                 static_cast<int>(message.size()), message.data());
    std::abort();
}

}  // namespace mutirao
