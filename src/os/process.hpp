// Child processes: `mutirao up` runs every role as one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "base/ports.hpp"
#include "base/result.hpp"

namespace mutirao::os {

struct Command {
    std::vector<std::string> arguments;  // the first is a path, or a name looked up in PATH
    std::vector<std::pair<std::string, std::string>> environment;  // added to ours, or in its place
    // Standard output and error are appended to this file; inherited when absent.
    std::optional<std::string> output_file;
};

// How a child ended.
struct Exit {
    int code = 0;    // its exit code, when signal is 0
    int signal = 0;  // the signal that ended it

    bool clean() const { return code == 0 && signal == 0; }
    // "exited with code 3", "was ended by signal 9 (Killed)".
    std::string sentence() const;
};

// One child. It reads nothing (its input is /dev/null), has a process group of its own (Ctrl-C in
// the terminal reaches only us, and we stop our children in order), starts with no signal blocked
// or ignored, and keeps none of our open files. Not for use by several threads at once.
//
// The kernel kills the child when the *thread* that called spawn() ends: spawn from the main thread
// or from one that lives as long as the child should.
class Process {
  public:
    // Returns once the program runs; not_found or permission_denied, naming it, when it cannot.
    static Result<Process> spawn(const Command& command);

    Process(Process&&) noexcept;
    Process& operator=(Process&&) noexcept;
    // Kills the child if it still runs.
    ~Process();

    pid_t pid() const;
    bool is_running();
    // Asks it to stop (SIGTERM). Nothing happens when it has ended.
    void terminate();
    // SIGKILL: no cleaning up, as when the power fails.
    void kill();
    // How it ended, or nothing when it still runs after `deadline`. May be asked again.
    std::optional<Exit> wait(Duration deadline);

  private:
    struct Impl;
    explicit Process(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mutirao::os
