// What a person at a terminal sees while waiting.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/ports.hpp"

namespace mutirao::os {

// Whether a person reads what is written to this descriptor (1: standard output, 2: error).
bool is_terminal(int descriptor);
// Columns of the terminal; 80 when there is none or it does not say.
int terminal_columns(int descriptor);

struct Progress {
    std::string_view label;
    std::uint64_t done_bytes = 0;
    std::uint64_t total_bytes = 0;  // 0: not known
    Duration elapsed{};
};

// "put corpus.tar [=====>    ]  52%  31.2 MB/s  ETA 0:14", cut to `columns`. MB is 10^6 bytes, the
// rate is the mean since the start. Pure.
std::string progress_line(const Progress& progress, int columns);

// A progress line on standard error, rewritten in place at most ten times a second; silent when
// standard error is no terminal. Any thread may report.
class ProgressBar {
  public:
    // `clock` outlives this.
    ProgressBar(Clock& clock, std::string label, std::uint64_t total_bytes);
    // Leaves the last line standing.
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    void add(std::uint64_t bytes);

  private:
    void draw(Duration now);

    Clock& clock_;
    const std::string label_;
    const std::uint64_t total_;
    const bool visible_;
    const Duration start_;
    std::mutex mutex_;  // guards done_ and drawn_
    std::uint64_t done_ = 0;
    Duration drawn_;
};

}  // namespace mutirao::os
