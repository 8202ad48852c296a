#include "cli/order_file.hpp"

namespace mutirao::cli {
namespace {

namespace json = boost::json;

// Wei in digits.
Result<ledger::Amount> wei_from(std::string_view digits) {
    ledger::Amount out;
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos)
        return Error{ErrorKind::corrupt, "\"" + std::string(digits) + "\" is no number of wei"};
    for (const char digit : digits) {
        TRY(const auto tens, out.times(10));
        TRY(out, tens.plus(ledger::Amount(static_cast<unsigned>(digit - '0'))));
    }
    return out;
}

}  // namespace

json::object order_json(const ledger::Order& order, std::uint64_t chain_id) {
    return {{"chain_id", chain_id},
            {"account", crypto::to_checksum_text(order.account)},
            {"to", crypto::to_checksum_text(order.to)},
            {"value_wei", order.value.decimal()},
            {"data", to_hex(order.data)},
            {"fee_wei", order.fee.decimal()},
            {"nonce", order.nonce},
            {"deadline_ms", order.deadline_ms},
            {"signature", to_hex(order.signature.to_bytes())}};
}

Result<ledger::Order> order_from(std::string_view text, std::uint64_t chain_id) {
    const Error damaged{ErrorKind::corrupt, "this is no order: mutirao order sign writes one"};
    json::error_code failed;
    const auto parsed = json::parse(text, failed);
    if (failed || !parsed.is_object()) return damaged;
    const auto& object = parsed.get_object();
    const auto word = [&](const char* name) -> Result<std::string> {
        const auto* found = object.if_contains(name);
        if (found == nullptr || !found->is_string()) return damaged;
        return std::string(found->get_string());
    };
    const auto number = [&](const char* name) -> Result<std::uint64_t> {
        const auto* found = object.if_contains(name);
        json::error_code wrong;
        const auto value = found == nullptr ? 0 : found->to_number<std::uint64_t>(wrong);
        if (found == nullptr || wrong) return damaged;
        return value;
    };
    TRY(const auto chain, number("chain_id"));
    if (chain != chain_id)
        return Error{ErrorKind::invalid_argument, "the order is for chain " +
                                                      std::to_string(chain) + ", this one is " +
                                                      std::to_string(chain_id)};
    ledger::Order out;
    TRY(const auto account, word("account"));
    TRY(out.account, crypto::address_from_text(account));
    TRY(const auto to, word("to"));
    TRY(out.to, crypto::address_from_text(to));
    TRY(const auto value, word("value_wei"));
    TRY(out.value, wei_from(value));
    TRY(const auto data, word("data"));
    TRY(out.data, from_hex(data));
    TRY(const auto fee, word("fee_wei"));
    TRY(out.fee, wei_from(fee));
    TRY(out.nonce, number("nonce"));
    TRY(out.deadline_ms, number("deadline_ms"));
    TRY(const auto signature, word("signature"));
    TRY(const auto bytes, from_hex(signature));
    TRY(out.signature, crypto::AccountSignature::from_bytes(bytes));
    return out;
}

}  // namespace mutirao::cli
