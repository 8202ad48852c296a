#include "ledger/simulation.hpp"

#include "ledger/abi.hpp"
#include "ledger/execution.hpp"
#include "ledger/ledger.hpp"

namespace mutirao::ledger {
namespace {

bool is_certificate(const Call& call) {
    const auto selector = abi::selector_of(call.data);
    return call.to == module::storage() && (selector == abi::selector(signature::kCertify) ||
                                            selector == abi::selector(signature::kCertifyAll));
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
    out.status = pay(running, from, call.to, call.value, Reason::transfer, {});
    if (out.status.ok() && is_module(call.to) && !is_certificate(call))
        out.status = execute(running, call.to, call.data);
    return out;
}

}  // namespace mutirao::ledger
