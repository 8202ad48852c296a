#include "compute/inference.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "base/random.hpp"

namespace mutirao::compute {
namespace {

crypto::AccountKey key_from(std::uint64_t seed) {
    SeededRandom random(seed);
    return crypto::AccountKey::generate(random);
}

InferenceRequest sample_request() {
    InferenceRequest request;
    request.model.bytes.fill(7);
    request.prompt = to_bytes(as_bytes("Como instalar um pacote?"));
    request.max_tokens = 64;
    request.temperature_milli = 800;
    request.top_k = 40;
    request.seed = 99;
    return request;
}

Receipt sample_receipt(const InferenceRequest& request, ByteSpan output) {
    Receipt receipt;
    receipt.request = request.digest();
    receipt.output = output_digest(output);
    receipt.model = request.model;
    receipt.prompt_tokens = static_cast<std::uint32_t>(request.prompt.size());
    receipt.output_tokens = static_cast<std::uint32_t>(output.size());
    receipt.price = Pricing{10, 30}.price(receipt.prompt_tokens, receipt.output_tokens);
    receipt.sign(key_from(1));
    return receipt;
}

RC_GTEST_PROP(InferenceRequest, survives_its_encoding, ()) {
    InferenceRequest request;
    for (auto& byte : request.model.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
    request.prompt = *rc::gen::nonEmpty<Bytes>();
    request.max_tokens = *rc::gen::inRange<std::uint32_t>(1, kTokensMax + 1);
    request.temperature_milli = *rc::gen::inRange<std::uint32_t>(0, kTemperatureMilliMax + 1);
    request.top_k = *rc::gen::inRange<std::uint32_t>(0, kTopKMax + 1);
    request.seed = *rc::gen::arbitrary<std::uint64_t>();
    const auto decoded = InferenceRequest::decode(request.encode());
    RC_ASSERT(decoded.ok());
    RC_ASSERT(*decoded == request);
    RC_ASSERT(decoded->digest() == request.digest());
}

TEST(InferenceRequest, accepts_its_limits_and_refuses_one_more) {
    auto request = sample_request();
    request.prompt.assign(kPromptMax, 'a');
    request.max_tokens = kTokensMax;
    request.temperature_milli = kTemperatureMilliMax;
    request.top_k = kTopKMax;
    EXPECT_TRUE(InferenceRequest::decode(request.encode()).ok());

    const auto refused = [](InferenceRequest changed) {
        EXPECT_EQ(changed.validate().error().kind, ErrorKind::invalid_argument);
        EXPECT_FALSE(InferenceRequest::decode(changed.encode()).ok());
    };
    auto over = request;
    over.prompt.push_back('a');
    refused(over);
    over = request;
    ++over.max_tokens;
    refused(over);
    over = request;
    over.max_tokens = 0;
    refused(over);
    over = request;
    ++over.temperature_milli;
    refused(over);
    over = request;
    ++over.top_k;
    refused(over);
    over = request;
    over.prompt.clear();
    refused(over);
}

// The layouts that inference.hpp states, spelled out by hand: changing bytes must be deliberate.
TEST(InferenceRequest, has_the_documented_bytes) {
    auto request = sample_request();
    request.prompt = {'O', 'i'};
    request.seed = 0x0102030405060708;
    std::string model;
    for (int i = 0; i < 32; ++i) model += "07";
    EXPECT_EQ(to_hex(request.encode()), model +
                                            "02000000"
                                            "4f69"
                                            "40000000"
                                            "20030000"
                                            "28000000"
                                            "0807060504030201");
}

TEST(Receipt, has_the_documented_bytes) {
    Receipt receipt;
    receipt.request.bytes.fill(0x11);
    receipt.output.bytes.fill(0x22);
    receipt.model.bytes.fill(0x33);
    receipt.provider.bytes.fill(0x44);
    receipt.prompt_tokens = 5;
    receipt.output_tokens = 0x0607;
    receipt.price = {1, 2};
    std::string expected;
    for (const auto* digest : {"11", "22", "33"})
        for (int i = 0; i < 32; ++i) expected += digest;
    for (int i = 0; i < 20; ++i) expected += "44";
    expected +=
        "05000000"
        "07060000"
        "0200000000000000"
        "0100000000000000"
        "00";
    for (int i = 0; i < 65; ++i) expected += "00";
    EXPECT_EQ(to_hex(receipt.encode()), expected);
}

TEST(InferenceRequest, refuses_cut_and_longer_bytes) {
    auto bytes = sample_request().encode();
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(InferenceRequest::decode(ByteSpan(bytes).first(size)).ok()) << size;
    bytes.push_back(0);
    EXPECT_FALSE(InferenceRequest::decode(bytes).ok());
}

TEST(Receipt, survives_its_encoding) {
    const auto receipt = sample_receipt(sample_request(), as_bytes("resposta"));
    const auto bytes = receipt.encode();
    EXPECT_EQ(bytes.size(), Receipt::kSize);
    const auto decoded = Receipt::decode(bytes);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->encode(), bytes);
    EXPECT_TRUE(decoded->verify().ok());
    EXPECT_EQ(decoded->provider, key_from(1).address());
}

// Goal: no bit of a receipt can change unnoticed. Method: flip each one.
TEST(Receipt, one_flipped_bit_is_found) {
    const auto request = sample_request();
    const auto output = as_bytes("resposta");
    const auto bytes = sample_receipt(request, output).encode();
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        auto changed = bytes;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
        const auto receipt = Receipt::decode(changed);
        EXPECT_FALSE(receipt.ok() && check_receipt(request, output, *receipt).ok()) << bit;
    }
}

TEST(Receipt, refuses_wrong_sizes_and_unknown_commitments) {
    auto bytes = sample_receipt(sample_request(), as_bytes("x")).encode();
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(Receipt::decode(ByteSpan(bytes).first(size)).ok()) << size;
    auto unknown = bytes;
    unknown[Receipt::kSignedSize - 1] = 1;
    EXPECT_EQ(Receipt::decode(unknown).error().kind, ErrorKind::corrupt);
    bytes.push_back(0);
    EXPECT_FALSE(Receipt::decode(bytes).ok());
}

TEST(CheckReceipt, accepts_what_was_asked_and_answered) {
    const auto request = sample_request();
    const auto output = as_bytes("resposta");
    EXPECT_TRUE(check_receipt(request, output, sample_receipt(request, output)).ok());
}

// Every one of these receipts is properly signed: what differs is what it speaks of.
TEST(CheckReceipt, refuses_every_mismatch) {
    const auto request = sample_request();
    const auto output = as_bytes("resposta");
    const auto honest = sample_receipt(request, output);
    const auto refused = [&](Receipt receipt) {
        receipt.sign(key_from(1));
        EXPECT_TRUE(receipt.verify().ok());
        EXPECT_EQ(check_receipt(request, output, receipt).error().kind, ErrorKind::corrupt);
    };
    auto other = honest;
    auto other_request = request;
    ++other_request.seed;
    other.request = other_request.digest();
    refused(other);
    other = honest;
    other.output = output_digest(as_bytes("resposta."));
    refused(other);
    other = honest;
    other.model.bytes[0] ^= 1;
    refused(other);
    other = honest;
    other.output_tokens = request.max_tokens + 1;
    refused(other);

    EXPECT_FALSE(check_receipt(request, as_bytes("respostA"), honest).ok());
    EXPECT_FALSE(check_receipt(other_request, output, honest).ok());
}

TEST(CheckReceipt, refuses_a_signature_by_somebody_else) {
    const auto request = sample_request();
    const auto output = as_bytes("resposta");
    auto receipt = sample_receipt(request, output);
    receipt.sign(key_from(2));
    receipt.provider = key_from(1).address();
    EXPECT_EQ(check_receipt(request, output, receipt).error().kind, ErrorKind::permission_denied);
}

TEST(CheckTerms, holds_the_provider_to_its_name_and_prices) {
    const auto receipt = sample_receipt(sample_request(), as_bytes("resposta"));
    EXPECT_TRUE(check_terms(receipt, key_from(1).address(), {10, 30}).ok());
    EXPECT_EQ(check_terms(receipt, key_from(2).address(), {10, 30}).error().kind,
              ErrorKind::permission_denied);
    EXPECT_EQ(check_terms(receipt, key_from(1).address(), {10, 29}).error().kind,
              ErrorKind::corrupt);
}

TEST(Wei, reads_as_people_write_it) {
    EXPECT_EQ((Wei{0, 0}).decimal(), "0");
    EXPECT_EQ((Wei{0, 0}).tokens(), "0");
    EXPECT_EQ((Wei{0, 1}).tokens(), "0.000000000000000001");
    EXPECT_EQ((Wei{0, 1'500'000'000'000'000}).tokens(), "0.0015");
    EXPECT_EQ((Wei{0, 2'000'000'000'000'000'000}).tokens(), "2");
    EXPECT_EQ((Wei{1, 0}).decimal(), "18446744073709551616");
    EXPECT_EQ((Wei{~0ull, ~0ull}).decimal(), "340282366920938463463374607431768211455");
}

TEST(Pricing, does_not_overflow_at_its_limits) {
    const auto dearest = Pricing{~0ull, ~0ull}.price(~0u, ~0u);
    // 2 * (2^64 - 1) * (2^32 - 1)
    EXPECT_EQ(dearest.decimal(), "158456324991635187031078862850");
    EXPECT_EQ((Pricing{3, 5}.price(7, 11)), (Wei{0, 3 * 7 + 5 * 11}));
}

}  // namespace
}  // namespace mutirao::compute
