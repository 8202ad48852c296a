// The first byte chooses a module, the rest is call data: nothing that a wallet sends may crash the
// ledger, change the supply, or leave a module with money that it owes nobody.
#include "base/ensure.hpp"
#include "ledger/deals.hpp"
#include "ledger/execution.hpp"
#include "ledger/ledger.hpp"
#include "ledger/orders.hpp"
#include "ledger/staking.hpp"

using namespace mutirao;
using namespace mutirao::ledger;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    static const Address kSender = [] {
        Address out;
        out.bytes.fill(7);
        return out;
    }();
    static const Genesis kGenesis = [] {
        Genesis out;
        out.allocations = {{kSender, Amount(1'000'000)}};
        return out;
    }();
    static const Ledger kLedger = Ledger::begin(kGenesis).value();
    const Address modules[] = {module::nodes(),    module::storage(), module::rights(),
                               module::training(), module::compute(), module::staking(),
                               module::orders(),   module::deals()};
    const auto& to = modules[data[0] % 16 % std::size(modules)];
    Changes changes(kLedger.state());
    Memo memo;
    Context context{changes, kGenesis, memo, 1, 1, kSender, 0, Amount(data[0] / 16)};
    ENSURE(pay(context, kSender, to, context.value, Reason::transfer, {}).ok());
    if (!execute(context, to, ByteSpan(data, size).subspan(1)).ok()) return 0;
    Amount sum;
    for (const auto& [key, value] : changes.scan(as_bytes("a/"), {}, 1000).value())
        sum = sum.plus(decode_record<Account>(value).value().balance).value();
    ENSURE(sum == Amount(1'000'000), "the supply changed");
    return 0;
}
