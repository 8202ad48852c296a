// All methods that transactions may call at native modules, by selector: for whoever shows in words
// what a call does. Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.hpp"

namespace mutirao::ledger {

// Their Solidity signatures. No two have one selector.
std::span<const std::string_view> method_signatures();

// "transferFrom(address,address,uint256)": of the call's data at the module `to`; nothing for an
// unknown selector and for addresses that have no methods.
std::optional<std::string_view> method_of(const Address& to, ByteSpan data);

// "rights" for a module's address; empty for others.
std::string_view module_name(const Address& address);

}  // namespace mutirao::ledger
