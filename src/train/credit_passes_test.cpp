#include "train/credit_passes.hpp"

#include <deque>
#include <gtest/gtest.h>

#include "train/sampler.hpp"
#include "train/test_stages.hpp"
#include "train/test_texts.hpp"

namespace mutirao::train {
namespace {

constexpr auto kConfig = kStagedConfig;
constexpr std::uint32_t kStages = 3, kBatch = 10;

struct Pipeline {
    std::vector<std::unique_ptr<model::Stage>> stages;
    std::vector<CreditPasses> passes;
};

Pipeline pipeline_of(std::span<const float> whole) {
    Pipeline out{stages_of(whole, kStages), {}};
    for (std::uint32_t s = 0; s < kStages; ++s)
        out.passes.emplace_back(StagePlace{{}, 0, s, kStages, 1}, staged_job(), *out.stages[s], 2,
                                7);
    return out;
}

// Everything arrives twice, and what came last first.
void run(Pipeline& pipeline, std::vector<StageWorker::Sent> first) {
    std::deque<StageWorker::Sent> queue(first.begin(), first.end());
    while (!queue.empty()) {
        const auto [to, bytes] = std::move(queue.back());
        queue.pop_back();
        const auto message = decode_pipeline_message(bytes).value();
        for (int twice = 0; twice < 2; ++twice) {
            auto more = pipeline.passes[to].receive(message);
            ASSERT_TRUE(more.ok()) << more.error().message;
            for (auto& sent : *more) queue.push_back(std::move(sent));
        }
    }
}

// Two owners, one of whom has held-out examples, too; parts that are no whole micro-batches.
TEST(CreditPasses, bring_the_whole_models_inner_products) {
    const auto text = portuguese(30000, 1);
    auto sampler = Sampler::make({{as_bytes(text)}}, kConfig.context, 1).value();
    const auto held_out = sampler.held_out(5), batch = sampler.training_batch(0, 7, kBatch);
    const std::vector<std::uint32_t> owners{0, 1, 1, 0, 1, 1, 1, 0, kNobody, 1};
    const std::vector<std::uint32_t> held_out_owners{1, kNobody, 1, kNobody, kNobody};
    const auto whole = model::initial_parameters(kConfig, 1);
    const auto parts = owner_parts({batch, owners}, {held_out, held_out_owners}, 2).value();
    ASSERT_EQ(parts.size(), 2u);

    auto pipeline = pipeline_of(whole);
    auto& first = pipeline.passes.front();
    const auto begun = first.begin({parts, held_out, 5, kBatch, 1e-3f}).value();
    // Of passes that have none: the first stage would wait for the rest of them for ever.
    auto product = decode_pipeline_message(begun.front().message).value();
    product.kind = PipelineKind::product;
    product.micro_batch = 1;
    for (const std::uint32_t pass : {0, 2, 5}) {
        product.pass = pass;
        EXPECT_EQ(first.receive(product).error().kind, ErrorKind::corrupt) << pass;
    }
    run(pipeline, begun);
    ASSERT_TRUE(first.done());
    const auto products = first.products();

    auto model = model::make_nano_backend()->create(kConfig, {}, whole).value();
    const auto gradient = [&](std::uint32_t rows, ByteSpan examples) {
        std::vector<float> out(whole.size());
        EXPECT_TRUE(model->gradient({rows, examples}, out).ok());
        return out;
    };
    const auto wanted = gradient(5, held_out);
    for (std::size_t i = 0; i < 2; ++i) {
        const auto part = gradient(parts[i].rows, parts[i].examples);
        const double product = inner_product(part, wanted);
        EXPECT_NEAR(products[i].held_out, product, 1e-5 * std::abs(product)) << i;
    }
    EXPECT_EQ(parts[0].own_rows, 0u);
    EXPECT_EQ(products[0].own, 0);
    const double own = inner_product(gradient(parts[1].rows, parts[1].examples),
                                     gradient(parts[1].own_rows, parts[1].own_examples));
    EXPECT_NEAR(products[1].own, own, 1e-5 * std::abs(own));
}

TEST(CreditPasses, refuse_what_nobody_sends) {
    auto pipeline = pipeline_of(model::initial_parameters(kConfig, 1));
    const auto text = portuguese(30000, 1);
    const auto held_out = Sampler::make({{as_bytes(text)}}, kConfig.context, 1).value().held_out(5);
    auto sent = pipeline.passes[0].begin({{}, held_out, 5, kBatch, 1e-3f}).value();
    ASSERT_EQ(sent.size(), 1u);
    const auto probe = decode_pipeline_message(sent.front().message).value();
    const auto said = [&](std::uint32_t stage, auto change) {
        auto message = probe;
        change(message);
        const auto answer = pipeline.passes[stage].receive(message);
        return answer.ok() ? ErrorKind::io : answer.error().kind;
    };
    EXPECT_EQ(said(0, [](auto&) {}), ErrorKind::corrupt);  // it sends these itself
    EXPECT_EQ(said(1, [](auto& m) { m.step = 8; }), ErrorKind::corrupt);
    EXPECT_EQ(said(1, [](auto& m) { m.attempt = 1; }), ErrorKind::corrupt);
    EXPECT_EQ(said(1, [](auto& m) { m.micro_batch = 1; }), ErrorKind::corrupt);
    EXPECT_EQ(said(1, [](auto& m) { m.examples.pop_back(); }), ErrorKind::corrupt);
    EXPECT_EQ(said(0, [](auto& m) { m.kind = PipelineKind::product, m.micro_batch = 3; }),
              ErrorKind::corrupt);
    EXPECT_FALSE(pipeline.passes[0].done());
}

}  // namespace
}  // namespace mutirao::train
