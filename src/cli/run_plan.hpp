// What `mutirao train FILE` reads: a training run as a TOML file (examples/train/run.toml).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "train/settings.hpp"

namespace mutirao::cli {

inline constexpr std::size_t kRunPlanBytesMax = 1 << 20;

// An object of a wallet of this home folder, offered to the run as it opens.
struct OwnData {
    std::string object, wallet, price = "0";  // MUT, paid once by the builder
    double share_percent = 0;                 // of the model's later income
    std::uint32_t days = 365;
};

struct RunPlan {
    std::string title, wallet, reward = "1", price_per_token = "0.001";  // MUT
    std::string curve;  // where the loss curve goes, *.svg or *.png; empty: nowhere
    std::uint32_t checkpoint_every = 0;  // rounds between those that are stored; 0: only the last
    train::RunSettings settings;
    // A local file whose digest is to become settings.judge; empty: none. It is also among `data`.
    std::string judge;
    std::vector<OwnData> data;
    // Training begins once so many objects are offered, our own included; 0: just our own.
    std::uint32_t offers = 0;
    std::uint32_t wait_seconds = 3600;  // for them
};

// `name` is what the text is called in errors. Strict: invalid_argument with name, line and what to
// write instead for anything that is no TOML, an unknown key, a value of another kind or out of
// range, and settings that do not fit together. Any thread.
Result<RunPlan> parse_run_plan(std::string_view text, const std::string& name);

}  // namespace mutirao::cli
