// Ethereum's JSON values (execution-apis, "hex value encoding"): quantities, data, and the objects
// for blocks, transactions, receipts and logs. Pure; any thread.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "gateway/ethrpc_chain.hpp"
#include "ledger/transaction.hpp"

namespace mutirao::gateway {

// "0x0", "0x1f4": no leading zeros.
std::string quantity(ledger::u128 value);
// "0x" and two digits a byte.
std::string data_text(ByteSpan bytes);
// Readers of what callers write. invalid_argument, saying what was expected. Leading zeros are
// taken; a quantity is at most 2^128-1.
Result<ledger::u128> read_quantity(std::string_view text);
Result<std::uint64_t> read_quantity64(std::string_view text);
Result<Bytes> read_data(std::string_view text);

// A log in its place.
struct LogPlace {
    const ExecutedBlock& block;
    const ExecutedTransaction& transaction;
    std::size_t transaction_index = 0;
    std::size_t log_index = 0;  // in the block
};
boost::json::object log_json(const ledger::Log& log, const LogPlace& place);

boost::json::object block_json(const ExecutedBlock& block, bool full_transactions,
                               ledger::Amount base_fee, std::uint64_t chain_id);
// What newHeads reports: the block without its transactions.
boost::json::object header_json(const ExecutedBlock& block, ledger::Amount base_fee);
// In a block; `index` must be one of its transactions.
boost::json::object transaction_json(const ExecutedBlock& block, std::size_t index,
                                     std::uint64_t chain_id);
// One that waits for a block: block fields are null.
boost::json::object waiting_json(ByteSpan raw, ledger::Amount base_fee, std::uint64_t chain_id);
boost::json::array receipts_json(const ExecutedBlock& block);
boost::json::object receipt_json(const ExecutedPart& part);
// What a unit of gas cost.
ledger::Amount price_of(const ExecutedTransaction& tx);

// ABI-encoded Error(string), as Solidity reverts.
Bytes revert_data(std::string_view sentence);

// The most gas that a block can hold; not a limit that anybody votes on.
std::uint64_t block_gas_limit();

}  // namespace mutirao::gateway
