// What the parts of the module Training share. Internal to ledger.
#pragma once

#include <vector>

#include "ledger/modules.hpp"

namespace mutirao::ledger {

// already_exists when the run is not open any more.
Result<Run> open_run(Context& context, const Digest& id);
// The sender, a trainer of the run, tells of a round. True when with this report more than half of
// the run's trainers told the same, and not before.
Result<bool> tell_round(Context& context, const Run& run, std::uint32_t round,
                        const Digest& result);
Status accuse_trainer(Context& context, abi::Reader in);
// Whether the other trainers convicted this one: it has no part of the reward.
Result<bool> forfeits(const Context& context, const Run& run, const Address& trainer);

std::span<const Method> contribution_methods();
// At the end of a run: adds the pool's part of the income to `shares`, in which each asset stands
// at most once, and takes it from `left`, which is the builder's.
Status add_pool_shares(Context& context, const Run& run, std::vector<Share>& shares,
                       std::uint32_t& left);
// Pays the pool's money to those who contributed, and what is left to the builder.
Status pay_pool(Context& context, const Run& run);

}  // namespace mutirao::ledger
