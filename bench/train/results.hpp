// All runs of a comparison: each method's rate chosen on the first seed, then every seed with it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "train/methods.hpp"

namespace mutirao::bench {

// A method's runs: its rate chosen on the first seed, then all seeds with it.
struct Results {
    Method method;
    float rate = 0;
    std::string rates;  // the losses of all that were tried
    std::vector<Outcome> seeds;

    double loss() const;          // final, mean over seeds
    double spread() const;        // standard deviation over seeds
    double bytes_a_step() const;  // and parameter, closing rounds included
};

std::string digits(double value, int places);

// `at_once` processes side by side; says on standard error how far it is.
std::vector<Results> measure(std::vector<Method> methods, int seeds, const Bytes& text,
                             unsigned at_once);
const Results& find(const std::vector<Results>& all, std::string_view name);

}  // namespace mutirao::bench
