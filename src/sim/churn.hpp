// A training run among workers that come and go, simulated: the real agreement
// (train/agreement.hpp) and the real rounds (train/round.hpp) of a tiny model, with the time that
// steps, calls and transfers take as given. Answers whether the run goes on, whether all hold the
// same bits, and how much of the workers' time was used. Same settings, same answer.
//
// Faults: a worker is killed (at any moment, also in the middle of a transfer) and comes back from
// its disk later; a worker is cut off and hears nothing for a while; messages are late; workers
// differ in speed.
#pragma once

#include <string>

#include "base/ports.hpp"
#include "train/agreement.hpp"
#include "train/settings.hpp"

namespace mutirao::sim {

struct ChurnSettings {
    std::uint64_t seed = 1;
    std::uint32_t workers = 16;
    std::uint32_t rounds = 40;
    std::uint32_t quorum = 9;
    std::uint32_t local_steps = 30;
    train::Schedule schedule = train::Schedule::sync;
    Duration step = std::chrono::seconds(2);  // of the fastest worker
    double slowest = 1.2;                     // times the fastest's step; evenly spread between
    Duration latency = std::chrono::milliseconds(50);
    Duration exchange = std::chrono::seconds(2);  // one payload, from one worker to another
    Duration heal = std::chrono::seconds(10);     // a whole RunState
    double killed = 0.01;                         // of the workers, each round
    double cut_off = 0.002;                       // of the workers, each round
    Duration down = std::chrono::seconds(60);     // until a killed or cut off worker is back
    train::Patience patience = {.grace = std::chrono::seconds(6)};
};

struct ChurnReport {
    bool finished = false;   // all workers that are up have the last round behind them
    bool identical = false;  // all hold the same bits, and each round counted the same everywhere
    double utilisation = 0;  // time in local steps that counted, over the time that workers were up
    double goodput = 0;      // the same over all workers' time, also when they were down
    Duration took{0};
    std::uint32_t killed = 0, cut_off = 0, healed = 0;
    std::uint64_t left_out = 0;  // payloads that did not count in their round
    std::string trouble;         // the first error of any worker
};

// invalid_argument when the settings are none of a run. Cost: about 10 ms for 40 rounds of 16
// workers.
Result<ChurnReport> simulate_churn(const ChurnSettings& settings);

}  // namespace mutirao::sim
