// Compute: who serves which model, session keys, and the split of every payment for an answer.
#include "ledger/evidence.hpp"
#include "ledger/modules.hpp"

namespace mutirao::ledger {
namespace {

// Of each payment: the provider, the storage nodes, and the model's side (owners and builder).
constexpr std::uint32_t kProviderPpm = 300'000;
constexpr std::uint32_t kStoragePpm = 50'000;
constexpr std::uint64_t kKeyLifeMaxMs = 400ull * 24 * 3600 * 1000;

Status offer(Context& context, abi::Reader in) {
    TRY(auto model, in.bytes32());
    TRY(auto asset, require<Asset>(context.state, key::asset(model), "such model"));
    if (asset.kind != AssetKind::model) return refused("the asset is no model");
    TRY(auto node, require<NodeRecord>(context.state, key::node(context.sender),
                                       "compute node of this address"));
    if (node.role != Role::compute || !node.active) return denied("only a compute node may offer");
    if (asset.owner != context.sender) {
        TRY(auto licence,
            require<Licence>(context.state,
                             key::licence(licence_id(model, subject_of(context.sender))),
                             "licence of this model for this provider"));
        if (!licence.is_live(context.time_ms)) return denied("the licence is not live");
    }
    context.state.write(key::provider(model, context.sender), Provider{context.sender, model});
    return emit(context, EventKind::model_offered, context.sender, asset.owner, model);
}

Status open_key(Context& context, abi::Reader in) {
    ApiKey opened;
    TRY(opened.key, in.address());
    TRY(opened.expires_ms, in.number64());
    opened.payer = context.sender;
    opened.limit = context.value;
    if (opened.limit.is_zero()) return refused("a key needs something to spend");
    if (opened.expires_ms <= context.time_ms || opened.expires_ms > context.time_ms + kKeyLifeMaxMs)
        return refused("a key lives at most 400 days from now");
    TRY(auto known, context.state.get(key::api_key(opened.key)));
    if (known) return Error{ErrorKind::already_exists, "the key is open already"};
    context.state.write(key::api_key(opened.key), opened);
    return emit(context, EventKind::key_opened, context.sender, opened.key, {});
}

// The key, if the sender opened it and it is open.
Result<ApiKey> own_key(Context& context, const Address& address) {
    TRY(auto opened, require<ApiKey>(context.state, key::api_key(address), "such key"));
    if (opened.payer != context.sender) return denied("only who opened a key may close it");
    if (opened.closed) return Error{ErrorKind::already_exists, "the key is closed already"};
    return opened;
}

Status end_key(Context& context, abi::Reader in) {
    TRY(auto address, in.address());
    TRY(auto opened, own_key(context, address));
    const auto end = context.time_ms + kKeyNoticeMs;
    if (opened.expires_ms <= end) return refused("the key ends sooner than that by itself");
    opened.expires_ms = end;
    context.state.write(key::api_key(address), opened);
    return emit(context, EventKind::key_ending, context.sender, address, {});
}

Status close_key(Context& context, abi::Reader in) {
    TRY(auto address, in.address());
    TRY(auto opened, own_key(context, address));
    // Until then a provider may hold a voucher for an answer that it gave already.
    if (context.time_ms < opened.expires_ms)
        return refused("the key can be closed once it expires; endKey makes that sooner");
    opened.closed = true;
    context.state.write(key::api_key(address), opened);
    TRY(auto left, opened.limit.minus(opened.redeemed));
    TRY_VOID(pay(context, module::compute(), opened.payer, left, Reason::refund, {}));
    return emit(context, EventKind::key_closed, context.sender, address, {});
}

Status pay_storage(Context& context, Amount amount, const Digest& model) {
    TRY(auto current, read_counter(context.state, key::current_epoch()));
    TRY(auto epoch, read<EpochRecord>(context.state, key::epoch(current)));
    Amount left = amount;
    std::uint64_t total = 0;
    if (epoch)
        for (const auto& member : epoch->members) total += member.weight;
    for (std::size_t i = 0; total != 0 && i < epoch->members.size(); ++i) {
        const auto& member = epoch->members[i];
        const auto part = amount.part(member.weight, total);
        TRY_VOID(
            pay(context, module::compute(), member.node, part, Reason::inference_storage, model));
        TRY(left, left.minus(part));
    }
    return pay(context, module::compute(), module::treasury(), left, Reason::fee, model);
}

Status pay_model(Context& context, Amount amount, const Asset& model) {
    Amount left = amount;
    for (std::size_t i = 0; i < model.shares.size(); ++i) {
        const auto& share = model.shares[i];
        const bool builder = share.asset.is_zero();
        // The builder comes last and takes what rounding leaves.
        const bool last = i + 1 == model.shares.size();
        const auto part = last ? left : amount.part(share.ppm, kWholePpm);
        TRY_VOID(pay(context, module::compute(), share.owner, part,
                     builder ? Reason::inference_builder : Reason::inference_data,
                     builder ? model.id : share.asset));
        TRY(left, left.minus(part));
    }
    return {};
}

Status redeem(Context& context, ByteSpan bytes) {
    TRY(auto voucher, Voucher::decode(bytes));
    TRY_VOID(verify_voucher(context.memo, context.genesis.chain_id, voucher));
    if (voucher.provider != context.sender) return denied("the voucher is for another provider");
    TRY(auto opened, require<ApiKey>(context.state, key::api_key(voucher.key), "such key"));
    if (opened.closed || context.time_ms >= opened.expires_ms) return denied("the key has expired");
    TRY(auto redeemed, redeemed_by(context.state, voucher.key, context.sender));
    if (voucher.cumulative <= redeemed)
        return Error{ErrorKind::already_exists, "the voucher is redeemed already"};
    TRY(auto amount, voucher.cumulative.minus(redeemed));
    TRY(auto left, opened.limit.minus(opened.redeemed));
    if (amount > left)
        return Error{ErrorKind::insufficient_funds, "the key may still spend " + left.text() +
                                                        ", the voucher asks for " + amount.text()};
    TRY(auto model, require<Asset>(context.state, key::asset(voucher.model), "such model"));
    TRY(auto offered, require<Provider>(context.state, key::provider(voucher.model, context.sender),
                                        "offer of this model by this provider"));
    context.state.write(key::provider_draw(voucher.key, context.sender),
                        ProviderDraw{voucher.cumulative, voucher.hash(), context.time_ms});
    TRY(opened.redeemed, opened.redeemed.plus(amount));
    context.state.write(key::api_key(voucher.key), opened);
    const auto provider = amount.part(kProviderPpm, kWholePpm);
    const auto storage = amount.part(kStoragePpm, kWholePpm);
    TRY(auto after_provider, amount.minus(provider));
    TRY(auto model_side, after_provider.minus(storage));
    TRY_VOID(pay(context, module::compute(), offered.address, provider, Reason::inference_compute,
                 voucher.model));
    TRY_VOID(pay_storage(context, storage, voucher.model));
    return pay_model(context, model_side, model);
}

Status settle(Context& context, abi::Reader in) {
    TRY(auto voucher, in.bytes(kVoucherSizeMax));
    return redeem(context, voucher);
}

Status settle_all(Context& context, abi::Reader in) {
    TRY(auto vouchers, in.bytes_list(kVouchersMax, kVoucherSizeMax));
    if (vouchers.empty()) return refused("there is no voucher to settle");
    for (const auto& voucher : vouchers) TRY_VOID(redeem(context, voucher));
    return {};
}

}  // namespace

Status compute_module(Context& context, ByteSpan data) {
    static constexpr Method kMethods[] = {
        {signature::kOffer, offer},    {signature::kOpenKey, open_key, true},
        {signature::kEndKey, end_key}, {signature::kCloseKey, close_key},
        {signature::kSettle, settle},  {signature::kSettleAll, settle_all}};
    return dispatch(context, data, kMethods, dispute_methods());
}

}  // namespace mutirao::ledger
