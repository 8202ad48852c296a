// How long a fresh process takes from its start to a model that is ready to train: a program starts
// itself again and again with kFreshStart, and then only makes the model. For benches.
#pragma once

#include <algorithm>
#include <chrono>
#include <spawn.h>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <vector>

#include "model/backend.hpp"

namespace mutirao::model {

inline constexpr GptConfig kFreshModel{4, 256, 4, 128};  // 3.3 million parameters
inline constexpr std::string_view kFreshStart = "fresh-start";

// The started process's whole work: initial values are drawn before there is a model.
inline bool make_fresh_model(Backend& backend) {
    return backend.create(kFreshModel, {}, initial_parameters(kFreshModel, 1)).ok();
}

// Milliseconds of each of so many starts with arguments kFreshStart and `what`, the fastest first;
// none when one of them does not end with 0.
inline std::vector<double> fresh_starts(int count, std::string what) {
    std::string word(kFreshStart), program("/proc/self/exe");
    char* const arguments[] = {program.data(), word.data(), what.data(), nullptr};
    std::vector<double> times;
    for (int i = 0; i < count; ++i) {
        const auto began = std::chrono::steady_clock::now();
        pid_t child = 0;
        int state = 1;
        if (posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environ) != 0 ||
            waitpid(child, &state, 0) != child || state != 0)
            return {};
        const std::chrono::duration<double, std::milli> took =
            std::chrono::steady_clock::now() - began;
        times.push_back(took.count());
    }
    std::ranges::sort(times);
    return times;
}

}  // namespace mutirao::model
