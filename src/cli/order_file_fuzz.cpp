// Orders that others sent: what is read is written so that it reads the same.
#include "base/ensure.hpp"
#include "cli/order_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    constexpr std::uint64_t kChain = 8021;
    const auto order = cli::order_from(as_text({data, size}), kChain);
    if (!order.ok()) return 0;
    const auto text = boost::json::serialize(cli::order_json(*order, kChain));
    const auto again = cli::order_from(text, kChain);
    ENSURE(again.ok() && boost::json::serialize(cli::order_json(*again, kChain)) == text);
    (void)order->signer(kChain);
    return 0;
}
