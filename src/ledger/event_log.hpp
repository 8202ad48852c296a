// Events in the form that Ethereum programs read: address, topics, data (docs/reference/abi). Pure;
// any thread.
#pragma once

#include <string_view>
#include <vector>

#include "ledger/records.hpp"

namespace mutirao::ledger {

struct Log {
    Address address;             // of the module
    std::vector<Digest> topics;  // keccak256 of the signature, then two or three indexed arguments
    Bytes data;                  // Paid: amount and reason; ApprovalForAll: whether
};

// "NodeJoined(bytes32,address,address)": these arguments (about, from, to), but for Paid and what
// EIP-721 prescribes. Two kinds may be one event whose data tell them apart.
std::string_view event_signature(EventKind kind);

Log to_log(const Event& event);
// The event without index, height and time, which a log does not hold. corrupt when to_log would
// not have written it.
Result<Event> event_of(const Log& log);

}  // namespace mutirao::ledger
