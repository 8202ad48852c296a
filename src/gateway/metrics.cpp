#include "gateway/metrics.hpp"

#include <functional>

namespace mutirao::gateway {
namespace {

using Labels = Exposition::Labels;

// "open" waits for its builder; the others are over.
bool is_running(std::string_view state) {
    return state == "running" || state == "waiting" || state == "reading" || state == "training";
}

void add_training(Exposition& page, const TrainingStatus& training) {
    const Labels run{{"run", training.name}};
    page.one("training_running", "gauge", "Whether the latest run is under way.",
             is_running(training.state) ? 1 : 0, run);
    page.one("training_tokens_per_second", "gauge", "Of the run's first worker.",
             training.tokens_per_second, run);
    page.one("training_exchanged_bytes_total", "counter",
             "Payloads that the run's first worker sent.",
             static_cast<double>(training.bytes_exchanged), run);
    page.one("training_allreduce_bytes_total", "counter",
             "What all-reduce after each step would have sent instead.",
             static_cast<double>(training.allreduce_bytes), run);
    if (training.losses.empty()) return;
    const auto& last = training.losses.back();
    page.one("training_round", "gauge", "The last round that is over.", last.round, run);
    page.one("training_loss_nats_per_byte", "gauge", "Of the last round's steps.", last.training,
             run);
    if (last.held_out)
        page.one("training_held_out_loss_nats_per_byte", "gauge",
                 "Of the shared parameters, on text that nobody trains on.", *last.held_out, run);
}

}  // namespace

std::string metrics_text(const StatusSnapshot& snapshot) {
    Exposition page;
    page.family("node_up", "gauge", "Whether a node answered when it was last asked.");
    for (const auto& node : snapshot.nodes)
        page.sample(node.up ? 1 : 0, {{"role", node.role}, {"endpoint", node.endpoint}});
    page.family("node_stored_bytes", "gauge", "Of fragments.");
    for (const auto& node : snapshot.nodes)
        if (node.role == "storage")
            page.sample(static_cast<double>(node.bytes), {{"endpoint", node.endpoint}});
    if (!snapshot.blocks.empty())
        page.one("ledger_height", "gauge", "The newest block.",
                 static_cast<double>(snapshot.blocks.front().height));
    page.one("consensus_bytes_total", "counter", "Carried by consensus.",
             static_cast<double>(snapshot.consensus_bytes));
    if (snapshot.training) add_training(page, *snapshot.training);
    return page.take();
}

std::string worker_metrics_text(std::span<const WorkerRun> runs) {
    Exposition page;
    using Figure = std::function<std::optional<double>(const WorkerRun&)>;
    const auto family = [&](const char* name, const char* kind, const char* help,
                            const Figure& figure) {
        page.family(name, kind, help);
        for (const auto& each : runs)
            if (const auto value = figure(each)) page.sample(*value, {{"run", each.run}});
    };
    using Round = WorkerRun::Round;
    const auto last = [&](const char* name, const char* kind, const char* help,
                          const std::function<std::optional<double>(const Round&)>& figure) {
        family(name, kind, help,
               [&](const WorkerRun& run) { return run.last ? figure(*run.last) : std::nullopt; });
    };
    family("worker_running", "gauge", "Whether the run is under way at this worker.",
           [](const auto& run) { return run.under_way ? 1 : 0; });
    family("worker_failed", "gauge", "Whether the run has failed at this worker.",
           [](const auto& run) { return run.failed ? 1 : 0; });
    family("worker_rounds", "gauge", "Rounds that the run has in all.",
           [](const auto& run) { return run.rounds_total; });
    family("worker_healed_total", "counter", "Times that this worker took others' state.",
           [](const auto& run) { return run.healed; });
    family("worker_left_out_total", "counter", "Rounds that this worker came too late for.",
           [](const auto& run) { return run.left_out; });
    family("worker_cheaters", "gauge", "Workers that this one found to send made-up numbers.",
           [](const auto& run) { return static_cast<double>(run.cheaters); });
    last("worker_round", "gauge", "The last round that is over.",
         [](const auto& round) { return round.round; });
    last("worker_loss_nats_per_byte", "gauge", "Of the last round's steps.",
         [](const auto& round) { return round.training_loss; });
    last("worker_held_out_loss_nats_per_byte", "gauge",
         "Of the shared parameters, on text that nobody trains on.",
         [](const auto& round) { return round.held_out_loss; });
    last("worker_tokens_per_second", "gauge", "Since the run began at this worker.",
         [](const auto& round) { return round.tokens_per_second; });
    last("worker_tokens_total", "counter", "That this worker trained on.",
         [](const auto& round) { return static_cast<double>(round.tokens); });
    last("worker_sent_bytes_total", "counter", "Of payloads, to all others.",
         [](const auto& round) { return static_cast<double>(round.bytes_sent); });
    return page.take();
}

}  // namespace mutirao::gateway
