#include "coding/peak_memory.hpp"

#include <array>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace mutirao::bench {
namespace {

// A line of /proc/self/status in bytes, or 0.
std::size_t status_bytes(const std::string& name) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        std::istringstream words(line);
        std::string field;
        std::size_t kib = 0;
        if (words >> field >> kib && field == name + ":") return kib << 10;
    }
    return 0;
}

// In the child: 0 where the system does not tell, or the work failed.
std::size_t measured(const std::function<bool()>& work) {
    std::ofstream reset("/proc/self/clear_refs");
    reset << "5";  // the peak begins anew: proc(5)
    reset.close();
    const auto before = status_bytes("VmRSS");
    if (!reset.good() || before == 0 || !work()) return 0;
    const auto peak = status_bytes("VmHWM");
    return peak > before ? peak - before : 0;
}

}  // namespace

std::optional<std::size_t> peak_memory(const std::function<bool()>& work) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) return std::nullopt;
    const pid_t child = fork();
    if (child == 0) {
        const std::size_t bytes = measured(work);
        const bool told = write(ends[1], &bytes, sizeof bytes) == sizeof bytes;
        _exit(told ? 0 : 1);
    }
    close(ends[1]);
    std::size_t bytes = 0;
    const bool heard = child > 0 && read(ends[0], &bytes, sizeof bytes) == sizeof bytes;
    close(ends[0]);
    if (child > 0) waitpid(child, nullptr, 0);
    return heard && bytes > 0 ? std::optional(bytes) : std::nullopt;
}

}  // namespace mutirao::bench
