#include "gateway/explorer_values.hpp"

#include "gateway/ethrpc_values.hpp"
#include "gateway/text.hpp"
#include "ledger/abi.hpp"
#include "ledger/contributions.hpp"
#include "ledger/convictions.hpp"
#include "ledger/deals.hpp"
#include "ledger/disputes.hpp"
#include "ledger/methods.hpp"
#include "ledger/orders.hpp"
#include "ledger/staking.hpp"
#include "ledger/validators.hpp"

namespace mutirao::gateway {
namespace {

namespace json = boost::json;
using namespace ledger;

template <class Fixed>
std::string hex(const Fixed& value) {
    return data_text(value.span());
}
std::string wei(Amount amount) { return amount.decimal(); }
std::string words(std::string_view text) { return valid_utf8(text); }

template <class T>
json::array hex_list(const std::vector<T>& values) {
    json::array out;
    for (const auto& value : values) out.emplace_back(hex(value));
    return out;
}

// One argument, by its Solidity type.
Result<json::value> argument_json(abi::Reader& in, std::string_view type) {
    constexpr std::size_t kAny = kTransactionSizeMax;
    if (type == "address") {
        TRY(const auto value, in.address());
        return json::value(hex(value));
    }
    if (type == "bytes32" || type == "uint256") {
        TRY(const auto value, in.bytes32());
        // Ids of tokens are numbers too, larger than any amount.
        const auto number = abi::Reader(value.span()).number();
        const bool amount = type == "uint256" && number.ok();
        return json::value(amount ? wei(Amount(*number)) : hex(value));
    }
    if (type == "string") {
        TRY(const auto value, in.text(kAny));
        return json::value(words(value));
    }
    if (type == "bytes") {
        TRY(const auto value, in.bytes(kAny));
        return json::value(data_text(value));
    }
    if (type == "address[]") {
        TRY(const auto values, in.addresses(kAny));
        return json::value(hex_list(values));
    }
    if (type == "bytes32[]") {
        TRY(const auto values, in.bytes32s(kAny));
        return json::value(hex_list(values));
    }
    if (type == "bytes[]") {
        TRY(const auto values, in.bytes_list(kAny, kAny));
        json::array out;
        for (const auto& value : values) out.emplace_back(data_text(value));
        return json::value(std::move(out));
    }
    if (type == "uint64[]") {
        TRY(const auto values, in.numbers(kAny));
        return json::value(json::array(values.begin(), values.end()));
    }
    TRY(const auto value, in.number64());  // uint8 to uint64, bool
    return json::value(value);
}

Result<json::array> arguments_json(std::string_view signature, ByteSpan data) {
    abi::Reader in(data.subspan(abi::kSelectorSize));
    json::array out;
    auto types = signature.substr(signature.find('(') + 1);
    types.remove_suffix(1);
    while (!types.empty()) {
        const auto type = types.substr(0, types.find(','));
        types.remove_prefix(std::min(types.size(), type.size() + 1));
        TRY(auto value, argument_json(in, type));
        out.emplace_back(json::object{{"type", type}, {"value", std::move(value)}});
    }
    return out;
}

json::object node_json(const NodeRecord& node) {
    static constexpr std::string_view kRoles[] = {"none", "storage", "compute", "gateway",
                                                  "trainer"};
    return {{"address", hex(node.address)}, {"role", kRoles[static_cast<std::size_t>(node.role)]},
            {"weight", node.weight},        {"endpoint", words(node.endpoint)},
            {"domain", words(node.domain)}, {"active", node.active}};
}

json::object asset_json(const Asset& asset) {
    json::array shares;
    for (const auto& share : asset.shares)
        shares.emplace_back(json::object{
            {"owner", hex(share.owner)}, {"ppm", share.ppm}, {"asset", hex(share.asset)}});
    return {{"id", hex(asset.id)},
            {"kind", asset.kind == AssetKind::model ? "model" : "data"},
            {"owner", hex(asset.owner)},
            {"creator", hex(asset.creator)},
            {"content", hex(asset.content)},
            {"size", asset.size},
            {"title", words(asset.title)},
            {"registered_ms", asset.registered_ms},
            {"run", hex(asset.run)},
            {"price_per_token", wei(asset.price_per_token)},
            {"royalty_ppm", asset.royalty_ppm},
            {"shares", std::move(shares)}};
}

json::object licence_json(const Licence& licence, std::uint64_t now_ms) {
    static constexpr std::string_view kStates[] = {"offered", "accepted", "revoked"};
    return {{"id", hex(licence.id)},
            {"asset", hex(licence.asset)},
            {"subject", hex(licence.subject)},
            {"purpose", licence.purpose == Purpose::train ? "train" : "infer"},
            {"price", wei(licence.price)},
            {"share_ppm", licence.share_ppm},
            {"expires_ms", licence.expires_ms},
            {"state", kStates[static_cast<std::size_t>(licence.state)]},
            {"live", licence.is_live(now_ms)},
            {"owner", hex(licence.owner)},
            {"accepted_ms", licence.accepted_ms}};
}

json::object run_json(const ledger::Run& run) {
    static constexpr std::string_view kStates[] = {"open", "finished", "closed"};
    json::array tokens;
    for (const auto& used : run.tokens)
        tokens.emplace_back(json::object{{"asset", hex(used.asset)}, {"tokens", used.tokens}});
    return {{"id", hex(run.id)},
            {"builder", hex(run.builder)},
            {"spec", hex(run.spec)},
            {"trainers", hex_list(run.trainers)},
            {"reward", wei(run.reward)},
            {"state", kStates[static_cast<std::size_t>(run.state)]},
            {"created_ms", run.created_ms},
            {"shares_ppm", run.shares_ppm},
            {"model", hex(run.model)},
            {"rounds", run.rounds},
            {"first_loss_milli", run.first_loss_milli},
            {"last_loss_milli", run.last_loss_milli},
            {"tokens", std::move(tokens)}};
}

json::object key_json(const ApiKey& key) {
    return {{"key", hex(key.key)},          {"payer", hex(key.payer)},
            {"limit", wei(key.limit)},      {"redeemed", wei(key.redeemed)},
            {"expires_ms", key.expires_ms}, {"closed", key.closed}};
}

json::object signer_json(const OrderKey& key) {
    return {{"account", hex(key.account)}, {"signer", hex(key.signer)}, {"nonce", key.nonce},
            {"to", hex(key.to)},           {"limit", wei(key.limit)},   {"spent", wei(key.spent)},
            {"expires_ms", key.expires_ms}};
}

// A record's decoder and its picture in one.
template <class Record, json::object (*kPicture)(const Record&)>
Result<json::object> show(ByteSpan, ByteSpan value, std::uint64_t) {
    TRY(const auto record, decode_record<Record>(value));
    return kPicture(record);
}

Result<json::object> show_licence(ByteSpan, ByteSpan value, std::uint64_t now_ms) {
    TRY(const auto record, decode_record<Licence>(value));
    return licence_json(record, now_ms);
}

Result<json::object> show_block(ByteSpan key, ByteSpan value, std::uint64_t) {
    TRY(const auto record, decode_record<CertifiedBlock>(value));
    TRY(const auto certificate, block::Certificate::decode(record.certificate));
    TRY(const auto id, BlockId::from_bytes(key.last(BlockId::kSize)));
    return json::object{{"id", hex(id)},
                        {"height", record.height},
                        {"length", certificate.length},
                        {"epoch", certificate.epoch},
                        {"certificate_bytes", record.certificate.size()},
                        {"slots_signed", record.slots_signed},
                        {"paid_bytes", record.paid_bytes},
                        {"parts", record.parts},
                        {"released", record.released}};
}

json::object stake_json(const NodeStake& stake) {
    return {{"node", hex(stake.node)},
            {"bonded", wei(stake.bonded.wei)},
            {"leaving", wei(stake.leaving.wei)}};
}

json::object provider_json(const Provider& provider) {
    return {{"provider", hex(provider.address)}, {"model", hex(provider.model)}};
}

json::object validator_json(const Validator& validator) {
    return {{"account", hex(validator.account)},
            {"key", hex(validator.key)},
            {"consensus_address", hex(consensus_address(validator.key))},
            {"votes", validator.power},
            {"leaving", validator.leaving},
            {"bls_key", hex(validator.bls_key)},
            {"endpoint", validator.endpoint}};
}

json::object offer_json(const StorageOffer& offer) {
    return {{"node", hex(offer.node)},
            {"wei_per_kib_day", wei(Amount(offer.wei_per_kib_day))},
            {"until_ms", offer.until_ms}};
}

json::object deal_json(const Deal& deal) {
    json::array holders;
    for (const auto& holder : deal.holders)
        holders.emplace_back(json::object{{"node", hex(holder.node)},
                                          {"slots", holder.slots},
                                          {"total", wei(holder.total)},
                                          {"paid", wei(holder.paid)},
                                          {"lost", holder.lost}});
    return {{"id", hex(deal.id)},
            {"block", hex(deal.block)},
            {"client", hex(deal.client)},
            {"begin_ms", deal.begin_ms},
            {"end_ms", deal.end_ms},
            {"escrow", wei(deal.escrow)},
            {"open_audits", deal.open_audits},
            {"holders", std::move(holders)}};
}

json::object audit_json(const Audit& audit) {
    return {{"deal", hex(audit.deal)},
            {"node", hex(audit.node)},
            {"challenger", hex(audit.challenger)},
            {"deposit", wei(audit.deposit)},
            {"opened_ms", audit.opened_ms},
            {"deadline_ms", audit.deadline_ms},
            {"slot", audit.slot},
            {"draw", hex(audit.draw)}};
}

json::object contribution_json(const Contribution& contribution) {
    return {{"asset", hex(contribution.asset)}, {"weight", contribution.weight}};
}

json::object conviction_json(const Conviction& conviction) {
    return {{"trainer", hex(conviction.trainer)},
            {"round", conviction.round},
            {"by_trainers", conviction.by_trainers},
            {"by_builder", conviction.by_builder},
            {"accusers", hex_list(conviction.accusers)}};
}

json::object dispute_json(const Dispute& dispute) {
    static constexpr std::string_view kStates[] = {"open", "answered", "lost"};
    return {{"id", hex(dispute.id)},
            {"payer", hex(dispute.payer)},
            {"provider", hex(dispute.provider)},
            {"model", hex(dispute.model)},
            {"request", hex(dispute.request)},
            {"output", hex(dispute.output)},
            {"tokens", dispute.tokens},
            {"owed", wei(dispute.owed)},
            {"deadline_ms", dispute.deadline_ms},
            {"state", kStates[static_cast<std::size_t>(dispute.state)]}};
}

template <Bytes (*kPrefix)()>
Result<Bytes> all(const std::optional<Bytes>& parent) {
    if (parent)
        return Error{ErrorKind::invalid_argument,
                     "these records belong to nothing: give no parent"};
    return kPrefix();
}

template <class Parent, Bytes (*kPrefix)(const Parent&)>
Result<Bytes> of_parent(const std::optional<Bytes>& parent) {
    if (!parent) return Error{ErrorKind::invalid_argument, "say whose records: a parent is needed"};
    auto id = Parent::from_bytes(*parent);
    if (!id.ok())
        return Error{ErrorKind::invalid_argument,
                     "the parent has " + std::to_string(Parent::kSize) + " bytes"};
    return kPrefix(*id);
}

}  // namespace

json::object event_json(const Event& event) {
    json::object out{{"index", event.index},     {"height", event.height},
                     {"time_ms", event.time_ms}, {"kind", to_string(event.kind)},
                     {"from", hex(event.from)},  {"to", hex(event.to)},
                     {"about", hex(event.about)}};
    if (event.kind == EventKind::paid) {
        out["reason"] = to_string(event.reason);
        out["amount"] = wei(event.amount);
    }
    return out;
}

json::object call_json(const Address& to, ByteSpan data) {
    const auto name = module_name(to);
    if (name.empty()) return {};
    json::object out{{"module", name}};
    const auto signature = method_of(to, data);
    if (!signature) return out;
    auto arguments = arguments_json(*signature, data);
    if (!arguments.ok()) return out;
    out["method"] = signature->substr(0, signature->find('('));
    out["arguments"] = std::move(*arguments);
    return out;
}

std::span<const RecordKind> record_kinds() {
    static constexpr RecordKind kKinds[] = {
        {"nodes", all<key::nodes>, show<NodeRecord, node_json>},
        {"stakes", all<key::node_stakes>, show<NodeStake, stake_json>},
        {"blocks", all<key::blocks>, show_block},
        {"assets", all<key::assets>, show<Asset, asset_json>},
        {"licences", all<key::licences>, show_licence},
        {"runs", all<key::runs>, show<ledger::Run, run_json>},
        {"keys", all<key::api_keys>, show<ApiKey, key_json>},
        {"providers", of_parent<Digest, key::providers>, show<Provider, provider_json>},
        {"signers", of_parent<Address, key::order_keys>, show<OrderKey, signer_json>},
        {"validators", all<key::validators>, show<Validator, validator_json>},
        {"storage_offers", all<key::storage_offers>, show<StorageOffer, offer_json>},
        {"deals", all<key::deals>, show<Deal, deal_json>},
        {"audits", all<key::audits>, show<Audit, audit_json>},
        {"contributions", of_parent<Digest, key::contributions>,
         show<Contribution, contribution_json>},
        {"convictions", of_parent<Digest, key::convictions>, show<Conviction, conviction_json>},
        {"disputes", all<key::disputes>, show<Dispute, dispute_json>}};
    return kKinds;
}

}  // namespace mutirao::gateway
