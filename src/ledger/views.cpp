#include "ledger/views.hpp"

#include "ledger/deals.hpp"
#include "ledger/orders.hpp"
#include "ledger/staking.hpp"
#include "ledger/view_tables.hpp"

namespace mutirao::ledger {
namespace {

Result<Bytes> node_view(const ViewContext& context, abi::Reader in) {
    TRY(auto address, in.address());
    TRY(auto node, require<NodeRecord>(context.state, key::node(address), "node of this address"));
    Results out;
    out->number(static_cast<std::uint8_t>(node.role)).number(node.weight).number(node.active);
    out->bytes(as_bytes(node.endpoint)).bytes(as_bytes(node.domain));
    return out.take();
}

Result<Bytes> current_epoch_view(const ViewContext& context, abi::Reader) {
    TRY(auto epoch, read_counter(context.state, key::current_epoch()));
    return one_number(epoch);
}

Result<Bytes> stored_block_view(const ViewContext& context, abi::Reader in) {
    TRY(auto word, in.bytes32());
    TRY(auto id, BlockId::from_bytes(word.span()));
    TRY(auto block, require<CertifiedBlock>(context.state, key::block(id), "such block"));
    Results out;
    out->number(block.height).number(block.slots_signed).number(block.paid_bytes);
    out->number(block.released);
    return out.take();
}

Result<Bytes> price_per_kib_view(const ViewContext& context, abi::Reader) {
    return one_number(context.genesis.storage_price_per_kib.wei());
}

Result<Bytes> asset_view(const ViewContext& context, abi::Reader in) {
    TRY(auto id, in.bytes32());
    TRY(auto asset, require<Asset>(context.state, key::asset(id), "such asset"));
    Results out;
    out->address(asset.owner).bytes32(asset.content.span());
    out->number(static_cast<std::uint8_t>(asset.kind)).number(asset.size);
    out->number(asset.registered_ms).bytes32(asset.run.span());
    out->number(asset.price_per_token.wei()).bytes(as_bytes(asset.title));
    return out.take();
}

Result<Bytes> asset_id_view(const ViewContext&, abi::Reader in) {
    TRY(auto owner, in.address());
    TRY(auto content, in.bytes32());
    return one_word(asset_id(owner, content));
}

Result<Bytes> licence_view(const ViewContext& context, abi::Reader in) {
    TRY(auto id, in.bytes32());
    TRY(auto licence, require<Licence>(context.state, key::licence(id), "such licence"));
    Results out;
    out->bytes32(licence.asset.span()).bytes32(licence.subject.span());
    out->number(static_cast<std::uint8_t>(licence.purpose)).number(licence.price.wei());
    out->number(licence.share_ppm).number(licence.expires_ms);
    out->number(static_cast<std::uint8_t>(licence.state)).address(licence.owner);
    out->number(licence.accepted_ms);
    return out.take();
}

Result<Bytes> licence_id_view(const ViewContext&, abi::Reader in) {
    TRY(auto asset, in.bytes32());
    TRY(auto subject, in.bytes32());
    return one_word(licence_id(asset, subject));
}

Result<Bytes> is_live_view(const ViewContext& context, abi::Reader in) {
    TRY(auto id, in.bytes32());
    TRY(auto licence, read<Licence>(context.state, key::licence(id)));
    return one_number(licence && licence->is_live(context.time_ms));
}

Result<Bytes> run_view(const ViewContext& context, abi::Reader in) {
    TRY(auto id, in.bytes32());
    TRY(auto run, require<Run>(context.state, key::run(id), "such training run"));
    Results out;
    out->address(run.builder).bytes32(run.spec.span());
    out->number(static_cast<std::uint8_t>(run.state)).number(run.reward.wei());
    out->number(run.created_ms).number(run.shares_ppm).bytes32(run.model.span());
    out->number(run.rounds).number(run.first_loss_milli).number(run.last_loss_milli);
    out->addresses(run.trainers);
    return out.take();
}

Result<Bytes> run_id_view(const ViewContext&, abi::Reader in) {
    TRY(auto builder, in.address());
    TRY(auto nonce, in.number64());
    TRY(auto spec, in.bytes32());
    return one_word(run_id(builder, nonce, spec));
}

Result<Bytes> session_key_view(const ViewContext& context, abi::Reader in) {
    TRY(auto address, in.address());
    TRY(auto opened, require<ApiKey>(context.state, key::api_key(address), "such key"));
    Results out;
    out->address(opened.payer).number(opened.limit.wei()).number(opened.redeemed.wei());
    out->number(opened.expires_ms).number(opened.closed);
    return out.take();
}

Result<Bytes> redeemed_by_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto key, in.address());
    TRY(const auto provider, in.address());
    TRY(const auto redeemed, redeemed_by(context.state, key, provider));
    return one_number(redeemed.wei());
}

Result<Bytes> trainer_rounds_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto run, in.bytes32());
    TRY(const auto trainer, in.address());
    TRY(const auto told, read<TrainerRounds>(context.state, key::trainer_rounds(run, trainer)));
    Results out;
    out->number(told.value_or(TrainerRounds{}).next);
    out->number(told.value_or(TrainerRounds{}).agreed);
    return out.take();
}

Result<Bytes> name_view(const ViewContext&, abi::Reader) { return one_text("Mutirao"); }
Result<Bytes> symbol_view(const ViewContext&, abi::Reader) { return one_text("MUT"); }
Result<Bytes> decimals_view(const ViewContext&, abi::Reader) { return one_number(18); }

Result<Bytes> total_supply_view(const ViewContext& context, abi::Reader) {
    Amount supply;  // nothing is made or burnt after the genesis
    for (const auto& [address, amount] : context.genesis.allocations) {
        TRY(supply, supply.plus(amount));
    }
    for (const auto& validator : context.genesis.validators) {
        TRY(supply, supply.plus(validator.stake));
    }
    return one_number(supply.wei());
}

Result<Bytes> balance_of_view(const ViewContext& context, abi::Reader in) {
    TRY(auto address, in.address());
    TRY(auto account, read<Account>(context.state, key::account(address)));
    return one_number(account.value_or(Account{}).balance.wei());
}

std::span<const View> views_of(const Address& module_address) {
    namespace v = view_signature;
    static constexpr View kNodes[] = {{v::kNode, node_view},
                                      {v::kCurrentEpoch, current_epoch_view}};
    static constexpr View kStorage[] = {{v::kStoredBlock, stored_block_view},
                                        {v::kPricePerKib, price_per_kib_view}};
    static constexpr View kRights[] = {{v::kAsset, asset_view},
                                       {v::kAssetId, asset_id_view},
                                       {v::kLicence, licence_view},
                                       {v::kLicenceId, licence_id_view},
                                       {v::kIsLive, is_live_view}};
    static constexpr View kTraining[] = {
        {v::kRun, run_view}, {v::kRunId, run_id_view}, {v::kTrainerRounds, trainer_rounds_view}};
    static constexpr View kCompute[] = {{v::kSessionKey, session_key_view},
                                        {v::kRedeemedBy, redeemed_by_view}};
    static constexpr View kToken[] = {{v::kName, name_view},
                                      {v::kSymbol, symbol_view},
                                      {v::kDecimals, decimals_view},
                                      {v::kTotalSupply, total_supply_view},
                                      {v::kBalanceOf, balance_of_view}};
    if (module_address == module::nodes()) return kNodes;
    if (module_address == module::storage()) return kStorage;
    if (module_address == module::rights()) return kRights;
    if (module_address == module::training()) return kTraining;
    if (module_address == module::compute()) return kCompute;
    if (module_address == module::treasury()) return kToken;
    if (module_address == module::staking()) return staking_views();
    if (module_address == module::orders()) return order_views();
    if (module_address == module::deals()) return deal_views();
    return {};
}

}  // namespace

Result<std::optional<Bytes>> view(const ViewContext& context, const Address& to, ByteSpan data) {
    const auto selector = abi::selector_of(data);
    if (!selector) return std::optional<Bytes>();
    const auto more = to == module::rights()     ? asset_token_views()
                      : to == module::training() ? contribution_views()
                      : to == module::compute()  ? dispute_views()
                      : to == module::staking()  ? validator_views()
                                                 : std::span<const View>();
    for (const auto& table : {views_of(to), more}) {
        for (const auto& each : table) {
            if (abi::selector(each.signature) != selector) continue;
            TRY(auto results, each.run(context, abi::Reader(data.subspan(abi::kSelectorSize))));
            return std::optional<Bytes>(std::move(results));
        }
    }
    return std::optional<Bytes>();
}

}  // namespace mutirao::ledger
