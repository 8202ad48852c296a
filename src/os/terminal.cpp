#include "os/terminal.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>

namespace mutirao::os {
namespace {

constexpr Duration kRedraw = std::chrono::milliseconds(100);
constexpr int kBarColumnsMax = 40;
constexpr int kBarColumnsMin = 10;
constexpr int kColumnsUnknown = 80;
constexpr double kMega = 1e6;
constexpr std::uint64_t kEtaSecondsMax = 356400;  // 99 hours

std::string duration_text(std::uint64_t seconds) {
    char text[32];
    const auto minutes = static_cast<unsigned>(seconds / 60 % 60);
    const auto rest = static_cast<unsigned>(seconds % 60);
    if (seconds >= 3600)
        std::snprintf(text, sizeof(text), "%u:%02u:%02u", static_cast<unsigned>(seconds / 3600),
                      minutes, rest);
    else
        std::snprintf(text, sizeof(text), "%u:%02u", minutes, rest);
    return text;
}

std::string rate_text(const Progress& progress, double seconds) {
    if (seconds <= 0) return "  -.- MB/s";
    char text[48];
    std::snprintf(text, sizeof(text), "%5.1f MB/s",
                  static_cast<double>(progress.done_bytes) / kMega / seconds);
    return text;
}

std::string eta_text(const Progress& progress, double seconds) {
    if (progress.done_bytes >= progress.total_bytes)
        return "in " + duration_text(static_cast<std::uint64_t>(seconds));
    if (progress.done_bytes == 0 || seconds <= 0) return "ETA -:--";
    const double left = static_cast<double>(progress.total_bytes - progress.done_bytes) * seconds /
                        static_cast<double>(progress.done_bytes);
    if (left > static_cast<double>(kEtaSecondsMax)) return "ETA -:--";
    return "ETA " + duration_text(static_cast<std::uint64_t>(std::llround(left)));
}

std::string bar_text(double fraction, int columns) {
    const int inner = columns - 2;
    const int filled = static_cast<int>(fraction * inner);
    std::string bar = "[" + std::string(static_cast<std::size_t>(filled), '=');
    if (filled < inner) bar += '>';
    bar.resize(static_cast<std::size_t>(columns) - 1, ' ');
    return bar + "]";
}

// At most `columns` characters, never half of a UTF-8 one.
std::string cut(std::string text, int columns) {
    int seen = 0;
    for (std::size_t i = 0; i < text.size(); ++i)
        if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80 && ++seen > columns) {
            text.resize(i);
            break;
        }
    return text;
}

}  // namespace

bool is_terminal(int descriptor) { return ::isatty(descriptor) == 1; }

int terminal_columns(int descriptor) {
    winsize size{};
    if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kColumnsUnknown;
    return size.ws_col;
}

std::string progress_line(const Progress& progress, int columns) {
    const double seconds = std::chrono::duration<double>(progress.elapsed).count();
    const std::string label(progress.label);
    const std::string rate = rate_text(progress, seconds);
    if (progress.total_bytes == 0) {
        char done[48];
        std::snprintf(done, sizeof(done), "%.1f MB",
                      static_cast<double>(progress.done_bytes) / kMega);
        return cut(label + "  " + done + "  " + rate, columns);
    }
    const double fraction = std::min(
        1.0, static_cast<double>(progress.done_bytes) / static_cast<double>(progress.total_bytes));
    char percent[16];
    std::snprintf(percent, sizeof(percent), "%3d%%", static_cast<int>(fraction * 100));
    const std::string figures =
        std::string(percent) + "  " + rate + "  " + eta_text(progress, seconds);
    const int left = columns - static_cast<int>(label.size() + figures.size()) - 3;
    if (left < kBarColumnsMin) return cut(label + " " + figures, columns);
    return label + " " + bar_text(fraction, std::min(left, kBarColumnsMax)) + " " + figures;
}

ProgressBar::ProgressBar(Clock& clock, std::string label, std::uint64_t total_bytes)
    : clock_(clock),
      label_(std::move(label)),
      total_(total_bytes),
      visible_(is_terminal(STDERR_FILENO)),
      start_(clock.monotonic()),
      drawn_(start_ - kRedraw) {}

ProgressBar::~ProgressBar() {
    if (!visible_) return;
    draw(clock_.monotonic());
    std::fputc('\n', stderr);
}

void ProgressBar::add(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    done_ += bytes;
    if (!visible_) return;
    const Duration now = clock_.monotonic();
    if (now - drawn_ >= kRedraw) draw(now);
}

void ProgressBar::draw(Duration now) {
    drawn_ = now;
    // One column stays free: writing the last one makes some terminals scroll.
    const std::string line =
        progress_line({label_, done_, total_, now - start_}, terminal_columns(STDERR_FILENO) - 1);
    // Back to the first column, the line, and nothing of a longer line before it (ANSI EL).
    std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
    std::fflush(stderr);
}

}  // namespace mutirao::os
