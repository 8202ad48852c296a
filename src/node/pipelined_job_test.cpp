#include "node/pipelined_job.hpp"

#include <cmath>
#include <gtest/gtest.h>

#include "model/checkpoint.hpp"
#include "node/test_pipelines.hpp"

namespace mutirao::node {
namespace {

// How soon a trainer is missed depends on the machine: the others must not have finished by then.
constexpr std::uint32_t kEndless = 100'000;

const double kKnowsNothing = std::log(256);  // nats a byte

// Three more rounds that each of them knows; then all stop, having told the ledger the same. Some
// rounds a trainer knew by the others' state alone, and did not tell of.
void expect_to_go_on_alike(Pipelines& all, const std::vector<std::uint32_t>& workers) {
    const auto known = [&](std::uint32_t i) { return all.job(i).progress().rounds.size(); };
    for (const auto i : workers) {
        const auto before = known(i);
        EXPECT_TRUE(all.wait_until([&] { return known(i) >= before + 3; })) << i;
    }
    for (const auto i : workers) all.stop(i);
    std::map<std::uint32_t, Digest> told;
    for (const auto i : workers) {
        EXPECT_FALSE(all.reported(i).empty()) << i;
        for (const auto& [round, state] : all.reported(i))
            EXPECT_EQ(told.try_emplace(round, state).first->second, state) << i << " " << round;
    }
}

TEST(PipelinedJob, two_pipelines_of_two_stages_learn_and_their_pieces_are_one_model) {
    const auto settings = staged_settings(0);
    Pipelines all(4, settings, 2);
    all.start_all();
    ASSERT_TRUE(all.finish({0, 1, 2, 3}));
    for (std::uint32_t i = 0; i < 4; ++i) {
        const auto progress = all.job(i).progress();
        EXPECT_EQ(progress.left_out, 0u) << i;
        EXPECT_EQ(progress.taken_over, 0u) << i;
        EXPECT_EQ(progress.serves, 1u) << i;
        // Every trainer knows the whole model's losses, and tells the ledger the same of it.
        ASSERT_EQ(progress.rounds.size(), settings.rounds + 1) << i;
        EXPECT_LT(progress.rounds.back().held_out_loss,
                  progress.rounds.front().held_out_loss - 0.2);
        EXPECT_EQ(all.reported(i).size(), settings.rounds) << i;
        EXPECT_EQ(all.reported(i), all.reported(0)) << i;
        EXPECT_EQ(all.job(i).checkpoints().names(), all.job(i % 2).checkpoints().names()) << i;
    }
    const auto checkpoint = model::decode_checkpoint(all.checkpoint({0, 3}));
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
    EXPECT_EQ(checkpoint->config, settings.model);
    EXPECT_EQ(checkpoint->round, settings.rounds);
    EXPECT_EQ(checkpoint->tokens, 2u * settings.steps() * settings.batch * 16);
    auto model =
        model::make_nano_backend()->create(checkpoint->config, {}, checkpoint->parameters).value();
    EXPECT_EQ(all.job(0).progress().parameters, model->parameter_count());
}

TEST(PipelinedJob, exchanges_of_a_stage_may_be_late_and_of_pieces) {
    auto late = staged_settings(0);
    const auto dilocox = train::preset("dilocox").value();
    late.schedule = dilocox.schedule;
    late.codec = {.kind = train::CodecKind::low_rank, .rank = 4};
    late.inner = dilocox.inner;
    late.activations = dilocox.activations;
    auto pieces = staged_settings(0);
    pieces.schedule = train::Schedule::delay_keep;
    pieces.fragments = 2;
    pieces.codec = {.kind = train::CodecKind::dense2, .block = 256};
    for (const auto& settings : {late, pieces}) {
        Pipelines all(4, settings);
        all.start_all();
        ASSERT_TRUE(all.finish({0, 1, 2, 3}));
        for (std::uint32_t i = 0; i < 4; ++i) {
            EXPECT_EQ(all.job(i).progress().round, settings.rounds_total());
            EXPECT_EQ(all.reported(i), all.reported(0)) << i;
        }
        const auto& rounds = all.job(3).progress().rounds;
        EXPECT_LT(rounds.back().held_out_loss, rounds.front().held_out_loss);
    }
}

// Another trainer of the stage computes for both pipelines.
TEST(PipelinedJob, stages_that_lose_their_trainers_are_taken_over) {
    struct Case {
        std::uint32_t pipelines, stages;
        std::vector<std::uint32_t> lost;
    };
    for (const auto& [pipelines, stages, lost] : {Case{2, 3, {1}}, Case{3, 2, {0, 3}}}) {
        SCOPED_TRACE(stages);
        Pipelines all(pipelines * stages, long_settings(1, kEndless, stages));
        all.start_all_and_lose(lost, {.worker = 0, .round = 1});
        std::vector<std::uint32_t> left;
        for (std::uint32_t i = 0; i < pipelines * stages; ++i)
            if (std::ranges::find(lost, i) == lost.end()) left.push_back(i);
        const auto is_taken_over = [&](std::uint32_t place) {
            return std::ranges::any_of(left, [&](std::uint32_t i) {
                return i % stages == place % stages && all.job(i).progress().serves > 1;
            });
        };
        EXPECT_TRUE(all.wait_until([&] { return std::ranges::all_of(lost, is_taken_over); }));
        // Those of the pipelines that lost somebody, too: they had not learnt this by round 1.
        EXPECT_TRUE(all.wait_until([&] {
            return std::ranges::all_of(left, [&](std::uint32_t i) {
                const auto rounds = all.job(i).progress().rounds;
                return !rounds.empty() && rounds.back().held_out_loss < kKnowsNothing - 0.3;
            });
        }));
        expect_to_go_on_alike(all, left);
    }
}

// It has no pipeline of its own, and knows what all know; a pipeline that loses its trainer has it.
TEST(PipelinedJob, a_trainer_beyond_whole_pipelines_takes_a_lost_ones_place) {
    Pipelines all(5, long_settings(0, kEndless));
    all.start_all();
    all.wait_for_round(4, 2);
    EXPECT_EQ(all.job(4).progress().serves, 0u);
    all.stop(2);
    const auto serves = [&](std::uint32_t i) { return all.job(i).progress().serves; };
    EXPECT_TRUE(all.wait_until([&] { return serves(4) == 1 && serves(0) == 1; }));
    EXPECT_GE(all.job(4).progress().taken_over, 1u);
    expect_to_go_on_alike(all, {0, 1, 3, 4});
}

TEST(PipelinedJob, whoever_comes_back_takes_its_own_place_again) {
    Pipelines all(4, long_settings(1, kEndless));
    all.start_all_and_lose({1}, {.worker = 1, .round = 2});
    const auto serves = [&](std::uint32_t i) { return all.job(i).progress().serves; };
    ASSERT_TRUE(all.wait_until([&] { return serves(3) == 2; }));
    all.start(1);
    EXPECT_TRUE(all.wait_until([&] { return serves(3) == 1 && serves(1) == 1; }));
    expect_to_go_on_alike(all, all.everybody());
}

// Nobody else has the stage: the others wait, and go on at the step that was under way.
TEST(PipelinedJob, a_single_pipeline_waits_for_whom_it_lost) {
    auto settings = staged_settings(0);
    settings.rounds = 3;
    settings.local_steps = 200;
    Pipelines one(2, settings);
    one.start_all_and_lose({1}, {.worker = 0, .round = 1});
    one.start(1);
    ASSERT_TRUE(one.finish({0, 1}));
    EXPECT_EQ(one.job(0).progress().round, settings.rounds);
    EXPECT_EQ(one.job(0).progress().healed + one.job(0).progress().left_out, 0u);
}

// A trainer may sign what it likes. What it is told of a look before the look ends is a lie.
TEST(PipelinedJob, weights_of_more_objects_than_the_run_has_are_nobodys) {
    const auto settings = staged_settings(0);
    Pipelines all(2, settings);
    all.network().tap = [&](std::string_view method, ByteSpan request, const Result<Bytes>&) {
        v1::PushRequest push;
        if (method != "/mutirao.v1.Train/Push" || !wire::parse(request, push).ok()) return;
        const auto looked = all.pushed(push);
        if (looked.kind != train::PipelineKind::held_out) return;
        train::PipelineMessage lie;
        lie.run = looked.run;
        lie.step = looked.step;
        lie.kind = train::PipelineKind::found;
        lie.states = {looked.states.front(), Digest{}};
        lie.weights.assign(1000, 7);
        (void)all.job(0).seats()->push(all.push_of(1, lie)).ok();
    };
    all.start_all();
    ASSERT_TRUE(all.finish({0, 1}));
    EXPECT_EQ(all.reported(0).size(), settings.rounds);
    for (const auto& weights : all.weights(0)) EXPECT_TRUE(weights.empty());
}

TEST(PipelinedJob, refuses_trainers_that_make_no_pipeline) {
    MemoryDisk disk;
    FastClock clock;
    Calls network;
    ThreadExecutor executor;
    SeededRandom random(1);
    const auto key = crypto::AccountKey::generate(random);
    const auto refusal = [&](std::uint32_t trainers, std::uint32_t quorum, const char* endpoint) {
        JobPlan plan{staged_settings(quorum),
                     {.run = {},
                      .worker = 0,
                      .trainers = std::vector<Address>(trainers, key.address()),
                      .endpoints = std::vector<std::string>(trainers, endpoint)},
                     0};
        JobPorts ports{clock, random, network, executor, key, {}, {}, {}};
        const auto open = [&](const train::RunId& group) { return RunStore::open(disk, group); };
        const auto job = PipelinedJob::make(plan, ports, open({}).value(), {}, open);
        return job.ok() ? "accepted" : job.error().message;
    };
    EXPECT_NE(refusal(1, 0, "here").find("at least 2"), std::string::npos);
    EXPECT_NE(refusal(4, 3, "here").find("quorum of 3"), std::string::npos);
    EXPECT_NE(refusal(4, 0, "").find("address"), std::string::npos);
    EXPECT_EQ(refusal(4, 2, "here"), "accepted");
}

}  // namespace
}  // namespace mutirao::node
