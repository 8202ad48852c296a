#include "os/clock.hpp"

#include <thread>

namespace mutirao::os {

Duration SystemClock::monotonic() { return std::chrono::steady_clock::now().time_since_epoch(); }

std::uint64_t SystemClock::unix_ms() {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count());
}

void SystemClock::sleep(Duration duration) { std::this_thread::sleep_for(duration); }

}  // namespace mutirao::os
