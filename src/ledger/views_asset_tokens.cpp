// Views of assets as tokens: EIP-721 with metadata, EIP-2981, EIP-165.
#include <algorithm>

#include "ledger/asset_tokens.hpp"
#include "ledger/view_tables.hpp"

namespace mutirao::ledger {
namespace {

// The interfaces' ids: the exclusive or of their methods' selectors.
constexpr std::uint32_t kErc165 = 0x01ffc9a7, kErc721 = 0x80ac58cd, kErc721Metadata = 0x5b5e139f,
                        kErc2981 = 0x2a55205a;

Result<Asset> asset_in(const ViewContext& context, abi::Reader& in) {
    TRY(const auto id, in.bytes32());
    return require<Asset>(context.state, key::asset(id), "such asset");
}

Bytes one_address(const Address& value) {
    Results out;
    out->address(value);
    return out.take();
}

Result<Bytes> name_view(const ViewContext&, abi::Reader) { return one_text("Mutirao assets"); }
Result<Bytes> symbol_view(const ViewContext&, abi::Reader) { return one_text("MUTA"); }

Result<Bytes> balance_of_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto owner, in.address());
    if (owner.is_zero()) return Error{ErrorKind::invalid_argument, "the zero address owns nothing"};
    TRY(const auto count, read_counter(context.state, key::assets_owned(owner)));
    return one_number(count);
}

Result<Bytes> owner_of_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto asset, asset_in(context, in));
    return one_address(asset.owner);
}

Result<Bytes> token_uri_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto asset, asset_in(context, in));
    return one_text("mutirao:asset:" + asset.id.hex());
}

Result<Bytes> get_approved_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto asset, asset_in(context, in));
    return one_address(asset.approved);
}

Result<Bytes> is_approved_for_all_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto owner, in.address());
    TRY(const auto acting, in.address());
    TRY(const auto set, context.state.get(key::operator_of(owner, acting)));
    return one_number(set.has_value());
}

Result<Bytes> royalty_info_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto asset, asset_in(context, in));
    TRY(const auto price, in.number());
    Results out;
    out->address(asset.creator).number(Amount(price).part(asset.royalty_ppm, 1'000'000).wei());
    return out.take();
}

Result<Bytes> supports_interface_view(const ViewContext&, abi::Reader in) {
    TRY(const auto word, in.bytes32());
    const auto tail = word.span().subspan(abi::kSelectorSize);
    if (std::any_of(tail.begin(), tail.end(), [](auto byte) { return byte != 0; }))
        return Error{ErrorKind::corrupt, "an interface's id has four bytes"};
    const auto id = *abi::selector_of(word.span());
    return one_number(id == kErc165 || id == kErc721 || id == kErc721Metadata || id == kErc2981);
}

}  // namespace

std::span<const View> asset_token_views() {
    namespace v = view_signature;
    static constexpr View kViews[] = {{v::kName, name_view},
                                      {v::kSymbol, symbol_view},
                                      {v::kBalanceOf, balance_of_view},
                                      {v::kOwnerOf, owner_of_view},
                                      {v::kTokenUri, token_uri_view},
                                      {v::kGetApproved, get_approved_view},
                                      {v::kIsApprovedForAll, is_approved_for_all_view},
                                      {v::kRoyaltyInfo, royalty_info_view},
                                      {v::kSupportsInterface, supports_interface_view}};
    return kViews;
}

}  // namespace mutirao::ledger
