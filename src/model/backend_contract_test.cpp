#include "model/backend_contract_test.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "base/random.hpp"
#include "model/reference_gpt_test.hpp"

namespace mutirao::model {

std::vector<float> random_parameters(const GptConfig& config) {
    auto parameters = initial_parameters(config, 5);
    // Larger than a fresh model's, so that every non-linearity is in play.
    for (auto& parameter : parameters) parameter *= 8;
    return parameters;
}

Bytes random_tokens(std::size_t size) {
    Bytes tokens(size);
    SeededRandom(11).fill(tokens);
    return tokens;
}

void expect_agrees_with_reference(Backend& backend) {
    // Goal: logits, loss and gradient. Method: a plain double-precision forward pass written
    // independently, and its central differences along random directions for the gradient.
    const GptConfig config{2, 16, 2, 8};
    auto parameters = random_parameters(config);
    auto model = backend.create(config, {}, parameters).value();

    const Bytes tokens = random_tokens(3 * 9);
    const std::vector<Token> window(tokens.begin(), tokens.end());
    std::array<float, kVocabulary> logits;
    for (const std::size_t length : {1u, 5u, 8u}) {
        ASSERT_TRUE(model->next_token_logits(std::span(window).first(length), logits).ok());
        const auto expected = reference_logits(config, parameters, ByteSpan(tokens).first(length));
        for (std::size_t i = 0; i < kVocabulary; ++i)
            ASSERT_NEAR(logits[i], expected[length - 1][i], 1e-4);
    }
    // Only the last `context` bytes count.
    std::array<float, kVocabulary> again;
    ASSERT_TRUE(model->next_token_logits(std::span(window).first(20), logits).ok());
    ASSERT_TRUE(model->next_token_logits(std::span(window).subspan(12, 8), again).ok());
    EXPECT_EQ(logits, again);

    const Batch batch{3, tokens};
    const double expected = reference_loss(config, parameters, batch);
    EXPECT_NEAR(model->loss(batch).value(), expected, 1e-4);
    std::vector<float> gradient(parameters.size());
    EXPECT_NEAR(model->gradient(batch, gradient).value(), expected, 1e-4);

    SeededRandom random(2);
    for (int trial = 0; trial < 8; ++trial) {
        std::vector<float> ahead = parameters, behind = parameters;
        double slope = 0;
        for (std::size_t i = 0; i < parameters.size(); ++i) {
            const float sign = random.next_u64() % 2 ? 1e-5f : -1e-5f;
            ahead[i] += sign;
            behind[i] -= sign;
            slope += static_cast<double>(gradient[i]) * (static_cast<double>(ahead[i]) - behind[i]);
        }
        const double difference =
            reference_loss(config, ahead, batch) - reference_loss(config, behind, batch);
        EXPECT_NEAR(slope, difference, 1e-3 * std::abs(difference) + 1e-6);
    }
}

void expect_goes_on_from_its_optimizers_state(Backend& backend) {
    const GptConfig config{1, 16, 2, 8};
    const Bytes tokens = random_tokens(2 * 9);
    for (const auto optimizer : {Optimizer::adamw, Optimizer::muon}) {
        const auto fresh = [&] {
            return backend.create(config, {.optimizer = optimizer}, random_parameters(config))
                .value();
        };
        auto first = fresh(), second = fresh();
        const auto none = first->optimizer_state().value();
        EXPECT_EQ(none.steps, 0u);
        EXPECT_EQ(none.moments, std::vector<float>(2 * first->parameter_count()));
        for (int step = 0; step < 3; ++step) (void)first->train_step({2, tokens}, 1e-2f).value();
        std::vector<float> wanted(first->parameter_count()), got(wanted.size());
        ASSERT_TRUE(first->get_parameters(wanted).ok());
        ASSERT_TRUE(second->set_parameters(wanted).ok());
        const auto state = first->optimizer_state().value();
        ASSERT_TRUE(second->set_optimizer_state(state).ok());
        EXPECT_EQ(second->optimizer_state().value(), state);
        for (auto* model : {first.get(), second.get()})
            (void)model->train_step({2, tokens}, 1e-2f).value();
        ASSERT_TRUE(first->get_parameters(wanted).ok());
        ASSERT_TRUE(second->get_parameters(got).ok());
        EXPECT_EQ(got, wanted);
        EXPECT_FALSE(second->set_optimizer_state({1, {1.0f}}).ok());
        // As whoever takes the others' state does.
        ASSERT_TRUE(second->set_optimizer_state(none).ok());
        EXPECT_EQ(second->optimizer_state().value(), none);
    }
}

void expect_learns_and_refuses_wrong_sizes(Backend& backend) {
    const GptConfig config{1, 32, 2, 16};
    const auto parameters = initial_parameters(config, 1);
    std::string text;
    while (text.size() < 8 * 17) text += "o mutirao da vila ";
    const Batch batch{8, as_bytes(text).first(8 * 17)};

    for (const auto optimizer : {Optimizer::adamw, Optimizer::muon}) {
        auto model = backend.create(config, {.optimizer = optimizer}, parameters).value();
        const float before = model->loss(batch).value();
        EXPECT_NEAR(before, std::log(256.0), 0.05);
        for (int step = 0; step < 40; ++step) ASSERT_TRUE(model->train_step(batch, 1e-2f).ok());
        EXPECT_LT(model->loss(batch).value(), 1.0);

        std::vector<float> trained(parameters.size());
        ASSERT_TRUE(model->get_parameters(trained).ok());
        EXPECT_NE(trained, parameters);
        ASSERT_TRUE(model->set_parameters(parameters).ok());
        EXPECT_EQ(model->loss(batch).value(), before);
    }

    auto model = backend.create(config, {}, parameters).value();
    std::vector<float> wrong(parameters.size() - 1);
    EXPECT_EQ(model->get_parameters(wrong).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(model->set_parameters(wrong).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(model->gradient(batch, wrong).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(model->loss({7, batch.tokens}).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(model->train_step({0, {}}, 1).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(model->next_token_logits({}, wrong).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(model->scores(batch, wrong).error().kind, ErrorKind::unimplemented);
    EXPECT_FALSE(backend.create(config, {}, wrong).ok());
    EXPECT_FALSE(backend.create(GptConfig{0, 32, 2, 16}, {}, parameters).ok());

    // A diverged model is told apart, and stays as it was.
    std::vector<float> broken = parameters;
    broken.back() = std::numeric_limits<float>::infinity();
    ASSERT_TRUE(model->set_parameters(broken).ok());
    EXPECT_EQ(model->train_step(batch, 1e-2f).error().kind, ErrorKind::corrupt);
    std::vector<float> after(parameters.size());
    ASSERT_TRUE(model->get_parameters(after).ok());
    EXPECT_EQ(after, broken);
}

}  // namespace mutirao::model
