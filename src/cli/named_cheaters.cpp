#include "cli/named_cheaters.hpp"

#include <map>

namespace mutirao::cli {

std::set<std::uint32_t> named_cheaters(const std::vector<v1::ProgressReply>& workers) {
    std::map<std::uint32_t, std::set<std::size_t>> accusers;
    for (std::size_t i = 0; i < workers.size(); ++i)
        for (const auto cheater : workers[i].cheaters())
            if (cheater != i) accusers[cheater].insert(i);
    std::set<std::uint32_t> out;
    for (const auto& [cheater, by] : accusers)
        if (cheater < workers.size() && 2 * by.size() > workers.size() - 1) out.insert(cheater);
    return out;
}

}  // namespace mutirao::cli
