// Whom the trainers of a run caught (node/round_auditor.hpp), for whoever pays them.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "mutirao/v1/train.pb.h"

namespace mutirao::cli {

// Workers that more than half of the others name, by what each of all workers says, in their order.
// A single trainer that lies about another changes nothing.
std::set<std::uint32_t> named_cheaters(const std::vector<v1::ProgressReply>& workers);

}  // namespace mutirao::cli
