#include "ledger/asset_tokens.hpp"

#include "ledger/abi.hpp"
#include "ledger/state_keys.hpp"

namespace mutirao::ledger {

namespace key {
Bytes operator_of(const Address& owner, const Address& acting) {
    return tagged(Tag::asset_operator, owner.span(), acting.span());
}
Bytes assets_owned(const Address& owner) { return tagged(Tag::assets_owned, owner.span()); }
}  // namespace key

Call transfer_asset(const Address& from, const Address& to, const Digest& asset) {
    abi::Writer out(signature::kTransferFrom);
    out.address(from).address(to).bytes32(asset.span());
    return {module::rights(), {}, std::move(out).take()};
}

Call approve_transfer(const Address& acting, const Digest& asset) {
    abi::Writer out(signature::kApprove);
    out.address(acting).bytes32(asset.span());
    return {module::rights(), {}, std::move(out).take()};
}

Call approve_all_transfers(const Address& acting, bool approved) {
    abi::Writer out(signature::kSetApprovalForAll);
    out.address(acting).number(approved);
    return {module::rights(), {}, std::move(out).take()};
}

Call set_royalty(const Digest& asset, std::uint32_t ppm) {
    abi::Writer out(signature::kSetRoyalty);
    out.bytes32(asset.span()).number(ppm);
    return {module::rights(), {}, std::move(out).take()};
}

}  // namespace mutirao::ledger
