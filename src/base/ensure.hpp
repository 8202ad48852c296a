// ENSURE(condition, message): a broken assumption stops the process, in release builds too.
// Nothing that arrives from outside may trip one: bad input is a Result, not an ENSURE.
#pragma once

#include <string_view>

namespace mutirao {

[[noreturn]] void ensure_failed(const char* condition, const char* file, int line,
                                std::string_view message);

}  // namespace mutirao

#define ENSURE(condition, ...)                                       \
    do {                                                             \
        if (!(condition)) [[unlikely]]                               \
            ::mutirao::ensure_failed(#condition, __FILE__, __LINE__, \
                                     std::string_view{__VA_ARGS__}); \
    } while (false)
