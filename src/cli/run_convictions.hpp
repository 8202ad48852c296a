// Who was caught with made-up rounds: what the ledger has of it, and what the builder adds.
#pragma once

#include <boost/json.hpp>
#include <set>

#include "cli/session.hpp"
#include "node/ledger_client.hpp"

namespace mutirao::cli {

// What accuseTrainer put on the ledger, also of those whom it convicts not yet; each is told in a
// line, too.
Result<boost::json::array> show_convictions(Session& session, const Digest& run);

// Before the run is finished: the builder's word against these of its trainers, unless one stands
// already. `rounds` is told as the round where no trainer named one.
Status record_convictions(Session& session, node::Sender& builder, const ledger::Run& run,
                          const std::set<std::uint32_t>& cheaters, std::uint32_t rounds);

}  // namespace mutirao::cli
