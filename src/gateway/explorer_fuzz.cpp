// The first byte chooses a module, the rest is what somebody sent to it, or a record: whatever it
// is, it can be shown.
#include "gateway/explorer_values.hpp"
#include "ledger/orders.hpp"

using namespace mutirao;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    auto to = ledger::module::orders();
    to.bytes.back() = data[0];
    const auto bytes = ByteSpan(data, size).subspan(1);
    static_cast<void>(boost::json::serialize(gateway::call_json(to, bytes)));
    const Bytes key(34, 7);
    for (const auto& kind : gateway::record_kinds())
        if (const auto shown = kind.show(key, bytes, 1); shown.ok())
            static_cast<void>(boost::json::serialize(*shown));
    return 0;
}
