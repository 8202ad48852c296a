#include "ledger/simulation.hpp"

#include "ledger/abi.hpp"
#include "ledger/deals.hpp"
#include "ledger/execution.hpp"
#include "ledger/ledger.hpp"
#include "ledger/orders.hpp"
#include "ledger/staking.hpp"

namespace mutirao::ledger {
namespace {

// Calls that check BLS or Ed25519 signatures or openings, and orders to make them.
bool is_dear(const Call& call) {
    const auto selector = abi::selector_of(call.data);
    const auto is = [&](const Address& to, std::string_view signature) {
        return call.to == to && selector == abi::selector(signature);
    };
    if (is(module::orders(), signature::kRelay)) {
        abi::Reader in(ByteSpan(call.data).subspan(abi::kSelectorSize));
        const auto account = in.address(), to = in.address();
        return account.ok() && to.ok() &&
               (*to == module::storage() || *to == module::staking() || *to == module::deals());
    }
    return is(module::storage(), signature::kCertify) ||
           is(module::storage(), signature::kCertifyAll) ||
           is(module::staking(), signature::kProveConflict) ||
           is(module::staking(), signature::kProveBadRow) ||
           is(module::staking(), signature::kJoinValidators) ||
           is(module::deals(), signature::kAnswerAudit);
}

}  // namespace

std::uint64_t gas_of(const Call& call) {
    Transaction tx;
    tx.to = call.to;
    tx.data = call.data;
    return gas_of(tx);
}

bool has_methods(const Address& address) { return is_module(address); }

Simulated simulate(const ViewContext& context, std::uint64_t height, const Address& from,
                   const Call& call) {
    Simulated out;
    out.gas = gas_of(call);
    if (call.value.is_zero()) {
        auto seen = view(context, call.to, call.data);
        if (!seen.ok())
            out.status = std::move(seen).error();
        else if (*seen)
            out.output = std::move(**seen);
        if (!out.status.ok() || !out.output.empty()) return out;
    }
    Changes changes(context.state);
    Memo memo;
    const auto account = read<Account>(context.state, key::account(from));
    const auto nonce = account.ok() && *account ? (*account)->nonce : 0;
    Context running{changes, context.genesis, memo,      height + 1, context.time_ms,
                    from,    nonce,           call.value};
    out.status = pay(running, from, call.to, call.value, reason_of_value(call.to), {});
    if (out.status.ok() && is_module(call.to) && !is_dear(call))
        out.status = execute(running, call.to, call.data);
    return out;
}

}  // namespace mutirao::ledger
