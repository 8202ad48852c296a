// What is asked of a model, and the receipt that its provider signs for the answer. Canonical
// bytes: docs/reference names them; base/codec.hpp writes them. Pure; any thread.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "compute/price.hpp"
#include "crypto/account.hpp"

namespace mutirao::compute {

inline constexpr std::size_t kPromptMax = 64 << 10;          // bytes
inline constexpr std::uint32_t kTokensMax = 2048;            // tokens in one answer
inline constexpr std::uint32_t kTemperatureMilliMax = 2000;  // temperature 2
inline constexpr std::uint32_t kTopKMax = 65536;
inline constexpr std::size_t kOutputMax = 1 << 20;  // bytes of one answer, whatever the tokenizer

// One question to one model. Two equal requests to one honest provider give equal outputs.
struct InferenceRequest {
    Digest model;
    Bytes prompt;
    std::uint32_t max_tokens = 0;         // 1 to kTokensMax
    std::uint32_t temperature_milli = 0;  // thousandths; 0 takes the likeliest token each time
    std::uint32_t top_k = 0;              // draw among the k likeliest tokens; 0 among all
    std::uint64_t seed = 0;               // of every draw

    // invalid_argument, naming the number and its limit, unless every field is within its limits
    // and the prompt is not empty.
    Status validate() const;

    // model 32 | prompt u32+bytes | max_tokens u32 | temperature_milli u32 | top_k u32 | seed u64
    Bytes encode() const;
    // Refuses (corrupt, or invalid_argument from validate) anything but the encoding of a valid
    // request.
    static Result<InferenceRequest> decode(ByteSpan bytes);

    // BLAKE3_keyed(K_request, encode()).
    Digest digest() const;
    bool operator==(const InferenceRequest&) const = default;
};

// BLAKE3_keyed(K_output, output).
Digest output_digest(ByteSpan output);

// How the answer can be checked by running the model again. Top-k logit commitments (TOPLOC) come
// later and get the next number.
enum class Commitment : std::uint8_t { none = 0 };

// "This provider answered that request with this output, and is owed this much."
struct Receipt {
    Digest request;  // InferenceRequest::digest()
    Digest output;   // output_digest()
    Digest model;
    Address provider;
    std::uint32_t prompt_tokens = 0;
    std::uint32_t output_tokens = 0;
    Wei price;
    Commitment commitment = Commitment::none;
    crypto::AccountSignature signature;

    static constexpr std::size_t kSignedSize = 3 * 32 + 20 + 2 * 4 + Wei::kSize + 1;
    static constexpr std::size_t kSize = kSignedSize + crypto::AccountSignature::kSize;

    // request | output | model | provider | prompt_tokens u32 | output_tokens u32 | price u128 |
    // commitment u8 | signature 65
    Bytes encode() const;
    // Refuses (corrupt) wrong sizes and unknown commitments. Does not verify the signature.
    static Result<Receipt> decode(ByteSpan bytes);

    // Sets provider and signature: EIP-191 personal hash of "mutirao v1 receipt" and everything
    // before the signature.
    void sign(const crypto::AccountKey& key);
    // permission_denied unless `provider` made the signature.
    Status verify() const;
};

// What a client does before it uses an answer: permission_denied or corrupt, naming what differs,
// unless the receipt is signed by the provider that it names, for exactly this request and this
// output, with no more output tokens than were asked for.
Status check_receipt(const InferenceRequest& request, ByteSpan output, const Receipt& receipt);

// Whether the receipt comes from the provider that was asked, at the prices that it announced.
Status check_terms(const Receipt& receipt, const Address& provider, const Pricing& pricing);

}  // namespace mutirao::compute
