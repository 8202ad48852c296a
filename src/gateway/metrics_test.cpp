#include "gateway/metrics.hpp"

#include <gtest/gtest.h>

namespace mutirao::gateway {
namespace {

bool has(const std::string& text, std::string_view line) {
    return ("\n" + text).find("\n" + std::string(line) + "\n") != std::string::npos;
}

StatusSnapshot snapshot() {
    StatusSnapshot out;
    out.nodes.push_back({"storage", "0x1", "127.0.0.1:4000", true, 12, 4096});
    out.nodes.push_back({"trainer", "0x2", "127.0.0.1:4001", false, 0, 0});
    out.blocks.push_back({.height = 7});
    out.consensus_bytes = 1234;
    return out;
}

TEST(Metrics, nodes_and_the_chain_are_there_without_any_run) {
    const auto text = metrics_text(snapshot());
    EXPECT_TRUE(has(text, R"(mutirao_node_up{role="storage",endpoint="127.0.0.1:4000"} 1)"));
    EXPECT_TRUE(has(text, R"(mutirao_node_up{role="trainer",endpoint="127.0.0.1:4001"} 0)"));
    EXPECT_TRUE(has(text, R"(mutirao_node_stored_bytes{endpoint="127.0.0.1:4000"} 4096)"));
    EXPECT_TRUE(has(text, "mutirao_ledger_height 7"));
    EXPECT_TRUE(has(text, "# TYPE mutirao_consensus_bytes_total counter"));
    EXPECT_EQ(text.find("training"), std::string::npos);
}

TEST(Metrics, a_run_shows_its_last_round) {
    auto facts = snapshot();
    TrainingStatus run{.name = "vila",
                       .state = "running",
                       .losses = {{1, 3.5, {}}, {2, 2.25, 2.5}},
                       .tokens_per_second = 1000,
                       .bytes_exchanged = 17,
                       .allreduce_bytes = 1700};
    facts.training = run;
    auto text = metrics_text(facts);
    EXPECT_TRUE(has(text, R"(mutirao_training_running{run="vila"} 1)"));
    EXPECT_TRUE(has(text, R"(mutirao_training_round{run="vila"} 2)"));
    EXPECT_TRUE(has(text, R"(mutirao_training_loss_nats_per_byte{run="vila"} 2.25)"));
    EXPECT_TRUE(has(text, R"(mutirao_training_held_out_loss_nats_per_byte{run="vila"} 2.5)"));
    EXPECT_TRUE(has(text, R"(mutirao_training_exchanged_bytes_total{run="vila"} 17)"));
    run.losses.clear();
    facts.training = run;
    text = metrics_text(facts);
    EXPECT_EQ(text.find("training_round"), std::string::npos);
}

TEST(Metrics, a_strangers_name_cannot_end_its_label) {
    auto facts = snapshot();
    facts.training = TrainingStatus{.name = "a\"} 1\nb\\",
                                    .state = "finished",
                                    .losses = {},
                                    .tokens_per_second = 0,
                                    .bytes_exchanged = 0,
                                    .allreduce_bytes = 0};
    EXPECT_TRUE(has(metrics_text(facts), R"(mutirao_training_running{run="a\"} 1\nb\\"} 0)"));
}

TEST(WorkerMetrics, each_run_of_a_trainer_has_its_figures) {
    const std::vector<WorkerRun> runs{
        {.run = "aa", .under_way = false, .failed = true},
        {.run = "bb",
         .under_way = true,
         .rounds_total = 40,
         .healed = 2,
         .cheaters = 1,
         .last = WorkerRun::Round{.round = 7, .training_loss = 2.5, .bytes_sent = 99}}};
    const auto text = worker_metrics_text(runs);
    EXPECT_TRUE(has(text, R"(mutirao_worker_running{run="aa"} 0)"));
    EXPECT_TRUE(has(text, R"(mutirao_worker_failed{run="aa"} 1)"));
    EXPECT_TRUE(has(text, R"(mutirao_worker_running{run="bb"} 1)"));
    EXPECT_TRUE(has(text, R"(mutirao_worker_healed_total{run="bb"} 2)"));
    EXPECT_TRUE(has(text, R"(mutirao_worker_cheaters{run="bb"} 1)"));
    EXPECT_TRUE(has(text, R"(mutirao_worker_round{run="bb"} 7)"));
    EXPECT_TRUE(has(text, R"(mutirao_worker_sent_bytes_total{run="bb"} 99)"));
    EXPECT_EQ(text.find("worker_round{run=\"aa\"}"), std::string::npos);
    EXPECT_EQ(text.find("held_out_loss_nats_per_byte{"), std::string::npos);
    EXPECT_EQ(text.find("# TYPE mutirao_worker_rounds"),
              text.rfind("# TYPE mutirao_worker_rounds"));
}

}  // namespace
}  // namespace mutirao::gateway
