#include "os/process.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/descriptor.hpp"

namespace mutirao::os {
namespace {

constexpr int kExecFailed = 127;  // what a shell answers too

// Pointers for execve(2), made before fork() because the child may not allocate.
class StringArray {
  public:
    explicit StringArray(std::vector<std::string> strings) : strings_(std::move(strings)) {
        for (auto& text : strings_) pointers_.push_back(text.data());
        pointers_.push_back(nullptr);
    }
    char* const* get() const { return pointers_.data(); }

  private:
    std::vector<std::string> strings_;
    std::vector<char*> pointers_;
};

std::vector<std::string> environment_with(
    const std::vector<std::pair<std::string, std::string>>& additions) {
    std::vector<std::string> all;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const auto name = text.substr(0, text.find('='));
        const bool replaced = std::any_of(additions.begin(), additions.end(),
                                          [&](const auto& added) { return added.first == name; });
        if (!replaced) all.emplace_back(text);
    }
    for (const auto& [name, value] : additions) {
        all.push_back(name);
        all.back().append("=").append(value);
    }
    return all;
}

// Everything that the child needs between fork() and exec().
struct Launch {
    StringArray arguments;
    StringArray environment;
    int input;
    int output;  // -1: inherited
    int report;  // close-on-exec pipe; gets errno when exec fails
    pid_t parent;
};

// In the child: only async-signal-safe calls, no allocation.
[[noreturn]] void run_child(const Launch& launch) {
    struct sigaction defaults {};
    defaults.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) ::sigaction(number, &defaults, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The parent may have died before that took effect.
    if (::getppid() != launch.parent) ::_exit(kExecFailed);
    bool wired = ::dup2(launch.input, STDIN_FILENO) >= 0;
    if (launch.output >= 0)
        wired = wired && ::dup2(launch.output, STDOUT_FILENO) >= 0 &&
                ::dup2(launch.output, STDERR_FILENO) >= 0;
    if (wired) {
        ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
        ::execvpe(launch.arguments.get()[0], launch.arguments.get(), launch.environment.get());
    }
    const int code = errno;
    // Nobody is left to tell if this fails.
    [[maybe_unused]] const auto told = ::write(launch.report, &code, sizeof(code));
    ::_exit(kExecFailed);
}

// 0 once exec() has closed the pipe, else the child's errno.
int read_report(int fd) {
    int code = 0;
    for (;;) {
        const ssize_t got = ::read(fd, &code, sizeof(code));
        if (got < 0 && errno == EINTR) continue;
        return got == sizeof(code) ? code : 0;
    }
}

}  // namespace

std::string Exit::sentence() const {
    if (signal == 0) return "exited with code " + std::to_string(code);
    return "was ended by signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
}

struct Process::Impl {
    pid_t pid = -1;
    Descriptor handle;  // pidfd: readable once the child has ended
    std::optional<Exit> exit;

    void signal(int number) {
        // The child is ours until it is reaped, so its number cannot have passed to another.
        if (!exit) ::kill(pid, number);
    }
    void reap() {
        int status = 0;
        while (::waitpid(pid, &status, 0) < 0)
            if (errno != EINTR) {  // reaped by somebody else: how it ended is not known
                exit = Exit{kExecFailed, 0};
                return;
            }
        exit = WIFSIGNALED(status) ? Exit{0, WTERMSIG(status)} : Exit{WEXITSTATUS(status), 0};
    }
    ~Impl() {
        if (exit) return;
        signal(SIGKILL);
        reap();
    }
};

Process::Process(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Process::Process(Process&&) noexcept = default;
Process& Process::operator=(Process&&) noexcept = default;
Process::~Process() = default;

Result<Process> Process::spawn(const Command& command) {
    if (command.arguments.empty() || command.arguments[0].empty())
        return Error{ErrorKind::invalid_argument, "a command needs the name of a program"};
    const std::string what = "cannot start " + command.arguments[0];
    const Descriptor input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!input) return errno_error(what + ": /dev/null", errno);
    Descriptor output;
    if (command.output_file) {
        output = Descriptor(
            ::open(command.output_file->c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
        if (!output) return errno_error(what + ": " + *command.output_file, errno);
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error(what, errno);
    const Descriptor report_read(ends[0]);
    Descriptor report_write(ends[1]);

    const Launch launch{StringArray(command.arguments),
                        StringArray(environment_with(command.environment)),
                        input.get(),
                        output.get(),
                        report_write.get(),
                        ::getpid()};
    const pid_t pid = ::fork();
    if (pid < 0) return errno_error(what, errno);
    if (pid == 0) run_child(launch);
    auto impl = std::make_unique<Impl>();
    impl->pid = pid;
    report_write.close();
    if (const int code = read_report(report_read.get()); code != 0) return errno_error(what, code);
    impl->handle = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!impl->handle) return errno_error(what + ": pidfd_open", errno);
    return Process(std::move(impl));
}

pid_t Process::pid() const { return impl_->pid; }
bool Process::is_running() { return !wait(Duration::zero()).has_value(); }
void Process::terminate() { impl_->signal(SIGTERM); }
void Process::kill() { impl_->signal(SIGKILL); }

std::optional<Exit> Process::wait(Duration deadline) {
    using std::chrono::steady_clock;
    if (impl_->exit) return impl_->exit;
    constexpr Duration kLongest = std::chrono::hours(24 * 365);
    const auto end = steady_clock::now() + std::clamp(deadline, Duration::zero(), kLongest);
    for (;;) {
        const auto left = std::max<Duration>(end - steady_clock::now(), Duration::zero());
        const auto left_ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
        pollfd ended{impl_->handle.get(), POLLIN, 0};
        const int timeout =
            static_cast<int>(std::min<std::int64_t>(left_ms, std::numeric_limits<int>::max()));
        const int ready = ::poll(&ended, 1, timeout);
        if (ready > 0) {
            impl_->reap();
            return impl_->exit;
        }
        if (left == Duration::zero()) return std::nullopt;
    }
}

}  // namespace mutirao::os
