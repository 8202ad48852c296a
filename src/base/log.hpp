// The log facade: one line to one sink that the process sets at start. Rooms log what an operator
// needs to know; an error that is returned is not logged as well. Any thread may call.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace mutirao {

enum class LogLevel { debug, info, warn, error };

using LogSink = std::function<void(LogLevel, std::string_view line)>;

// Replaces the sink; the default drops everything. Set it before threads start.
void set_log_sink(LogSink sink);
void log_line(LogLevel level, std::string_view line);

}  // namespace mutirao

#define LOG_DEBUG(line) ::mutirao::log_line(::mutirao::LogLevel::debug, (line))
#define LOG_INFO(line) ::mutirao::log_line(::mutirao::LogLevel::info, (line))
#define LOG_WARN(line) ::mutirao::log_line(::mutirao::LogLevel::warn, (line))
#define LOG_ERROR(line) ::mutirao::log_line(::mutirao::LogLevel::error, (line))
