// The native modules. Each takes call data (selector and arguments) and changes records; an error
// reverts the call. Internal to ledger.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "ledger/abi.hpp"
#include "ledger/execution.hpp"

namespace mutirao::ledger {

struct Method {
    std::string_view signature;
    Status (*run)(Context& context, abi::Reader in);
    bool payable = false;
};

// Finds the method by its selector and runs it. invalid_argument for an unknown selector or for
// value sent to a method that takes none.
Status dispatch(Context& context, ByteSpan data, std::span<const Method> methods,
                std::span<const Method> more = {});

Status nodes_module(Context& context, ByteSpan data);
Status storage_module(Context& context, ByteSpan data);
Status rights_module(Context& context, ByteSpan data);
Status training_module(Context& context, ByteSpan data);
Status compute_module(Context& context, ByteSpan data);
std::span<const Method> dispute_methods();      // of the compute module
std::span<const Method> asset_token_methods();  // of the rights module
// Enters a new asset for its owner.
Status enter_asset(Context& context, const Asset& asset);
Status staking_module(Context& context, ByteSpan data);
std::span<const Method> validator_methods();  // of the staking module
Status deals_module(Context& context, ByteSpan data);
Status orders_module(Context& context, ByteSpan data);

// What a node is punished for: kSlashPpm of its stake and of what is leaving.
struct Fault {
    Address node;
    Digest about;                          // block, deal, answer or height; once for each
    std::optional<Address> reporter = {};  // gets kReporterPpm of it
    std::optional<Address> victim = {};    // gets up to `owed` of the rest, before the treasury
    Amount owed = {};
};
// True when it was not punished for it before. The node leaves the network.
Result<bool> slash(Context& context, const Fault& fault);

// The account's stake changed, and its validator's power perhaps.
Status power_changed(Context& context, const Address& account);

// The node is a member no more from the next epoch on, until it registers again.
Status expel(Context& context, const Address& node);
// Whether the node is a member may have changed: a new epoch at the end of the block.
Status members_changed(Context& context, const Address& node);

inline constexpr std::uint32_t kWholePpm = 1'000'000;
inline constexpr std::uint32_t kOwnersShareMaxPpm = 900'000;
inline constexpr std::size_t kVoucherSizeMax = 1024;  // bytes
inline constexpr std::size_t kTitleMax = 256;         // bytes
inline constexpr std::size_t kTrainersMax = 256;
inline constexpr std::size_t kRunLicencesMax = 1024;
static_assert(kRunLicencesMax < kListMax, "a model's record lists a share for each, and one more");

inline Error refused(std::string why) { return {ErrorKind::invalid_argument, std::move(why)}; }
inline Error denied(std::string why) { return {ErrorKind::permission_denied, std::move(why)}; }

}  // namespace mutirao::ledger
