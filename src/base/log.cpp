#include "base/log.hpp"

#include <mutex>

namespace mutirao {
namespace {

std::mutex g_mutex;  // guards the sink; the process's one sink is the only global in the project
LogSink& sink() {
    static LogSink instance;
    return instance;
}

}  // namespace

void set_log_sink(LogSink new_sink) {
    const std::lock_guard lock(g_mutex);
    sink() = std::move(new_sink);
}

void log_line(LogLevel level, std::string_view line) {
    const std::lock_guard lock(g_mutex);
    if (sink()) sink()(level, line);
}

}  // namespace mutirao
