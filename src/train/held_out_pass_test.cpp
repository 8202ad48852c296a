#include "train/held_out_pass.hpp"

#include <deque>
#include <gtest/gtest.h>

#include "train/outer.hpp"
#include "train/sampler.hpp"
#include "train/test_stages.hpp"
#include "train/test_texts.hpp"

namespace mutirao::train {
namespace {

constexpr auto kConfig = kStagedConfig;
constexpr std::uint32_t kStages = 3;
const std::vector<std::uint32_t> kWeights{250'000, 750'000};

Digest state_of(std::uint32_t stage) { return state_hash(std::vector{static_cast<float>(stage)}); }

// The last micro-batch is shorter than the others.
TEST(HeldOutPass, finds_the_whole_models_loss_and_tells_all_stages) {
    const auto text = portuguese(30000, 1);
    const auto examples =
        Sampler::make({{as_bytes(text)}}, kConfig.context, 1).value().held_out(11);
    const auto rows = static_cast<std::uint32_t>(examples.size() / (kConfig.context + 1));
    const auto whole = model::initial_parameters(kConfig, 1);
    const auto stages = stages_of(whole, kStages);
    std::vector<HeldOutPass> passes;
    for (std::uint32_t s = 0; s < kStages; ++s)
        passes.emplace_back(StagePlace{{}, 0, s, kStages, 1}, staged_job(), *stages[s],
                            HeldOutPass::Look{7, rows, state_of(s), s + 1 == kStages ? 2.5 : 0,
                                              s == 0 ? kWeights : std::vector<std::uint32_t>{}});
    std::deque<StageWorker::Sent> queue;
    for (auto& sent : passes[0].begin(examples).value()) queue.push_back(std::move(sent));
    std::vector<PipelineMessage> found;
    while (!queue.empty()) {
        const auto [to, bytes] = std::move(queue.back());  // in another order
        queue.pop_back();
        const auto message = decode_pipeline_message(bytes).value();
        if (message.kind == PipelineKind::found) {
            found.push_back(message);
            continue;
        }
        for (int twice = 0; twice < 2; ++twice) {
            auto more = passes[to].receive(message);
            ASSERT_TRUE(more.ok()) << more.error().message;
            for (auto& sent : *more) queue.push_back(std::move(sent));
        }
    }
    for (const auto& pass : passes) EXPECT_TRUE(pass.done());
    ASSERT_EQ(found.size(), kStages - 1);
    const auto& told = found.front();
    EXPECT_EQ(told, *passes.back().found());
    EXPECT_EQ(told.states, (std::vector{state_of(0), state_of(1), state_of(2)}));
    EXPECT_EQ(told.train_loss, 2.5);
    EXPECT_EQ(told.weights, kWeights);
    auto model = model::make_nano_backend()->create(kConfig, {}, whole).value();
    EXPECT_NEAR(told.held_out_loss, model->loss({rows, examples}).value(), 1e-5);

    auto wrong = told;
    wrong.kind = PipelineKind::held_out;
    wrong.step = 8;
    EXPECT_EQ(passes[1].receive(wrong).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(passes[0].receive(told).error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace mutirao::train
