// The way of objects into the network: uploaded, certified and paid for, named.
#pragma once

#include <span>
#include <vector>

#include "cli/put_source.hpp"
#include "cli/session.hpp"

namespace mutirao::cli {

// Puts all sources, several at a time, small files of a batch in blocks that they share. The first
// error, if any, ends it; the same call again goes on where this one ended and pays nothing twice.
// Results are in the order of the sources; the first one's `fee` is that of all.
Result<std::vector<PutResult>> put_all(Session& session, const crypto::AccountKey& wallet,
                                       std::span<const Source> sources, bool strong);

}  // namespace mutirao::cli
