// Waiting to be told to stop.
#pragma once

#include <signal.h>

#include "base/ports.hpp"

namespace mutirao::os {

// Ctrl-C (SIGINT), SIGTERM and a closed terminal (SIGHUP) as something to wait for. Make one at the
// start of main(), before any thread: threads inherit that these signals are held back. While it
// lives, writes to a closed pipe or past the file size limit fail with an error instead of ending
// the process (SIGPIPE, SIGXFSZ).
class StopSignal {
  public:
    StopSignal();
    // As it was before.
    ~StopSignal();
    StopSignal(const StopSignal&) = delete;
    StopSignal& operator=(const StopSignal&) = delete;

    // Blocks until one arrives, and returns its number. One that came earlier counts.
    int wait();
    // True when one arrived before `deadline` passed.
    bool wait(Duration deadline);

  private:
    sigset_t waited_;
    sigset_t mask_before_;
    struct sigaction pipe_before_;
    struct sigaction file_size_before_;
};

}  // namespace mutirao::os
