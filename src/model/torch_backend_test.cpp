// Few, large tests: each runs in a process of its own and pays libtorch's start of 1-2 s.
#include "model/torch_backend.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

#include "model/backend_contract_test.hpp"
#include "model/nano_backend.hpp"

namespace mutirao::model {
namespace {

std::unique_ptr<Backend> torch() {
    const auto executable = std::filesystem::read_symlink("/proc/self/exe");
    const std::string lib = (executable.parent_path() / "../../lib").string();
    return load_torch_backend(find_torch_plugin(std::span(&lib, 1)).value()).value();
}

TEST(TorchPlugin, that_is_missing_or_no_plugin_gives_a_sentence) {
    const std::string nowhere[] = {"/nonexistent", "/also-nonexistent"};
    const auto missing = find_torch_plugin(nowhere);
    EXPECT_EQ(missing.error().kind, ErrorKind::not_found);
    EXPECT_NE(missing.error().message.find("/also-nonexistent"), std::string::npos);

    const auto path = testing::TempDir() + "not_a_plugin.so";
    std::ofstream(path) << "text";
    EXPECT_EQ(load_torch_backend(path).error().kind, ErrorKind::unavailable);
    std::filesystem::remove(path);
    EXPECT_EQ(load_torch_backend("no-such-file.so").error().kind, ErrorKind::unavailable);
}

TEST(TorchModel, computes_what_the_plain_reference_computes) {
    expect_agrees_with_reference(*torch());
}

TEST(TorchModel, learns_with_both_optimizers_and_refuses_wrong_sizes) {
    auto backend = torch();
    EXPECT_TRUE(backend->name().starts_with("libtorch "));
    expect_learns_and_refuses_wrong_sizes(*backend);
    expect_goes_on_from_its_optimizers_state(*backend);
}

// How far two lists are apart, beside the largest magnitude of the second.
double relative_difference(std::span<const float> a, std::span<const float> b) {
    double difference = 0, largest = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
        difference = std::max(difference, std::abs(static_cast<double>(a[i]) - b[i]));
        largest = std::max(largest, std::abs(static_cast<double>(b[i])));
    }
    return difference / largest;
}

TEST(NanoModel, has_libtorchs_gradients_and_steps_to_one_in_ten_thousand) {
    // Tensor by tensor, as small gradients would hide behind large ones.
    const GptConfig config{3, 48, 3, 40};
    auto parameters = initial_parameters(config, 5);
    for (auto& parameter : parameters) parameter *= 3;
    const Bytes tokens = random_tokens(5 * 41);
    auto theirs = torch();
    auto ours = make_nano_backend();
    for (const auto optimizer : {Optimizer::adamw, Optimizer::muon}) {
        auto a = ours->create(config, {.optimizer = optimizer}, parameters).value();
        auto b = theirs->create(config, {.optimizer = optimizer}, parameters).value();
        std::vector<float> got(parameters.size()), wanted(parameters.size());
        EXPECT_NEAR(a->gradient({5, tokens}, got).value(), b->gradient({5, tokens}, wanted).value(),
                    1e-4);
        for (const auto& part : parameter_layout(config))
            EXPECT_LT(relative_difference(std::span(got).subspan(part.offset, part.size),
                                          std::span(wanted).subspan(part.offset, part.size)),
                      1e-4)
                << part.name;

        for (int step = 0; step < 3; ++step) {
            EXPECT_NEAR(a->train_step({5, tokens}, 2e-3f).value(),
                        b->train_step({5, tokens}, 2e-3f).value(), 1e-3);
        }
        ASSERT_TRUE(a->get_parameters(got).ok());
        ASSERT_TRUE(b->get_parameters(wanted).ok());
        const auto here = a->optimizer_state().value(), there = b->optimizer_state().value();
        EXPECT_EQ(here.steps, there.steps);
        EXPECT_LT(relative_difference(here.moments, there.moments), 1e-2);
        // Of the way that both went.
        for (std::size_t i = 0; i < got.size(); ++i)
            got[i] -= parameters[i], wanted[i] -= parameters[i];
        double square = 0, way = 0;
        for (std::size_t i = 0; i < got.size(); ++i) {
            square += std::pow(static_cast<double>(got[i]) - wanted[i], 2);
            way += std::pow(static_cast<double>(wanted[i]), 2);
        }
        EXPECT_LT(std::sqrt(square / way), 1e-2);
    }
}

}  // namespace
}  // namespace mutirao::model
