#include "node/inference_route.hpp"

#include "ledger/disputes.hpp"
#include "mutirao/v1/compute.pb.h"
#include "node/wire/fields.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {
namespace {

using wire::to_field;

constexpr auto kInferDeadline = std::chrono::seconds(120);
constexpr auto kPayDeadline = std::chrono::seconds(40);
constexpr std::size_t kAssetsMax = 100'000;
constexpr std::size_t kProvidersMax = 1000;

}  // namespace

std::string api_key_text(const crypto::AccountKey& session) {
    return std::string(kApiKeyPrefix) + to_hex(session.secret());
}

Result<crypto::AccountKey> session_of(std::string_view api_key) {
    const Error refused{ErrorKind::permission_denied,
                        "an API key is needed: mutirao key new --wallet NAME makes one"};
    if (!api_key.starts_with(kApiKeyPrefix)) return refused;
    auto secret = from_hex(api_key.substr(kApiKeyPrefix.size()));
    if (!secret.ok()) return refused;
    auto session = crypto::AccountKey::from_bytes(*secret);
    if (!session.ok()) return refused;
    return session;
}

Result<ledger::Asset> PaidInference::find_model(const std::string& name) {
    TRY(auto assets, ledger::read_all<ledger::Asset>(ledger_, ledger::key::assets(), kAssetsMax));
    const ledger::Asset* newest = nullptr;
    for (const auto& asset : assets) {
        if (asset.kind != ledger::AssetKind::model) continue;
        if (asset.id.hex() == name) return asset;
        if (asset.title == name &&
            (newest == nullptr || asset.registered_ms > newest->registered_ms))
            newest = &asset;
    }
    if (newest == nullptr) return Error{ErrorKind::not_found, "there is no model \"" + name + "\""};
    return *newest;
}

Result<ledger::NodeRecord> PaidInference::find_provider(const Digest& model) {
    TRY(auto offers,
        ledger::read_all<ledger::Provider>(ledger_, ledger::key::providers(model), kProvidersMax));
    TRY(auto nodes, directory_.nodes_of(ledger::Role::compute));
    for (const auto& offer : offers)
        for (const auto& node : nodes)
            if (node.address == offer.address && (!only_ || node.address == *only_)) return node;
    return Error{ErrorKind::unavailable, only_
                                             ? "compute node " + crypto::to_checksum_text(*only_) +
                                                   " does not serve this model now"
                                             : "no compute node serves this model now"};
}

Status PaidInference::check_key(const crypto::AccountKey& session, const ledger::Asset& model,
                                std::uint32_t max_tokens) {
    TRY(auto found, ledger::read<ledger::ApiKey>(ledger_, ledger::key::api_key(session.address())));
    if (!found || found->closed)
        return Error{ErrorKind::permission_denied, "this API key is not open on the ledger"};
    if (found->expires_ms <= clock_.unix_ms())
        return Error{ErrorKind::permission_denied, "this API key has expired"};
    TRY(auto dearest, model.price_per_token.times(max_tokens));
    TRY(auto left, found->limit.minus(found->redeemed));
    if (left < dearest)
        return Error{ErrorKind::insufficient_funds, "the key has " + left.text() + " left and " +
                                                        std::to_string(max_tokens) +
                                                        " tokens may cost " + dearest.text()};
    return {};
}

Result<gateway::InferenceAnswer> PaidInference::infer(std::string_view api_key,
                                                      const gateway::ParsedRequest& parsed) {
    TRY(auto session, session_of(api_key));
    TRY(auto model, find_model(parsed.model));
    TRY(auto provider, find_provider(model.id));
    const auto request = parsed.for_model(model.id, parsed.seed.value_or(random_.next_u64()));

    const std::lock_guard lock(pay_mutex_);
    TRY_VOID(check_key(session, model, request.max_tokens));
    v1::InferRequest ask;
    ask.set_request(to_field(request.encode()));
    TRY(auto reply, wire::call<v1::InferReply>(network_, provider.endpoint,
                                               "/mutirao.v1.Compute/Infer", ask, kInferDeadline));
    TRY(auto receipt, compute::Receipt::decode(as_bytes(reply.receipt())));
    TRY_VOID(compute::check_receipt(request, as_bytes(reply.output()), receipt));
    compute::Pricing pricing;
    pricing.wei_per_output_token = static_cast<std::uint64_t>(model.price_per_token.wei());
    TRY_VOID(compute::check_terms(receipt, provider.address, pricing));

    ledger::Voucher voucher;
    voucher.provider = provider.address;
    voucher.model = model.id;
    const auto price = ledger::amount_of(receipt.price);
    TRY(const auto redeemed, ledger::redeemed_by(ledger_, session.address(), provider.address));
    TRY(voucher.cumulative, redeemed.plus(price));
    voucher.tokens = receipt.output_tokens;
    voucher.request = receipt.request;
    voucher.output = receipt.output;
    TRY(auto status, ledger_.status());
    voucher.sign(session, status.genesis.chain_id);
    v1::PayRequest pay;
    pay.set_voucher(to_field(voucher.encode()));
    TRY(auto paid, wire::call<v1::PayReply>(network_, provider.endpoint, "/mutirao.v1.Compute/Pay",
                                            pay, kPayDeadline));

    gateway::InferenceAnswer out;
    out.output = to_bytes(as_bytes(reply.output()));
    out.prompt_tokens = receipt.prompt_tokens;
    out.output_tokens = receipt.output_tokens;
    out.model = model.id.hex();
    out.seed = request.seed;
    out.created_unix_s = clock_.unix_ms() / 1000;
    out.receipt_hex = to_hex(receipt.encode());
    out.request_hex = to_hex(request.encode());
    out.voucher_hex = to_hex(voucher.encode());
    out.cost = price.text();
    return out;
}

std::vector<gateway::ModelCard> PaidInference::models() {
    std::vector<gateway::ModelCard> out;
    auto assets = ledger::read_all<ledger::Asset>(ledger_, ledger::key::assets(), kAssetsMax);
    if (!assets.ok()) return out;
    for (const auto& asset : *assets)
        if (asset.kind == ledger::AssetKind::model)
            out.push_back({asset.title, asset.id.hex(), crypto::to_checksum_text(asset.owner),
                           asset.registered_ms / 1000,
                           asset.price_per_token.text() + " per token"});
    return out;
}

}  // namespace mutirao::node
