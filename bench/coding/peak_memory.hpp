// How much memory a piece of work needs at its worst.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>

namespace mutirao::bench {

// Runs `work` in a forked child and returns by how many bytes the child's resident memory grew at
// its peak beyond what was resident when the work began: everything that the work touches counts,
// results and tables made at first use included; what the caller had touched before does not, and
// neither do freed blocks that the allocator still holds. Call it before anything big was freed.
// None where the system does not tell (it takes Linux and /proc), or the work failed. One thread.
std::optional<std::size_t> peak_memory(const std::function<bool()>& work);

}  // namespace mutirao::bench
