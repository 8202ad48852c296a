#include "ledger/execution.hpp"

#include "ledger/deals.hpp"
#include "ledger/modules.hpp"
#include "ledger/orders.hpp"
#include "ledger/staking.hpp"

namespace mutirao::ledger {
namespace {

void write_event(Context& context, Event event) {
    event.height = context.height;
    event.time_ms = context.time_ms;
    context.state.emit(std::move(event));
}

Result<Account> account_of(const Context& context, const Address& address) {
    TRY(auto account, read<Account>(context.state, key::account(address)));
    return account.value_or(Account{});
}

}  // namespace

Status pay(Context& context, const Address& from, const Address& to, Amount amount, Reason reason,
           const Digest& about) {
    if (amount.is_zero()) return {};
    TRY(auto payer, account_of(context, from));
    auto left = payer.balance.minus(amount);
    if (!left.ok()) return std::move(left).error();
    payer.balance = *left;
    context.state.write(key::account(from), payer);
    return credit(context, from, to, amount, reason, about);
}

Status credit(Context& context, const Address& from, const Address& to, Amount amount,
              Reason reason, const Digest& about) {
    TRY(auto payee, account_of(context, to));
    TRY(payee.balance, payee.balance.plus(amount));
    context.state.write(key::account(to), payee);
    Event event;
    event.kind = EventKind::paid;
    event.reason = reason;
    event.from = from;
    event.to = to;
    event.amount = amount;
    event.about = about;
    write_event(context, std::move(event));
    return {};
}

Status emit(Context& context, EventKind kind, const Address& from, const Address& to,
            const Digest& about) {
    Event event;
    event.kind = kind;
    event.from = from;
    event.to = to;
    event.about = about;
    write_event(context, std::move(event));
    return {};
}

Reason reason_of_value(const Address& to) {
    return to == module::compute()    ? Reason::key_escrow
           : to == module::training() ? Reason::training_escrow
           : to == module::staking()  ? Reason::stake
           : to == module::deals()    ? Reason::deal_escrow
                                      : Reason::transfer;
}

bool is_module(const Address& address) {
    return address == module::nodes() || address == module::storage() ||
           address == module::rights() || address == module::training() ||
           address == module::compute() || address == module::treasury() ||
           address == module::staking() || address == module::orders() ||
           address == module::deals();
}

Status execute(Context& context, const Address& to, ByteSpan data) {
    if (to == module::nodes()) return nodes_module(context, data);
    if (to == module::storage()) return storage_module(context, data);
    if (to == module::rights()) return rights_module(context, data);
    if (to == module::training()) return training_module(context, data);
    if (to == module::compute()) return compute_module(context, data);
    if (to == module::staking()) return staking_module(context, data);
    if (to == module::orders()) return orders_module(context, data);
    if (to == module::deals()) return deals_module(context, data);
    return Error{ErrorKind::invalid_argument, "the treasury has no methods"};
}

Result<Amount> certificate_fee(const Genesis& genesis, std::uint64_t length) {
    return genesis.storage_price_per_kib.times(length / 1024 + (length % 1024 != 0 ? 1 : 0));
}

}  // namespace mutirao::ledger
