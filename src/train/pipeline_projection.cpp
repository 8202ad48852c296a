#include "train/pipeline_projection.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "train/pipeline.hpp"

namespace mutirao::train {

namespace {

class Simulation {
  public:
    Simulation(const PipelineShape& shape, std::vector<StagePipeline> stages)
        : shape_(shape),
          stages_(std::move(stages)),
          free_at_(stages_.size(), 0),
          links_(2 * stages_.size(), 0) {}

    // Until all stages have taken their one step.
    Result<PipelineProjection> run() {
        for (std::size_t i = 0; i < stages_.size(); ++i) begin_work(i, 0);
        while (!events_.empty()) {
            const auto now = events_.begin()->first;
            auto event = std::move(events_.begin()->second);
            events_.erase(events_.begin());
            if (event.computed) {
                send(event.stage, now, stages_[event.stage].done({{}, Bytes(1), 0}));
            } else {
                TRY(const auto sent, stages_[event.stage].receive(std::move(event.message)));
                send(event.stage, now, sent);
            }
            out_.step_s = now;
            begin_work(event.stage, now);
        }
        const double work = (shape_.forward_s + shape_.backward_s) * shape_.micro_batches;
        if (out_.step_s > 0) out_.idle_share = 1 - work / out_.step_s;
        return out_;
    }

  private:
    struct Event {
        std::size_t stage = 0;
        bool computed = false;
        PipelineMessage message;
    };

    void begin_work(std::size_t stage, double now) {
        if (free_at_[stage] > now) return;
        const auto work = stages_[stage].next();
        if (!work) return;
        double takes = 0;
        if (work->kind == StageWork::Kind::forward) takes = shape_.forward_s;
        if (work->kind == StageWork::Kind::backward) takes = shape_.backward_s;
        out_.in_flight_max =
            std::max(out_.in_flight_max, stages_[stage].in_flight() +
                                             (work->kind == StageWork::Kind::forward ? 1u : 0u));
        free_at_[stage] = now + takes;
        events_.emplace(free_at_[stage], Event{stage, true, {}});
    }

    void send(std::size_t from, double now, const std::vector<StagePipeline::Outgoing>& messages) {
        for (const auto& [to, message] : messages) {
            const bool large = message.kind != PipelineKind::norm;
            double& link = links_[2 * std::min<std::size_t>(from, to) + (to < from ? 1 : 0)];
            link = std::max(link, now) + (large ? shape_.message_bytes / shape_.bytes_per_s : 0);
            events_.emplace(link + shape_.latency_s, Event{to, false, message});
        }
    }

    const PipelineShape& shape_;
    std::vector<StagePipeline> stages_;
    std::vector<double> free_at_, links_;
    std::multimap<double, Event> events_;  // of equal times the first put in comes first
    PipelineProjection out_;
};

}  // namespace

Result<PipelineProjection> project_pipeline(const PipelineShape& shape) {
    for (const double value :
         {shape.forward_s, shape.backward_s, shape.message_bytes, shape.latency_s})
        if (!(value >= 0))
            return Error{ErrorKind::invalid_argument, "a pipeline's times and sizes are 0 or more"};
    if (!(shape.bytes_per_s > 0))
        return Error{ErrorKind::invalid_argument, "a link carries more than 0 bytes a second"};
    std::vector<StagePipeline> stages;
    for (std::uint32_t i = 0; i < std::max(shape.stages, 1u); ++i) {
        TRY(auto stage, StagePipeline::make({{}, 0, i, shape.stages, shape.micro_batches}, 1));
        stages.push_back(std::move(stage));
    }
    return Simulation(shape, std::move(stages)).run();
}

}  // namespace mutirao::train
