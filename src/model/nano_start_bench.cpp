// Prints the fastest and the median fresh start of the nano backend (fresh_start_bench.hpp).
#include <cstdio>

#include "model/fresh_start_bench.hpp"
#include "model/nano_backend.hpp"

int main(int argc, char** argv) {
    using namespace mutirao;
    constexpr int kStarts = 15;
    constexpr double kGoalMs = 100;
    if (argc == 3 && argv[1] == model::kFreshStart)
        return model::make_fresh_model(*model::make_nano_backend()) ? 0 : 1;
    const auto times = model::fresh_starts(kStarts, "nano");
    if (times.empty()) {
        std::fputs("a fresh process could not make the model\n", stderr);
        return 1;
    }
    std::printf(
        "a process with a model of 3.3 M parameters, initial values drawn: fastest %.1f ms, "
        "median %.1f ms; goal: under %.0f ms\n",
        times.front(), times[times.size() / 2], kGoalMs);
    return times.front() < kGoalMs ? 0 : 1;
}
