// An order (ledger/orders.hpp) as a file: what one person signs and sends to another, who brings it
// to the ledger. One JSON object. Pure; any thread.
#pragma once

#include <boost/json.hpp>
#include <string_view>

#include "base/result.hpp"
#include "ledger/orders.hpp"

namespace mutirao::cli {

boost::json::object order_json(const ledger::Order& order, std::uint64_t chain_id);
// Its signature is not checked. corrupt for what is no order; invalid_argument for one of another
// chain.
Result<ledger::Order> order_from(std::string_view text, std::uint64_t chain_id);

}  // namespace mutirao::cli
