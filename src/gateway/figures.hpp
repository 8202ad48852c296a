// Numbers as people read them, in either language. The process's locale plays no part. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace mutirao::gateway {

enum class Language { portuguese, english };

// "3.14", or "3,14" in Portuguese; `decimals` digits after the mark. "-" when not finite.
std::string decimal_text(double value, int decimals, Language language);
// Groups of three: "1,234,567", or "1.234.567" in Portuguese.
std::string count_text(std::uint64_t value, Language language);
// Powers of 1024: "17 B", "3.1 MiB".
std::string size_text(std::uint64_t bytes, Language language);
// "2025-01-31 23:59:58 UTC"; milliseconds since 1970.
std::string time_text(std::uint64_t unix_ms);

}  // namespace mutirao::gateway
