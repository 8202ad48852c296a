#include "node/compute_role.hpp"

#include "base/random.hpp"
#include "model/checkpoint.hpp"
#include "model/generate.hpp"
#include "model/tokenizer.hpp"
#include "mutirao/v1/compute.pb.h"
#include "node/wire/fields.hpp"

namespace mutirao::node {
namespace {

using wire::fixed_field;
using wire::to_field;

// A GPT behind the compute room's port. The model serves one caller at a time.
class GptTextModel final : public compute::TextModel {
  public:
    GptTextModel(std::unique_ptr<model::Model> model, std::optional<model::Tokenizer> tokenizer)
        : model_(std::move(model)), tokenizer_(std::move(tokenizer)) {}

    Result<Bytes> generate(const compute::InferenceRequest& request) override {
        model::GenerateOptions options;
        options.new_tokens_max = request.max_tokens;
        options.temperature = static_cast<float>(request.temperature_milli) / 1000;
        options.top_k = request.top_k;
        SeededRandom random(request.seed);
        Bytes text;
        {
            const std::lock_guard lock(mutex_);
            TRY(text, model::generate(*model_, request.prompt, options, random,
                                      tokenizer_ ? &*tokenizer_ : nullptr));
        }
        // In pieces, a text may read as more tokens than it was written in.
        while (count_tokens(text) > request.max_tokens) text.pop_back();
        return text;
    }

    std::uint32_t count_tokens(ByteSpan text) const override {
        return static_cast<std::uint32_t>(tokenizer_ ? tokenizer_->encode(text).size()
                                                     : text.size());
    }

  private:
    std::mutex mutex_;  // guards model_
    const std::unique_ptr<model::Model> model_;
    const std::optional<model::Tokenizer> tokenizer_;  // none where tokens are bytes
};

// The tokenizer of a model that can answer with text.
Result<std::optional<model::Tokenizer>> tokenizer_of(const model::Checkpoint& checkpoint) {
    const auto* config = checkpoint.config.gpt();
    if (!config)
        return Error{ErrorKind::unimplemented,
                     "a model of kind " + std::string(checkpoint.config.kind_name()) +
                         " writes no text: ask it with mutirao model predict"};
    if (checkpoint.adapter)
        return Error{ErrorKind::unimplemented,
                     "this model is an adapter: merge it into its base (mutirao model merge) and "
                     "offer the whole"};
    if (config->vocabulary == model::kVocabulary) return std::optional<model::Tokenizer>();
    TRY(auto tokenizer, model::Tokenizer::from_file(checkpoint.preparation));
    return std::optional(std::move(tokenizer));
}

}  // namespace

ComputeRole::ComputeRole(ComputePorts ports, const Identity& identity)
    : ports_(std::move(ports)),
      identity_(identity),
      sender_(ports_.ledger, identity.account),
      receipts_(ports_.disk, ports_.clock, ports_.ledger, sender_) {
    add_methods();
}

ComputeRole::~ComputeRole() = default;

Result<std::shared_ptr<compute::TextModel>> ComputeRole::open(const Digest& model) {
    const std::lock_guard lock(mutex_);
    const auto at = loaded_.find(model);
    if (at == loaded_.end())
        return Error{ErrorKind::not_found, "this provider does not serve model " + model.hex()};
    return at->second.model;
}

// A model's owner offers it to providers; what costs nothing is accepted at once.
Status ComputeRole::accept_licence(const Digest& model) {
    const auto id = ledger::licence_id(model, ledger::subject_of(identity_.address()));
    TRY(auto licence, ledger::require<ledger::Licence>(ports_.ledger, ledger::key::licence(id),
                                                       "licence of this model for this provider"));
    if (licence.state != ledger::LicenceState::offered) return {};
    if (!licence.price.is_zero())
        return Error{ErrorKind::permission_denied,
                     "the model's owner asks " + licence.price.text() +
                         " for the licence; this provider accepts free ones only"};
    auto sent = sender_.send(ledger::accept_licence(id, licence.price));
    if (!sent.ok()) return std::move(sent).error();
    return {};
}

Result<std::uint64_t> ComputeRole::load(const Digest& id) {
    const std::lock_guard loading(load_mutex_);
    {
        const std::lock_guard lock(mutex_);
        if (const auto at = loaded_.find(id); at != loaded_.end()) return at->second.parameters;
    }
    TRY(auto asset,
        ledger::require<ledger::Asset>(ports_.ledger, ledger::key::asset(id), "model " + id.hex()));
    if (asset.kind != ledger::AssetKind::model)
        return Error{ErrorKind::invalid_argument, "\"" + asset.title + "\" is no model"};
    TRY_VOID(accept_licence(id));
    TRY(auto file, ports_.objects.read(asset.content, ledger::subject_of(identity_.address()),
                                       identity_.account, identity_.box));
    // The hot tier keeps the checkpoint by content; what is loaded is checked against it.
    TRY(auto shard, cache_.get(crypto::blake3(file), [&]() -> Result<Bytes> { return file; }));
    TRY(auto checkpoint, model::decode_checkpoint(shard->bytes()));
    TRY(auto tokenizer, tokenizer_of(checkpoint));
    if (!backend_) {
        TRY(backend_, ports_.open_backend());
    }
    TRY(auto model, backend_->create(checkpoint.config, {}, checkpoint.parameters));
    TRY(auto offered, ledger::read<ledger::Provider>(
                          ports_.ledger, ledger::key::provider(id, identity_.address())));
    if (!offered) {
        auto sent = sender_.send(ledger::offer_model(id));
        if (!sent.ok()) return std::move(sent).error();
    }
    const auto price = asset.price_per_token.wei();
    if (price >> 64 != 0)
        return Error{ErrorKind::invalid_argument, "the model's price is over 18 MUT a token"};
    compute::ProviderOptions options;
    options.pricing.wei_per_output_token = static_cast<std::uint64_t>(price);
    Loaded loaded;
    loaded.model = std::make_shared<GptTextModel>(std::move(model), std::move(tokenizer));
    loaded.parameters = checkpoint.parameters.size();
    loaded.provider = std::make_unique<compute::Provider>(*this, identity_.account, options);
    const auto parameters = loaded.parameters;
    const std::lock_guard lock(mutex_);
    loaded_.emplace(id, std::move(loaded));
    return parameters;
}

Result<compute::Answer> ComputeRole::infer(const compute::InferenceRequest& request) {
    compute::Provider* provider = nullptr;
    {
        const std::lock_guard lock(mutex_);
        const auto at = loaded_.find(request.model);
        if (at == loaded_.end())
            return Error{ErrorKind::not_found,
                         "this provider does not serve model " + request.model.hex()};
        if (unpaid_.size() >= kUnpaidMax)
            return Error{ErrorKind::resource_exhausted,
                         "this provider waits for payment of too many answers"};
        provider = at->second.provider.get();  // providers are never removed
    }
    TRY(auto answer, provider->infer(request));
    const std::lock_guard lock(mutex_);
    unpaid_[answer.receipt.request] = answer.receipt;
    return answer;
}

Result<compute::Receipt> ComputeRole::check_voucher(const ledger::Voucher& voucher) {
    compute::Receipt receipt;
    {
        const std::lock_guard lock(mutex_);
        const auto at = unpaid_.find(voucher.request);
        if (at == unpaid_.end())
            return Error{ErrorKind::not_found, "the voucher is for no answer that awaits payment"};
        receipt = at->second;
    }
    TRY(auto status, ports_.ledger.status());
    TRY_VOID(voucher.verify(status.genesis.chain_id));
    TRY(const auto redeemed, ledger::redeemed_by(ports_.ledger, voucher.key, voucher.provider));
    TRY(const auto due, redeemed.plus(ledger::amount_of(receipt.price)));
    if (voucher.output != receipt.output || voucher.model != receipt.model ||
        voucher.cumulative < due || voucher.tokens != receipt.output_tokens)
        return Error{ErrorKind::permission_denied, "the voucher does not pay for the answer"};
    return receipt;
}

void ComputeRole::add_methods() {
    service_.on<v1::LoadRequest, v1::LoadReply>("/mutirao.v1.Compute/Load",
                                                [this](const auto& in) -> Result<v1::LoadReply> {
                                                    TRY(auto id, fixed_field<Digest>(in.model()));
                                                    TRY(auto parameters, load(id));
                                                    v1::LoadReply out;
                                                    out.set_parameters(parameters);
                                                    return out;
                                                });
    service_.on<v1::InferRequest, v1::InferReply>(
        "/mutirao.v1.Compute/Infer", [this](const auto& in) -> Result<v1::InferReply> {
            TRY(auto request, compute::InferenceRequest::decode(as_bytes(in.request())));
            TRY(auto answer, infer(request));
            v1::InferReply out;
            out.set_output(to_field(answer.output));
            out.set_receipt(to_field(answer.receipt.encode()));
            return out;
        });
    service_.on<v1::PayRequest, v1::PayReply>(
        "/mutirao.v1.Compute/Pay", [this](const auto& in) -> Result<v1::PayReply> {
            TRY(auto voucher, ledger::Voucher::decode(as_bytes(in.voucher())));
            TRY(const auto receipt, check_voucher(voucher));
            TRY_VOID(receipts_.keep(voucher, receipt));
            TRY(auto sent, sender_.send(ledger::settle(voucher)));
            {
                const std::lock_guard lock(mutex_);
                unpaid_.erase(voucher.request);
            }
            v1::PayReply out;
            out.set_transaction(to_field(sent.receipt.transaction.span()));
            return out;
        });
    service_.on<v1::ModelsRequest, v1::ModelsReply>("/mutirao.v1.Compute/Models",
                                                    [this](const auto&) -> Result<v1::ModelsReply> {
                                                        const std::lock_guard lock(mutex_);
                                                        v1::ModelsReply out;
                                                        for (const auto& [id, loaded] : loaded_)
                                                            out.add_models(to_field(id.span()));
                                                        return out;
                                                    });
}

}  // namespace mutirao::node
