// Views of the orders module.
#include "ledger/orders.hpp"
#include "ledger/view_tables.hpp"

namespace mutirao::ledger {
namespace {

Result<Bytes> order_key_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto account, in.address());
    TRY(const auto signer, in.address());
    TRY(const auto key, order_key_of(context.state, account, signer));
    Results out;
    out->number(key.nonce).address(key.to).number(key.limit.wei()).number(key.spent.wei());
    out->number(key.expires_ms);
    return out.take();
}

Result<Bytes> domain_separator_view(const ViewContext& context, abi::Reader) {
    return one_word(order_domain(context.genesis.chain_id));
}

}  // namespace

std::span<const View> order_views() {
    namespace v = view_signature;
    static constexpr View kViews[] = {{v::kOrderKey, order_key_view},
                                      {v::kDomainSeparator, domain_separator_view}};
    return kViews;
}

}  // namespace mutirao::ledger
