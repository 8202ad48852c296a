// Amounts as people write them: what is read is written so that it reads the same.
#include "base/ensure.hpp"
#include "ledger/amount.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto amount = ledger::Amount::parse(as_text({data, size}));
    if (!amount.ok()) return 0;
    const auto again = ledger::Amount::parse(amount->text());
    ENSURE(again.ok() && *again == *amount, "an amount is read as another");
    return 0;
}
