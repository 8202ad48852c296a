// The native modules' methods: fixed addresses, Solidity ABIs (docs/reference/abi), and builders of
// the calls that wallets sign. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "block/certificate.hpp"
#include "crypto/account.hpp"
#include "ledger/genesis.hpp"
#include "ledger/records.hpp"

namespace mutirao::ledger {

// What a transaction asks for.
struct Call {
    Address to;
    Amount value;
    Bytes data;
};

// 0x...6d7501 and so on ("mu" and a number); staking.hpp, orders.hpp and deals.hpp have others.
namespace module {
Address nodes();
Address storage();
Address rights();
Address training();
Address compute();
Address treasury();  // receives fees; has no methods
}  // namespace module

// Solidity signatures; their selectors are what calls begin with.
namespace signature {
inline constexpr std::string_view kRegister =
    "register(uint8,uint32,string,bytes,bytes,bytes32,string)";
inline constexpr std::string_view kLeave = "leave()";
inline constexpr std::string_view kCertify = "certify(bytes,uint64[],bytes32[])";
inline constexpr std::string_view kCertifyAll = "certifyAll(bytes[],uint64[],bytes32[])";
inline constexpr std::string_view kRelease = "release(bytes32,bytes32[])";
inline constexpr std::string_view kRegisterAsset = "registerAsset(bytes32,uint64,string)";
inline constexpr std::string_view kOfferLicence =
    "offerLicence(bytes32,bytes32,uint8,uint256,uint32,uint64)";
inline constexpr std::string_view kAcceptLicence = "acceptLicence(bytes32)";
inline constexpr std::string_view kRevokeLicence = "revokeLicence(bytes32)";
inline constexpr std::string_view kCreateRun = "createRun(bytes32,address[])";
inline constexpr std::string_view kFinishRun =
    "finishRun(bytes32,bytes32,uint64,string,uint256,bytes32[],uint64[],uint64[],uint32,uint32,"
    "uint32)";
inline constexpr std::string_view kAddTrainer = "addTrainer(bytes32,address)";
inline constexpr std::string_view kReportRound = "reportRound(bytes32,uint32,bytes32)";
inline constexpr std::string_view kCloseRun = "closeRun(bytes32)";
inline constexpr std::string_view kOffer = "offer(bytes32)";
inline constexpr std::string_view kOpenKey = "openKey(address,uint64)";
inline constexpr std::string_view kSettle = "settle(bytes)";
inline constexpr std::string_view kSettleAll = "settleAll(bytes[])";
inline constexpr std::string_view kEndKey = "endKey(address)";
inline constexpr std::string_view kCloseKey = "closeKey(address)";
}  // namespace signature

Call transfer(const Address& to, Amount value);

// A node joins, or tells its new endpoint. `possession` proves the BLS key.
Call register_node(const NodeRecord& node, const crypto::BlsSignature& possession);
Call leave_network();

// How much of a block an object has. Objects of one owner are told apart by their content ids.
struct PaidPart {
    Digest content;
    std::uint64_t bytes = 0;
};
inline constexpr std::size_t kPartsMax = 1024;            // in one call
inline constexpr std::size_t kCertificateSizeMax = 1024;  // bytes
// `fee` is parts_fee() of the ledger's genesis.
Call certify(const block::Certificate& certificate, std::span<const PaidPart> parts, Amount fee);
// One part of each of at most kCertificatesMax blocks, all or none: an object's blocks at once.
struct PaidBlock {
    Bytes certificate;  // block::Certificate
    PaidPart part;
};
inline constexpr std::size_t kCertificatesMax = 64;  // in one call
Call certify_all(std::span<const PaidBlock> blocks, Amount fee);
// certificate_fee() of each part.
Result<Amount> parts_fee(const Genesis& genesis, std::span<const PaidPart> parts);
Call release_block(const BlockId& id, std::span<const Digest> contents);

Call register_data(const Digest& content, std::uint64_t size, const std::string& title);
struct LicenceTerms {
    Purpose purpose = Purpose::train;
    Amount price;
    std::uint32_t share_ppm = 0;
    std::uint64_t expires_ms = 0;
};
Call offer_licence(const Digest& asset, const Digest& subject, const LicenceTerms& terms);
Call accept_licence(const Digest& licence, Amount price);
Call revoke_licence(const Digest& licence);

Call create_run(const Digest& spec, const std::vector<Address>& trainers, Amount reward);
struct RunOutcome {
    Digest run;
    Digest model_content;
    std::uint64_t model_size = 0;
    std::string title;
    Amount price_per_token;
    std::vector<AssetTokens> assets;
    std::vector<std::uint64_t> trainer_tokens;  // in the run's order
    std::uint32_t rounds = 0;
    std::uint32_t first_loss_milli = 0;
    std::uint32_t last_loss_milli = 0;
};
Call finish_run(const RunOutcome& outcome);
Call add_trainer(const Digest& run, const Address& trainer);
// A trainer's word on what a round resulted in.
Call report_round(const Digest& run, std::uint32_t round, const Digest& result);
// Ends a run that its builder has not finished in kRunLifeMs.
inline constexpr std::uint64_t kRunLifeMs = 90ull * 24 * 3600 * 1000;
Call close_run(const Digest& run);

Call offer_model(const Digest& model);
Call open_key(const Address& key, Amount limit, std::uint64_t expires_ms);
// The key ends in kKeyNoticeMs, time for providers to redeem what they hold.
inline constexpr std::uint64_t kKeyNoticeMs = 3600ull * 1000;
Call end_key(const Address& key);
Call close_key(const Address& key);

// A session key's promise to pay a provider, cumulative over what the key pays this provider.
struct Voucher {
    Address key;
    Address provider;
    Digest model;
    Amount cumulative;
    std::uint64_t tokens = 0;  // of this request
    Digest request;
    Digest output;
    crypto::AccountSignature signature;

    void sign(const crypto::AccountKey& session, std::uint64_t chain_id);
    // permission_denied unless `key` made the signature.
    Status verify(std::uint64_t chain_id) const;
    Bytes encode() const;
    static Result<Voucher> decode(ByteSpan bytes);
    // Names the voucher, signature included.
    Digest hash() const;

  private:
    Bytes body() const;
};
Call settle(const Voucher& voucher);
// Of one provider, all or none; at most kVouchersMax.
Call settle_all(std::span<const Voucher> vouchers);
inline constexpr std::size_t kVouchersMax = 64;

}  // namespace mutirao::ledger
