// Who may call what: the one table of methods that are not for everybody. All others are open to
// whoever proves an account; what they ask for is checked where it is done (signatures, licences).
//
//   of a storage node      Fragments/Put, Storage/{OpenBlock,PutSlot,Sign,Drop}, Keeper/Keep
//                          registered gateways
//   of a trainer           Train/{Plan,Exchange,Chunk,Give}            registered trainers
#pragma once

#include "net/caller.hpp"
#include "node/directory.hpp"

namespace mutirao::node {

// The role that a caller of this method must be registered with; none when anybody may.
ledger::Role caller_role(std::string_view method);

// permission_denied unless the caller may call the method as far as its role decides; unavailable
// when the ledger cannot be asked. Any thread.
Status may_call(Directory& directory, const net::Caller& caller, std::string_view method);

}  // namespace mutirao::node
