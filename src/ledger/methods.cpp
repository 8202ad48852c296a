#include "ledger/methods.hpp"

#include <map>

#include "ledger/abi.hpp"
#include "ledger/asset_tokens.hpp"
#include "ledger/contributions.hpp"
#include "ledger/convictions.hpp"
#include "ledger/deals.hpp"
#include "ledger/disputes.hpp"
#include "ledger/orders.hpp"
#include "ledger/staking.hpp"
#include "ledger/validators.hpp"

namespace mutirao::ledger {

std::span<const std::string_view> method_signatures() {
    using namespace signature;
    static constexpr std::string_view kAll[] = {kRegister,
                                                kLeave,
                                                kCertify,
                                                kCertifyAll,
                                                kRelease,
                                                kRegisterAsset,
                                                kOfferLicence,
                                                kAcceptLicence,
                                                kRevokeLicence,
                                                kTransferFrom,
                                                kSafeTransferFrom,
                                                kSafeTransferFromData,
                                                kApprove,
                                                kSetApprovalForAll,
                                                kSetRoyalty,
                                                kCreateRun,
                                                kFinishRun,
                                                kAddTrainer,
                                                kReportRound,
                                                kCloseRun,
                                                kOffer,
                                                kOpenKey,
                                                kEndKey,
                                                kCloseKey,
                                                kSettle,
                                                kSettleAll,
                                                kStake,
                                                kUnstake,
                                                kWithdraw,
                                                kDistribute,
                                                kProveConflict,
                                                kProveBadRow,
                                                kRelay,
                                                kAuthorise,
                                                kRevokeSigner,
                                                kCancelOrders,
                                                kProveReceipt,
                                                kProveTwoAnswers,
                                                kDispute,
                                                kAnswerDispute,
                                                kExpireDispute,
                                                kJoinValidators,
                                                kLeaveValidators,
                                                kFundContributors,
                                                kReportContributions,
                                                kAccuseTrainer,
                                                kOfferStorage,
                                                kOpenDeal,
                                                kAudit,
                                                kAnswerAudit,
                                                kExpireAudit,
                                                kCloseDeal};
    return kAll;
}

std::optional<std::string_view> method_of(const Address& to, ByteSpan data) {
    static const auto by_selector = [] {
        std::map<std::uint32_t, std::string_view> out;
        for (const auto& each : method_signatures()) out.emplace(abi::selector(each), each);
        return out;
    }();
    const auto selector = abi::selector_of(data);
    if (!selector || module_name(to).empty()) return std::nullopt;
    const auto at = by_selector.find(*selector);
    return at == by_selector.end() ? std::nullopt : std::optional(at->second);
}

std::string_view module_name(const Address& address) {
    static const std::map<Address, std::string_view> names{
        {module::nodes(), "nodes"},     {module::storage(), "storage"},
        {module::rights(), "rights"},   {module::training(), "training"},
        {module::compute(), "compute"}, {module::treasury(), "treasury"},
        {module::staking(), "staking"}, {module::orders(), "orders"},
        {module::deals(), "deals"}};
    const auto at = names.find(address);
    return at == names.end() ? std::string_view() : at->second;
}

}  // namespace mutirao::ledger
