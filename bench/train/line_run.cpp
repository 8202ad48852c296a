#include "train/line_run.hpp"

#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <signal.h>
#include <sstream>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/backend.hpp"

namespace mutirao::bench {

namespace {

using Steady = std::chrono::steady_clock;

struct Child {
    pid_t pid = -1;
    OwnedFd output;
    std::string said;
};

std::string program_of(LineProgram program) {
    const auto folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    return folder / (program == LineProgram::gloo ? "bench_train_gloo" : "bench_train_rounds");
}

std::vector<std::string> arguments_of(const RealLine& line, const LineRun& run,
                                      std::uint32_t index) {
    Writer settings;
    run.settings.encode(settings);
    std::vector<std::string> out{program_of(run.program), std::to_string(index),
                                 std::to_string(run.steps), to_hex(std::move(settings).take()),
                                 run.text_file};
    for (std::uint32_t i = 0; i < run.workers; ++i) out.push_back(line.end(i).address());
    return out;
}

Result<Child> spawn_at(const NetSpace& end, std::vector<std::string> arguments) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return Error{ErrorKind::unavailable, "no pipe"};
    Child child{-1, OwnedFd(ends[0]), ""};
    const OwnedFd write_end(ends[1]);
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    child.pid = ::fork();
    if (child.pid < 0) return Error{ErrorKind::unavailable, "no process"};
    if (child.pid > 0) return child;
    // Only calls that may follow a fork beside other threads.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(write_end.get(), STDOUT_FILENO);
    if (!end.enter()) ::_exit(3);
    ::execv(argv[0], argv.data());
    ::_exit(4);
}

// Reads until the child closes its output, or the time is over.
bool listen_to(Child& child, Steady::time_point until) {
    for (;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - Steady::now()).count();
        pollfd waiting{child.output.get(), POLLIN, 0};
        if (left <= 0 || ::poll(&waiting, 1, static_cast<int>(left)) <= 0) return false;
        char buffer[4096];
        const auto got = ::read(child.output.get(), buffer, sizeof buffer);
        if (got <= 0) return true;
        child.said.append(buffer, static_cast<std::size_t>(got));
    }
}

Result<LineResult> one_result(Child& child, Steady::time_point until) {
    const bool ended = listen_to(child, until);
    if (!ended) ::kill(child.pid, SIGKILL);
    int status = 0;
    ::waitpid(child.pid, &status, 0);
    child.pid = -1;
    LineResult out;
    std::istringstream in(child.said);
    if (ended && in >> out.step_seconds >> out.exchange_seconds >> out.tokens_a_second >>
                     out.utilisation >> out.payload_bytes)
        return out;
    return Error{ErrorKind::unavailable, ended ? "a worker on the line failed; it said why above"
                                               : "a worker on the line was not done in time"};
}

}  // namespace

Result<LineResult> run_over(const RealLine& line, const LineRun& run) {
    for (const auto& [name, value] : model::kWorkerEnvironment) ::setenv(name, value, 0);
    const auto until =
        Steady::now() + std::chrono::milliseconds(static_cast<long>(run.seconds_max * 1e3));
    std::vector<Child> children;
    Status failed;
    for (std::uint32_t i = 0; i < run.workers && failed.ok(); ++i) {
        auto child = spawn_at(line.end(i), arguments_of(line, run, i));
        if (child.ok())
            children.push_back(std::move(child).value());
        else
            failed = std::move(child).error();
    }
    LineResult mean;
    for (auto& child : children) {
        // After one failure the others have nobody to talk to.
        if (!failed.ok()) ::kill(child.pid, SIGKILL);
        const auto result = one_result(child, until);
        if (!result.ok()) {
            if (failed.ok()) failed = result.error();
            continue;
        }
        const auto share = 1.0 / run.workers;
        mean.step_seconds += share * result->step_seconds;
        mean.exchange_seconds += share * result->exchange_seconds;
        mean.tokens_a_second += result->tokens_a_second;
        mean.utilisation += share * result->utilisation;
        mean.payload_bytes += share * result->payload_bytes;
    }
    TRY_VOID(std::move(failed));
    return mean;
}

}  // namespace mutirao::bench
