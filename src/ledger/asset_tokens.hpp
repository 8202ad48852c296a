// Assets as wallets and markets know things that are owned: non-fungible tokens (EIP-721, with its
// metadata), with royalties (EIP-2981), found by EIP-165. Part of the module Rights; a token's id
// is its asset's. Pure; any thread.
//
// Whoever owns an asset offers licences and serves a model. What was agreed on before a transfer
// stays with who agreed: shares of a model's income, and what a licence that was accepted pays.
#pragma once

#include <string_view>

#include "ledger/calls.hpp"

namespace mutirao::ledger {

inline constexpr std::uint32_t kRoyaltyMaxPpm = 250'000;
inline constexpr std::size_t kTransferDataMax = 1024;  // bytes that safeTransferFrom may carry

namespace key {
Bytes operator_of(const Address& owner, const Address& acting);  // may transfer all of its assets
Bytes assets_owned(const Address& owner);                        // u64
}  // namespace key

namespace signature {
inline constexpr std::string_view kTransferFrom = "transferFrom(address,address,uint256)";
inline constexpr std::string_view kSafeTransferFrom = "safeTransferFrom(address,address,uint256)";
inline constexpr std::string_view kSafeTransferFromData =
    "safeTransferFrom(address,address,uint256,bytes)";
inline constexpr std::string_view kApprove = "approve(address,uint256)";
inline constexpr std::string_view kSetApprovalForAll = "setApprovalForAll(address,bool)";
inline constexpr std::string_view kSetRoyalty = "setRoyalty(uint256,uint32)";
}  // namespace signature

namespace view_signature {
// name(), symbol() and balanceOf(address) are EIP-20's, too.
inline constexpr std::string_view kOwnerOf = "ownerOf(uint256)";
inline constexpr std::string_view kTokenUri = "tokenURI(uint256)";
inline constexpr std::string_view kGetApproved = "getApproved(uint256)";
inline constexpr std::string_view kIsApprovedForAll = "isApprovedForAll(address,address)";
inline constexpr std::string_view kRoyaltyInfo = "royaltyInfo(uint256,uint256)";
inline constexpr std::string_view kSupportsInterface = "supportsInterface(bytes4)";
}  // namespace view_signature

Call transfer_asset(const Address& from, const Address& to, const Digest& asset);
// The zero address: nobody but the owner and its operators.
Call approve_transfer(const Address& acting, const Digest& asset);
Call approve_all_transfers(const Address& acting, bool approved);
Call set_royalty(const Digest& asset, std::uint32_t ppm);

}  // namespace mutirao::ledger
