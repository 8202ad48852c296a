#include "model/nano_backend.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <thread>

#include "model/backend_contract_test.hpp"
#include "model/nano/network.hpp"

namespace mutirao::model {
namespace {

TEST(NanoModel, computes_what_the_plain_reference_computes) {
    expect_agrees_with_reference(*make_nano_backend());
}

TEST(NanoModel, learns_with_both_optimizers_and_refuses_wrong_sizes) {
    auto backend = make_nano_backend();
    EXPECT_TRUE(backend->name().starts_with("nano "));
    expect_learns_and_refuses_wrong_sizes(*backend);
}

// Ten steps and then the parameters.
std::vector<float> trained(Optimizer optimizer) {
    const GptConfig config{2, 32, 2, 24};
    auto model = make_nano_backend()
                     ->create(config, {.optimizer = optimizer}, random_parameters(config))
                     .value();
    const Bytes tokens = random_tokens(4 * 25);
    for (int step = 0; step < 10; ++step) (void)model->train_step({4, tokens}, 1e-3f).value();
    std::vector<float> parameters(model->parameter_count());
    EXPECT_TRUE(model->get_parameters(parameters).ok());
    return parameters;
}

TEST(NanoModel, gives_the_same_bits_every_time_and_on_every_thread) {
    for (const auto optimizer : {Optimizer::adamw, Optimizer::muon}) {
        const auto once = trained(optimizer);
        std::vector<float> other, another;
        std::thread first([&] { other = trained(optimizer); });
        std::thread second([&] { another = trained(optimizer); });
        first.join();
        second.join();
        EXPECT_EQ(once, other);
        EXPECT_EQ(once, another);
    }
}

TEST(NanoModel, a_batch_of_many_slices_is_the_mean_of_its_slices) {
    const GptConfig config{1, 16, 2, 512};
    ASSERT_LT(nano::kSliceTokens, 5u * config.context);
    const auto parameters = random_parameters(config);
    const Bytes tokens = random_tokens(5 * 513);
    auto model = make_nano_backend()->create(config, {}, parameters).value();
    std::vector<float> whole(parameters.size()), part(parameters.size());
    const float loss = model->gradient({5, tokens}, whole).value();
    std::vector<double> sum(parameters.size());
    double losses = 0;
    for (std::size_t row = 0; row < 5; ++row) {
        losses += model->gradient({1, ByteSpan(tokens).subspan(row * 513, 513)}, part).value() / 5;
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(part[i]) / 5;
    }
    EXPECT_NEAR(loss, losses, 1e-5);
    EXPECT_EQ(model->loss({5, tokens}).value(), loss);
    for (std::size_t i = 0; i < sum.size(); ++i) ASSERT_NEAR(whole[i], sum[i], 1e-5) << i;
}

TEST(NanoModel, goes_on_bit_for_bit_from_parameters_and_optimizer_state) {
    expect_goes_on_from_its_optimizers_state(*make_nano_backend());
}

}  // namespace
}  // namespace mutirao::model
