// Differential privacy for contributors: what a worker sends of a round is no longer than `clip`
// and carries Gaussian noise, so that all rounds together tell little about whether it took part at
// all (DP-FedAvg, McMahan et al. 2018, arXiv 1710.06963; Abadi et al. 2016, arXiv 1607.00133), and
// an accountant that says how little: Renyi differential privacy (Mironov 2017, arXiv 1702.07476),
// with sampling (Mironov, Talwar, Zhang 2019, arXiv 1908.10530), turned to (epsilon, delta) as
// Canonne, Kamath and Steinke do (2020, arXiv 2004.00010, proposition 12).
//
// The noise is real numbers from the caller's randomness, then rounded by the codec; leaks through
// the low bits of floating-point noise are not modelled. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/ports.hpp"

namespace mutirao::train {

struct PrivacySettings {
    float clip = 0;   // the longest pseudo-gradient (Euclidean) of a worker; 0 = no privacy
    float noise = 0;  // standard deviation of what is seen, in units of `clip`
    // Of the statement; well below one over the number of contributors.
    float delta = 1e-5f;

    bool operator==(const PrivacySettings&) const = default;
    bool on() const { return clip > 0; }
    Status validate() const;
};

// Shortens the list to `longest`; shorter ones stay.
void clip_length(std::span<float> values, float longest);
// Adds independent Gaussian noise (Box, Muller 1958).
void add_gaussian_noise(std::span<float> values, double deviation, Random& random);

// What releases so far have cost, in Renyi divergences at many orders.
class PrivacyAccountant {
  public:
    PrivacyAccountant();
    // `times` releases with Gaussian noise of `noise` times the sensitivity, each of a random
    // sample that has every contributor with probability `share` (1: all are in).
    void add(double noise, double share, std::uint64_t times);
    // The smallest epsilon that holds with `delta` (0 to 1, both excluded). Infinite when noise was
    // 0.
    double epsilon(double delta) const;

  private:
    std::vector<double> divergences_;
};

// Of a run whose workers have all sent `rounds` pseudo-gradients. 0 without privacy or rounds.
double epsilon_after(const PrivacySettings& settings, std::uint64_t rounds);

}  // namespace mutirao::train
