#include "os/signal.hpp"

#include <algorithm>
#include <cerrno>

namespace mutirao::os {

StopSignal::StopSignal() {
    ::sigemptyset(&waited_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&waited_, number);
    ::pthread_sigmask(SIG_BLOCK, &waited_, &mask_before_);
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &pipe_before_);
    ::sigaction(SIGXFSZ, &ignore, &file_size_before_);
}

StopSignal::~StopSignal() {
    ::sigaction(SIGPIPE, &pipe_before_, nullptr);
    ::sigaction(SIGXFSZ, &file_size_before_, nullptr);
    ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

int StopSignal::wait() {
    for (;;)
        if (const int number = ::sigwaitinfo(&waited_, nullptr); number > 0) return number;
}

bool StopSignal::wait(Duration deadline) {
    using std::chrono::steady_clock;
    const auto end = steady_clock::now() + std::max(deadline, Duration::zero());
    for (;;) {
        const auto left = std::max<Duration>(end - steady_clock::now(), Duration::zero());
        const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
        const timespec wait{static_cast<time_t>(seconds.count()),
                            static_cast<long>((left - seconds).count())};
        if (::sigtimedwait(&waited_, nullptr, &wait) > 0) return true;
        if (errno == EAGAIN) return false;
    }
}

}  // namespace mutirao::os
