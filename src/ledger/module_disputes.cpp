// Compute: receipts that prove a provider wrong, and disputes that it answers with one.
#include <algorithm>

#include "crypto/hash.hpp"
#include "ledger/disputes.hpp"
#include "ledger/evidence.hpp"
#include "ledger/modules.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::size_t kRequestSizeMax = compute::kPromptMax + 128;  // bytes

// Signed by the provider that it names.
Result<compute::Receipt> receipt_in(abi::Reader& in) {
    TRY(const auto bytes, in.bytes(compute::Receipt::kSize));
    TRY(auto receipt, compute::Receipt::decode(bytes));
    TRY_VOID(receipt.verify());
    return receipt;
}

// Whether the answer costs more than the model's tokens do. A model that is not here has no price.
Result<bool> is_too_dear(const Context& context, const compute::Receipt& receipt) {
    TRY(const auto model, read<Asset>(context.state, key::asset(receipt.model)));
    if (!model) return false;
    TRY(const auto most, model->price_per_token.times(receipt.output_tokens));
    return amount_of(receipt.price) > most;
}

Digest about(std::string_view what, ByteSpan bytes) {
    return crypto::blake3_keyed(crypto::domain_key(what), bytes);
}

Status slash_once(Context& context, const Fault& fault) {
    TRY(const bool punished, slash(context, fault));
    if (!punished)
        return Error{ErrorKind::already_exists, "the provider was slashed for this already"};
    return {};
}

Status prove_receipt(Context& context, abi::Reader in) {
    TRY(const auto receipt, receipt_in(in));
    TRY(const auto bytes, in.bytes(kRequestSizeMax));
    TRY(const auto request, compute::InferenceRequest::decode(bytes));
    if (receipt.request != request.digest()) return refused("the receipt is for another request");
    TRY(const bool too_dear, is_too_dear(context, receipt));
    if (receipt.model == request.model && receipt.output_tokens <= request.max_tokens && !too_dear)
        return refused("the receipt fits its request: it proves nothing");
    return slash_once(context,
                      {receipt.provider, about("wrong receipt", receipt.encode()), context.sender});
}

Status prove_two_answers(Context& context, abi::Reader in) {
    TRY(const auto one, receipt_in(in));
    TRY(const auto other, receipt_in(in));
    if (one.provider != other.provider || one.request != other.request)
        return refused("the receipts are not of one provider and request");
    if (one.output == other.output) return refused("the receipts are for one output");
    const auto what = Writer().raw(one.provider.span()).raw(one.request.span()).bytes();
    return slash_once(context, {one.provider, about("two answers", what), context.sender});
}

Status open_dispute(Context& context, abi::Reader in) {
    TRY(const auto bytes, in.bytes(kVoucherSizeMax));
    TRY(const auto voucher, Voucher::decode(bytes));
    TRY_VOID(verify_voucher(context.memo, context.genesis.chain_id, voucher));
    if (context.value != kDisputeDeposit)
        return refused("a dispute takes a deposit of " + kDisputeDeposit.text());
    TRY(const auto key, require<ApiKey>(context.state, key::api_key(voucher.key), "such key"));
    if (key.payer != context.sender) return denied("only who pays for a key may dispute");
    const auto id = voucher.hash();
    TRY(const auto draw,
        read<ProviderDraw>(context.state, key::provider_draw(voucher.key, voucher.provider)));
    if (!draw || draw->voucher != id)
        return refused("the voucher is not the last that the provider redeemed of the key");
    if (context.time_ms > draw->redeemed_ms + kDisputeWithinMs)
        return refused("a dispute is opened within 24 hours of the payment");
    const auto at = key::dispute(voucher.provider, id);
    TRY(const auto known, context.state.get(at));
    if (known) return Error{ErrorKind::already_exists, "the answer was disputed already"};
    TRY(const auto model, require<Asset>(context.state, key::asset(voucher.model), "such model"));
    TRY(const auto cost, model.price_per_token.times(voucher.tokens));
    context.state.write(
        at, Dispute{id, context.sender, voucher.provider, voucher.model, voucher.request,
                    voucher.output, voucher.tokens, std::min(cost, voucher.cumulative),
                    context.time_ms + kDisputeAnswerMs});
    return emit(context, EventKind::dispute_opened, context.sender, voucher.provider, id);
}

Result<Dispute> open_dispute_of(const Context& context, const Address& provider, const Digest& id) {
    TRY(auto dispute, require<Dispute>(context.state, key::dispute(provider, id), "such dispute"));
    if (dispute.state != DisputeState::open)
        return Error{ErrorKind::already_exists, "the dispute has ended"};
    return dispute;
}

Status end(Context& context, Dispute& dispute, DisputeState state, const Address& deposit_to) {
    dispute.state = state;
    context.state.write(key::dispute(dispute.provider, dispute.id), dispute);
    return pay(context, module::compute(), deposit_to, kDisputeDeposit, Reason::deposit,
               dispute.id);
}

Status answer_dispute(Context& context, abi::Reader in) {
    TRY(const auto id, in.bytes32());
    TRY(const auto receipt, receipt_in(in));
    TRY(auto dispute, open_dispute_of(context, receipt.provider, id));
    if (context.time_ms > dispute.deadline_ms) return refused("the dispute's deadline has passed");
    if (receipt.request != dispute.request || receipt.output != dispute.output ||
        receipt.model != dispute.model)
        return refused("the receipt is for another answer than the voucher");
    TRY(const bool too_dear, is_too_dear(context, receipt));
    if (too_dear || receipt.output_tokens < dispute.tokens)
        return refused("the receipt is for fewer tokens than were paid for");
    TRY_VOID(end(context, dispute, DisputeState::answered, dispute.provider));
    return emit(context, EventKind::dispute_answered, dispute.payer, dispute.provider, id);
}

Status expire_dispute(Context& context, abi::Reader in) {
    TRY(const auto provider, in.address());
    TRY(const auto id, in.bytes32());
    TRY(auto dispute, open_dispute_of(context, provider, id));
    if (context.time_ms <= dispute.deadline_ms)
        return refused("the provider has time until the dispute's deadline");
    TRY_VOID(end(context, dispute, DisputeState::lost, dispute.payer));
    Fault fault{provider, id};
    fault.victim = dispute.payer;
    fault.owed = dispute.owed;
    TRY_VOID(slash(context, fault));
    return emit(context, EventKind::dispute_lost, dispute.payer, provider, id);
}

}  // namespace

std::span<const Method> dispute_methods() {
    static constexpr Method kMethods[] = {{signature::kProveReceipt, prove_receipt},
                                          {signature::kProveTwoAnswers, prove_two_answers},
                                          {signature::kDispute, open_dispute, true},
                                          {signature::kAnswerDispute, answer_dispute},
                                          {signature::kExpireDispute, expire_dispute}};
    return kMethods;
}

}  // namespace mutirao::ledger
