// The ledger's records, events and calls as JSON for people's pages (docs/reference/explorer.md):
// names in words, wei in decimal digits as text, ids and addresses in hexadecimal. Pure; any
// thread.
#pragma once

#include <boost/json.hpp>

#include "gateway/ethrpc_chain.hpp"

namespace mutirao::gateway {

boost::json::object event_json(const ledger::Event& event);

// What a call's data say: module, method and arguments with their types. Only the module where the
// data are not as its methods want them; empty when `to` is no module.
boost::json::object call_json(const Address& to, ByteSpan data);

// One kind of record that can be listed.
struct RecordKind {
    std::string_view name;  // "assets"
    // Key prefix; of `parent`'s alone where the kind belongs to one.
    Result<Bytes> (*prefix)(const std::optional<Bytes>& parent);
    // corrupt when `value` is no such record.
    Result<boost::json::object> (*show)(ByteSpan key, ByteSpan value, std::uint64_t now_ms);
};
std::span<const RecordKind> record_kinds();

}  // namespace mutirao::gateway
