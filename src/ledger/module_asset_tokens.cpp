// Rights: assets change hands.
#include "ledger/asset_tokens.hpp"
#include "ledger/modules.hpp"

namespace mutirao::ledger {
namespace {

Status count_owned(Context& context, const Address& owner, bool one_more) {
    const auto at = key::assets_owned(owner);
    TRY(const auto count, read_counter(context.state, at));
    ENSURE(one_more || count > 0);
    context.state.put(at, Writer().u(one_more ? count + 1 : count - 1).bytes());
    return {};
}

Result<bool> is_operator(const Context& context, const Address& owner) {
    TRY(const auto set, context.state.get(key::operator_of(owner, context.sender)));
    return set.has_value();
}

Status move_asset(Context& context, const Address& from, const Address& to, const Digest& id) {
    TRY(auto asset, require<Asset>(context.state, key::asset(id), "such asset"));
    if (asset.owner != from) return denied("the asset is not the account's that it is taken from");
    TRY(const auto acts_for_all, is_operator(context, from));
    if (context.sender != from && context.sender != asset.approved && !acts_for_all)
        return denied("only the owner of an asset, or whom it approved, may transfer it");
    if (to.is_zero()) return refused("an asset is not given to the zero address");
    // There is no code that could pass it on.
    if (is_module(to)) return refused("a module cannot own an asset");
    asset.owner = to;
    asset.approved = {};
    context.state.write(key::asset(id), asset);
    TRY_VOID(count_owned(context, from, false));
    TRY_VOID(count_owned(context, to, true));
    return emit(context, EventKind::asset_transferred, from, to, id);
}

Status transfer_from(Context& context, abi::Reader in) {
    TRY(const auto from, in.address());
    TRY(const auto to, in.address());
    TRY(const auto id, in.bytes32());
    return move_asset(context, from, to, id);
}

// Safe like any other here: no account has code that would have to accept.
Status safe_transfer_from(Context& context, abi::Reader in) {
    TRY(const auto from, in.address());
    TRY(const auto to, in.address());
    TRY(const auto id, in.bytes32());
    TRY_VOID(in.bytes(kTransferDataMax));
    return move_asset(context, from, to, id);
}

Status approve(Context& context, abi::Reader in) {
    TRY(const auto acting, in.address());
    TRY(const auto id, in.bytes32());
    TRY(auto asset, require<Asset>(context.state, key::asset(id), "such asset"));
    TRY(const auto acts_for_all, is_operator(context, asset.owner));
    if (context.sender != asset.owner && !acts_for_all)
        return denied("only the owner of an asset may approve its transfer");
    asset.approved = acting;
    context.state.write(key::asset(id), asset);
    return emit(context, EventKind::transfer_approved, asset.owner, acting, id);
}

Status set_approval_for_all(Context& context, abi::Reader in) {
    TRY(const auto acting, in.address());
    TRY(const auto approved, in.number32());
    if (approved > 1) return refused("a flag is 0 or 1");
    if (acting.is_zero()) return refused("the zero address acts for nobody");
    const auto at = key::operator_of(context.sender, acting);
    if (approved == 1)
        context.state.put(at, {1});
    else
        context.state.erase(at);
    return emit(context, approved == 1 ? EventKind::operator_approved : EventKind::operator_refused,
                context.sender, acting, {});
}

Status set_royalty(Context& context, abi::Reader in) {
    TRY(const auto id, in.bytes32());
    TRY(const auto ppm, in.number32());
    TRY(auto asset, require<Asset>(context.state, key::asset(id), "such asset"));
    // Later owners bought it with the royalty that it had.
    if (context.sender != asset.creator || asset.owner != asset.creator)
        return denied("the royalty is set by who registered the asset, while it owns it");
    if (ppm > kRoyaltyMaxPpm) return refused("a royalty is at most 25 %");
    asset.royalty_ppm = ppm;
    context.state.write(key::asset(id), asset);
    return emit(context, EventKind::royalty_set, context.sender, context.sender, id);
}

}  // namespace

Status enter_asset(Context& context, const Asset& asset) {
    context.state.write(key::asset(asset.id), asset);
    TRY_VOID(count_owned(context, asset.owner, true));
    TRY_VOID(emit(context, EventKind::asset_registered, asset.owner, asset.owner, asset.id));
    return emit(context, EventKind::asset_transferred, {}, asset.owner, asset.id);
}

std::span<const Method> asset_token_methods() {
    static constexpr Method kMethods[] = {
        {signature::kTransferFrom, transfer_from},
        {signature::kSafeTransferFrom, transfer_from},
        {signature::kSafeTransferFromData, safe_transfer_from},
        {signature::kApprove, approve},
        {signature::kSetApprovalForAll, set_approval_for_all},
        {signature::kSetRoyalty, set_royalty},
    };
    return kMethods;
}

}  // namespace mutirao::ledger
