// Read-only methods of the native modules (the `view` and `pure` ones of docs/reference/abi): what
// wallets and programs read with eth_call. Pure; any thread that may read the state.
#pragma once

#include <optional>
#include <string_view>

#include "ledger/genesis.hpp"

namespace mutirao::ledger {

namespace view_signature {
inline constexpr std::string_view kNode = "node(address)";
inline constexpr std::string_view kCurrentEpoch = "currentEpoch()";
inline constexpr std::string_view kStoredBlock = "storedBlock(bytes32)";
inline constexpr std::string_view kPricePerKib = "pricePerKib()";
inline constexpr std::string_view kAsset = "asset(bytes32)";
inline constexpr std::string_view kAssetId = "assetId(address,bytes32)";
inline constexpr std::string_view kLicence = "licence(bytes32)";
inline constexpr std::string_view kLicenceId = "licenceId(bytes32,bytes32)";
inline constexpr std::string_view kIsLive = "isLive(bytes32)";
inline constexpr std::string_view kRun = "run(bytes32)";
inline constexpr std::string_view kRunId = "runId(address,uint64,bytes32)";
inline constexpr std::string_view kTrainerRounds = "trainerRounds(bytes32,address)";
inline constexpr std::string_view kRedeemedBy = "redeemedBy(address,address)";
inline constexpr std::string_view kSessionKey = "sessionKey(address)";
// EIP-20's reading half, of the native token.
inline constexpr std::string_view kName = "name()";
inline constexpr std::string_view kSymbol = "symbol()";
inline constexpr std::string_view kDecimals = "decimals()";
inline constexpr std::string_view kTotalSupply = "totalSupply()";
inline constexpr std::string_view kBalanceOf = "balanceOf(address)";
}  // namespace view_signature

// What a view may know.
struct ViewContext {
    const StateView& state;
    const Genesis& genesis;
    std::uint64_t time_ms = 0;  // of the latest block
};

// The ABI-encoded results of the view that `data` calls at `to`; nullopt when there is none with
// this selector. not_found when the record asked for does not exist; corrupt on malformed
// arguments.
Result<std::optional<Bytes>> view(const ViewContext& context, const Address& to, ByteSpan data);

}  // namespace mutirao::ledger
