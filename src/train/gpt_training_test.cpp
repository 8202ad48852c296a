// The whole of train with a real model: two workers in one process.
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "model/nano_backend.hpp"
#include "train/round.hpp"
#include "train/sampler.hpp"
#include "train/test_texts.hpp"
#include "train/traffic.hpp"

namespace mutirao::train {
namespace {

struct Worker {
    std::unique_ptr<model::Model> model;
    TrainingRun run;
    Sampler sampler;
};

RunSettings small_settings(Schedule schedule) {
    auto settings = preset("mutirao").value();
    settings.model = model::GptConfig{.layers = 1, .width = 48, .heads = 2, .context = 32};
    settings.batch = 6;
    settings.local_steps = 10;
    settings.rounds = 5;
    settings.warmup_steps = 5;
    settings.schedule = schedule;
    return settings;
}

class GptTraining : public testing::Test {
  protected:
    Worker worker(const RunSettings& settings, std::uint32_t index) {
        const auto& config = settings.model;
        auto parameters = model::initial_parameters(config, settings.seed);
        auto made = backend->create(config, {.optimizer = model::Optimizer::muon}, parameters);
        return {
            std::move(made).value(),
            TrainingRun::make(settings, {{}, index, 2}, std::move(parameters)).value(),
            Sampler::make({{as_bytes(first)}, {as_bytes(second)}}, config.example(), settings.seed)
                .value()};
    }

    float held_out_loss(Worker& worker) {
        EXPECT_TRUE(worker.model->set_parameters(worker.run.shared_parameters()).ok());
        const auto text = worker.sampler.held_out(48);
        const auto rows = text.size() / worker.model->config().example_size();
        return worker.model->loss({static_cast<std::uint32_t>(rows), text}).value();
    }

    static Bytes train_round(Worker& worker, const RunSettings& settings, std::uint32_t index) {
        const auto round = worker.run.round();
        EXPECT_TRUE(worker.model->set_parameters(worker.run.start_parameters()).ok());
        double loss = 0;
        for (std::uint32_t i = 0; i < settings.local_steps; ++i) {
            const std::uint64_t step = std::uint64_t{round} * settings.local_steps + i;
            const auto tokens = worker.sampler.training_batch(index, step, settings.batch);
            loss +=
                worker.model->train_step({settings.batch, tokens}, settings.learning_rate_at(step))
                    .value() /
                settings.local_steps;
        }
        std::vector<float> local(worker.model->parameter_count());
        EXPECT_TRUE(worker.model->get_parameters(local).ok());
        const std::uint64_t tokens =
            std::uint64_t{settings.local_steps} * settings.batch * settings.model.answers();
        return worker.run.finish_round(local, tokens, loss).value();
    }

    const std::string first = portuguese(30000, 1), second = portuguese(20000, 2);
    std::unique_ptr<model::Backend> backend = model::make_nano_backend();
};

TEST_F(GptTraining, two_workers_learn_and_stay_bit_identical) {
    for (const auto schedule : {Schedule::sync, Schedule::delay_keep, Schedule::delay_restart}) {
        const auto settings = small_settings(schedule);
        Worker workers[] = {worker(settings, 0), worker(settings, 1)};
        const float before = held_out_loss(workers[0]);
        EXPECT_NEAR(before, std::log(256.0), 0.1);

        std::size_t sent = 0;
        std::map<std::uint32_t, std::vector<Payload>> payloads;
        while (!workers[0].run.finished()) {
            for (std::uint32_t i = 0; i < 2 && workers[i].run.wants_steps(); ++i) {
                const auto bytes = train_round(workers[i], settings, i);
                if (i == 0) sent += bytes.size();
                const auto at_zero = workers[0].run.check_payload(bytes).value();
                EXPECT_EQ(at_zero, workers[1].run.check_payload(bytes).value());
                payloads[at_zero.round].push_back(at_zero);
            }
            if (const auto due = workers[0].run.due()) {
                for (auto& each : workers) ASSERT_TRUE(each.run.apply(payloads[*due]).ok());
            }
            ASSERT_EQ(workers[0].run.shared_hash(), workers[1].run.shared_hash());
        }
        EXPECT_TRUE(std::ranges::equal(workers[0].run.shared_parameters(),
                                       workers[1].run.shared_parameters()));
        const float after = held_out_loss(workers[0]);
        RecordProperty("held_out_loss", std::to_string(after));
        EXPECT_LT(after, before - 2.5f);
        const auto dense = allreduce_bytes(workers[0].model->parameter_count(), settings.steps());
        EXPECT_LT(sent * 38, dense);  // int4 over 10 local steps: 40 times, less the envelope
    }
}

}  // namespace
}  // namespace mutirao::train
