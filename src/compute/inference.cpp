#include "compute/inference.hpp"

#include <string>

#include "base/codec.hpp"
#include "crypto/hash.hpp"

namespace mutirao::compute {
namespace {

Error over_limit(std::string_view what, std::uint64_t value, std::uint64_t limit) {
    return Error{ErrorKind::invalid_argument, std::string(what) + " is " + std::to_string(value) +
                                                  ", the limit is " + std::to_string(limit)};
}

Bytes signed_bytes(const Receipt& receipt) {
    Writer out;
    out.raw(receipt.request.span()).raw(receipt.output.span()).raw(receipt.model.span());
    out.raw(receipt.provider.span()).u(receipt.prompt_tokens).u(receipt.output_tokens);
    receipt.price.encode(out);
    out.u(static_cast<std::uint8_t>(receipt.commitment));
    return std::move(out).take();
}

Digest signed_hash(const Receipt& receipt) {
    Writer out;
    out.raw(as_bytes("mutirao v1 receipt")).raw(signed_bytes(receipt));
    return crypto::personal_message_hash(out.bytes());
}

}  // namespace

Status InferenceRequest::validate() const {
    if (prompt.empty())
        return Error{ErrorKind::invalid_argument, "the prompt is empty: there is nothing to go on"};
    if (prompt.size() > kPromptMax)
        return over_limit("the prompt's size in bytes", prompt.size(), kPromptMax);
    if (max_tokens == 0)
        return Error{ErrorKind::invalid_argument, "max_tokens is 0: ask for at least one token"};
    if (max_tokens > kTokensMax) return over_limit("max_tokens", max_tokens, kTokensMax);
    if (temperature_milli > kTemperatureMilliMax)
        return over_limit("the temperature in thousandths", temperature_milli,
                          kTemperatureMilliMax);
    if (top_k > kTopKMax) return over_limit("top_k", top_k, kTopKMax);
    return {};
}

Bytes InferenceRequest::encode() const {
    Writer out;
    out.raw(model.span()).blob(prompt).u(max_tokens).u(temperature_milli).u(top_k).u(seed);
    return std::move(out).take();
}

Result<InferenceRequest> InferenceRequest::decode(ByteSpan bytes) {
    Reader in(bytes);
    InferenceRequest request;
    TRY(request.model, in.fixed<Digest>());
    TRY(auto prompt, in.blob(kPromptMax));
    request.prompt = to_bytes(prompt);
    TRY(request.max_tokens, in.u<std::uint32_t>());
    TRY(request.temperature_milli, in.u<std::uint32_t>());
    TRY(request.top_k, in.u<std::uint32_t>());
    TRY(request.seed, in.u<std::uint64_t>());
    TRY_VOID(in.finish());
    TRY_VOID(request.validate());
    return request;
}

Digest InferenceRequest::digest() const {
    return crypto::blake3_keyed(crypto::domain_key("request"), encode());
}

Digest output_digest(ByteSpan output) {
    return crypto::blake3_keyed(crypto::domain_key("output"), output);
}

Bytes Receipt::encode() const {
    Writer out;
    out.raw(signed_bytes(*this)).raw(signature.to_bytes());
    return std::move(out).take();
}

Result<Receipt> Receipt::decode(ByteSpan bytes) {
    Reader in(bytes);
    Receipt receipt;
    TRY(receipt.request, in.fixed<Digest>());
    TRY(receipt.output, in.fixed<Digest>());
    TRY(receipt.model, in.fixed<Digest>());
    TRY(receipt.provider, in.fixed<Address>());
    TRY(receipt.prompt_tokens, in.u<std::uint32_t>());
    TRY(receipt.output_tokens, in.u<std::uint32_t>());
    TRY(receipt.price, Wei::decode(in));
    TRY(auto commitment, in.u<std::uint8_t>());
    if (commitment != static_cast<std::uint8_t>(Commitment::none))
        return Error{ErrorKind::corrupt, "receipt: unknown kind of commitment " +
                                             std::to_string(commitment) +
                                             "; this version knows 0 (none)"};
    TRY(auto signature, in.raw(crypto::AccountSignature::kSize));
    TRY(receipt.signature, crypto::AccountSignature::from_bytes(signature));
    TRY_VOID(in.finish());
    return receipt;
}

void Receipt::sign(const crypto::AccountKey& key) {
    provider = key.address();
    signature = key.sign(signed_hash(*this));
}

Status Receipt::verify() const {
    TRY(auto signer, crypto::recover(signed_hash(*this), signature));
    if (signer == provider) return {};
    return Error{ErrorKind::permission_denied,
                 "receipt: it names provider " + crypto::to_checksum_text(provider) + " but " +
                     crypto::to_checksum_text(signer) + " signed it, or it was changed"};
}

Status check_receipt(const InferenceRequest& request, ByteSpan output, const Receipt& receipt) {
    TRY_VOID(receipt.verify());
    if (receipt.request != request.digest())
        return Error{ErrorKind::corrupt, "receipt: it is for request " + receipt.request.hex() +
                                             ", not for " + request.digest().hex()};
    if (receipt.model != request.model)
        return Error{ErrorKind::corrupt, "receipt: model " + receipt.model.hex() + " answered, " +
                                             request.model.hex() + " was asked"};
    if (receipt.output != output_digest(output))
        return Error{ErrorKind::corrupt,
                     "receipt: the output that arrived is not the one that was signed"};
    if (receipt.output_tokens > request.max_tokens)
        return Error{ErrorKind::corrupt, "receipt: " + std::to_string(receipt.output_tokens) +
                                             " output tokens are charged, at most " +
                                             std::to_string(request.max_tokens) +
                                             " were asked for"};
    return {};
}

Status check_terms(const Receipt& receipt, const Address& provider, const Pricing& pricing) {
    if (receipt.provider != provider)
        return Error{ErrorKind::permission_denied,
                     "receipt: provider " + crypto::to_checksum_text(receipt.provider) +
                         " answered, " + crypto::to_checksum_text(provider) + " was asked"};
    const auto price = pricing.price(receipt.prompt_tokens, receipt.output_tokens);
    if (receipt.price != price)
        return Error{ErrorKind::corrupt, "receipt: it charges " + receipt.price.tokens() +
                                             " tokens, the announced prices come to " +
                                             price.tokens()};
    return {};
}

}  // namespace mutirao::compute
