// Work that is cut into tasks and done by several threads at once. The caller says how many; the
// threads are those of its Executor. Pure rooms use this and never make a thread.
#pragma once

#include <cstddef>
#include <functional>

#include "base/ports.hpp"

namespace mutirao {

// One thread, the caller's, unless an executor is given. The executor must outlive the call.
struct Threads {
    Executor* executor = nullptr;
    unsigned count = 1;  // the caller's included

    unsigned workers() const { return executor == nullptr || count == 0 ? 1 : count; }
};

// Calls task(worker, index) once for every index < tasks and returns when all calls have returned.
// Calls with different `worker` (< threads.workers()) may run at the same time, those with the same
// one never do, so that scratch space can be kept by worker. The caller works too: an executor that
// is busy, or never runs anything, only makes this slower. Tasks must not throw.
void run_parallel(const Threads& threads, std::size_t tasks,
                  const std::function<void(unsigned worker, std::size_t index)>& task);

}  // namespace mutirao
