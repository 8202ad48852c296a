#include "model/generate.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "base/random.hpp"

namespace mutirao::model {
namespace {

// Scores that a test sets; everything else of Model is out of reach of generate().
class FixedModel final : public Model {
  public:
    std::array<float, kVocabulary> logits{};
    Bytes seen;
    ModelConfig shape = GptConfig{1, 8, 2, 4};

    const ModelConfig& config() const override { return shape; }
    std::size_t parameter_count() const override { return shape.parameter_count(); }
    Status get_parameters(std::span<float>) const override { return unused(); }
    Status set_parameters(std::span<const float>) override { return unused(); }
    Result<float> train_step(const Batch&, float) override { return unused(); }
    Result<float> loss(const Batch&) override { return unused(); }
    Result<float> gradient(const Batch&, std::span<float>) override { return unused(); }
    Status next_token_logits(std::span<const Token> tokens, std::span<float> out) override {
        seen.assign(tokens.begin(), tokens.end());
        std::copy(logits.begin(), logits.end(), out.begin());
        return {};
    }

  private:
    static Error unused() { return {ErrorKind::unimplemented, "not part of this test"}; }
};

std::string generated(FixedModel& model, const GenerateOptions& options, std::uint64_t seed = 1) {
    SeededRandom random(seed);
    return std::string(as_text(generate(model, as_bytes("abc"), options, random).value()));
}

TEST(Generate, at_temperature_zero_takes_the_likeliest_byte) {
    FixedModel model;
    model.logits['x'] = 1e-3f;
    EXPECT_EQ(generated(model, {.new_tokens_max = 5, .temperature = 0}), "xxxxx");
    EXPECT_EQ(as_text(model.seen), "abcxxxx");
}

TEST(Generate, draws_only_among_the_top_k) {
    FixedModel model;
    model.logits['x'] = model.logits['y'] = 1;
    const auto text = generated(model, {.new_tokens_max = 300, .temperature = 1, .top_k = 2});
    EXPECT_EQ(text.find_first_not_of("xy"), std::string::npos);
    EXPECT_NE(text.find('x'), std::string::npos);
    EXPECT_NE(text.find('y'), std::string::npos);
}

TEST(Generate, draws_in_proportion_to_the_scores) {
    FixedModel model;
    model.logits.fill(-1e9f);
    model.logits['x'] = std::log(3.0f);
    model.logits['y'] = 0;
    const auto text = generated(model, {.new_tokens_max = 8000, .temperature = 1, .top_k = 0});
    // 3 to 1: 6000 of 8000 expected, deviation 39.
    EXPECT_NEAR(static_cast<double>(std::count(text.begin(), text.end(), 'x')), 6000, 200);
}

TEST(Generate, same_seed_gives_the_same_text) {
    FixedModel model;
    const GenerateOptions options{.new_tokens_max = 50};
    EXPECT_EQ(generated(model, options, 1), generated(model, options, 1));
    EXPECT_NE(generated(model, options, 1), generated(model, options, 2));
}

TEST(Generate, stops_after_a_line_feed_when_asked) {
    FixedModel model;
    model.logits['\n'] = 9;
    EXPECT_EQ(generated(model, {.temperature = 0, .stop_at_line_feed = true}), "\n");
}

TEST(Generate, refuses_bad_options_and_a_model_that_is_not_finite) {
    FixedModel model;
    SeededRandom random(1);
    const auto kind = [&](const GenerateOptions& options) {
        return generate(model, {}, options, random).error().kind;
    };
    EXPECT_EQ(kind({.new_tokens_max = kNewTokensMax + 1}), ErrorKind::invalid_argument);
    EXPECT_EQ(kind({.temperature = -1}), ErrorKind::invalid_argument);
    EXPECT_EQ(kind({.temperature = std::numeric_limits<float>::quiet_NaN()}),
              ErrorKind::invalid_argument);
    model.logits[0] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(kind({}), ErrorKind::corrupt);
}

TEST(WholeUtf8, keeps_text_drops_a_cut_sequence_and_replaces_what_is_no_utf8) {
    const std::pair<const char*, const char*> cases[] = {
        {"mutir\xC3\xA3o", "mutir\xC3\xA3o"},
        {"ma\xC3", "ma"},
        {"\xE2\x82\xAC", "\xE2\x82\xAC"},
        {"\xF0\x9F\x8C", ""},
        {"a\xFFz", "a\xEF\xBF\xBDz"},
        {"\xC3z", "\xEF\xBF\xBDz"},
        {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},                  // overlong
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},  // surrogate
        {"", ""},
    };
    for (const auto& [in, out] : cases) EXPECT_EQ(whole_utf8(as_bytes(in)), out);
}

}  // namespace
}  // namespace mutirao::model
