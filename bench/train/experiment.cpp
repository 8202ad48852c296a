#include "train/experiment.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <iostream>
#include <map>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/nano_backend.hpp"
#include "model/stage.hpp"
#include "train/pipeline_message.hpp"
#include "train/round.hpp"
#include "train/sampler.hpp"

namespace mutirao::bench {

namespace {

constexpr std::uint32_t kMeasurements = 20;  // of the held-out loss, at least so many a run

double cpu_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// With stages a pipeline: its inner steps are the whole model's bit for bit (model/stage.hpp), so
// they are computed at once; what is exchanged is each stage's own.
struct Worker {
    std::unique_ptr<model::Model> model;
    std::vector<train::TrainingRun> stages;

    train::TrainingRun& first() { return stages.front(); }
};

struct StagePart {
    model::StageSlice slice;
    std::vector<train::Matrix> matrices;

    template <class T>
    std::span<T> of(std::span<T> whole) const {
        return whole.subspan(slice.offset, slice.size);
    }
};

std::vector<StagePart> parts_of(const train::RunSettings& settings) {
    if (settings.stages == 1) {
        const auto layout = model::parameter_layout(settings.model);
        return {{{0, settings.model.parameter_count()}, train::matrices_of(layout)}};
    }
    const auto& config = *settings.model.gpt();
    std::vector<StagePart> out;
    for (const auto& range : model::cut_into_stages(config, settings.stages).value())
        out.push_back({model::stage_slice(config, range),
                       train::matrices_of(model::stage_layout(config, range))});
    return out;
}

class Runner {
  public:
    Runner(const Experiment& experiment, const Bytes& text)
        : experiment_(experiment),
          settings_(experiment.settings),
          config_(settings_.model),
          sampler_(train::Sampler::make({{text, 0}}, config_.example(), settings_.seed).value()),
          parts_(parts_of(settings_)),
          initial_(model::initial_parameters(config_, settings_.seed)),
          held_out_(sampler_.held_out(experiment.held_out_rows)) {
        outcome_.parameters = static_cast<double>(initial_.size());
    }

    Outcome go() {
        measured_ = experiment_.all_reduce ? all_reduce() : rounds();
        if (!measured_) outcome_.losses.clear(), outcome_.steps.clear();
        return outcome_;
    }

  private:
    std::unique_ptr<model::Model> make_model() const {
        return model::make_nano_backend()->create(config_, settings_.optimizer(), initial_).value();
    }

    bool measure(model::Model& model, std::uint64_t step) {
        const auto rows = static_cast<std::uint32_t>(held_out_.size() / config_.example_size());
        const float loss = model.loss({rows, held_out_}).value();
        outcome_.steps.push_back(static_cast<double>(step));
        outcome_.losses.push_back(loss);
        return std::isfinite(loss);
    }

    bool all_reduce() {
        auto model = make_model();
        const auto every = std::max<std::uint64_t>(1, settings_.steps() / kMeasurements);
        double seconds = 0;
        for (std::uint64_t step = 0; step < settings_.steps(); ++step) {
            Bytes batch;
            for (std::uint32_t w = 0; w < experiment_.workers; ++w)
                append(batch, sampler_.training_batch(w, step, settings_.batch));
            const double began = cpu_seconds();
            const auto rows = settings_.batch * experiment_.workers;
            if (!model->train_step({rows, batch}, settings_.learning_rate_at(step)).ok())
                return false;
            seconds += cpu_seconds() - began;
            if ((step + 1) % every == 0 && !measure(*model, step + 1)) return false;
        }
        outcome_.step_seconds =
            seconds / static_cast<double>(settings_.steps() * experiment_.workers);
        outcome_.payload_bytes = 2 * outcome_.parameters;
        return true;
    }

    Worker make_worker(std::uint32_t index) const {
        Worker out{make_model(), {}};
        for (std::uint32_t s = 0; s < parts_.size(); ++s) {
            const auto own = parts_[s].of(std::span(initial_));
            out.stages.push_back(
                train::TrainingRun::make(settings_,
                                         {train::stage_run({}, s), index, experiment_.workers},
                                         {own.begin(), own.end()}, parts_[s].matrices)
                    .value());
        }
        return out;
    }

    std::vector<float> gathered(Worker& worker, auto list_of) const {
        std::vector<float> whole(initial_.size());
        for (std::size_t s = 0; s < parts_.size(); ++s)
            std::ranges::copy(list_of(worker.stages[s]), parts_[s].of(std::span(whole)).begin());
        return whole;
    }

    bool rounds() {
        std::vector<Worker> workers;
        for (std::uint32_t w = 0; w < experiment_.workers; ++w) workers.push_back(make_worker(w));
        const auto every = std::max<std::uint64_t>(1, settings_.rounds / kMeasurements);
        const auto total = workers.front().first().rounds_total();
        auto& first = workers.front();
        while (!first.first().finished()) {
            if (first.first().wants_steps())
                for (std::uint32_t w = 0; w < experiment_.workers; ++w)
                    if (!local_round(workers[w], w)) return false;
            if (const auto due = first.first().due()) {
                for (auto& worker : workers)
                    if (!apply(worker, *due)) return false;
                sent_.erase(*due);
            }
            const auto round = first.first().round();
            const bool closing = round > settings_.rounds;
            if ((closing || round % every != 0) && !first.first().finished()) continue;
            const auto shared =
                gathered(first, [](const auto& run) { return run.shared_parameters(); });
            if (!first.model->set_parameters(shared).ok() ||
                !measure(*first.model,
                         std::uint64_t{std::min(round, settings_.rounds)} * settings_.local_steps))
                return false;
        }
        const double all_rounds = static_cast<double>(total) * experiment_.workers;
        outcome_.step_seconds =
            seconds_ / static_cast<double>(settings_.steps() * experiment_.workers);
        outcome_.round_seconds = overhead_ / all_rounds;
        outcome_.payload_bytes = bytes_ / all_rounds;
        return true;
    }

    bool apply(Worker& worker, std::uint32_t round) {
        const double began = cpu_seconds();
        for (std::size_t s = 0; s < parts_.size(); ++s)
            if (!worker.stages[s].apply(sent_[round][s]).ok()) return false;
        overhead_ += cpu_seconds() - began;
        return true;
    }

    bool local_round(Worker& worker, std::uint32_t index) {
        auto& model = *worker.model;
        const auto round = worker.first().round();
        const auto first = std::uint64_t{round} * settings_.local_steps;
        const auto start = gathered(worker, [](const auto& run) { return run.start_parameters(); });
        if (!model.set_parameters(start).ok()) return false;
        double loss = 0;
        for (std::uint64_t step = first; step < first + worker.first().local_steps(); ++step) {
            const auto batch = sampler_.training_batch(index, step, settings_.batch);
            const double began = cpu_seconds();
            const auto before =
                model.train_step({settings_.batch, batch}, settings_.learning_rate_at(step));
            if (!before.ok()) return false;
            seconds_ += cpu_seconds() - began;
            loss = static_cast<double>(*before);
        }
        std::vector<float> local(initial_.size());
        if (!model.get_parameters(local).ok()) return false;
        auto& out = sent_[round];
        out.resize(parts_.size());
        for (std::size_t s = 0; s < parts_.size(); ++s) {
            auto& run = worker.stages[s];
            const double began = cpu_seconds();
            const auto payload =
                run.finish_round(parts_[s].of(std::span<const float>(local)), 1, loss);
            overhead_ += cpu_seconds() - began;
            if (!payload.ok()) return false;
            bytes_ += static_cast<double>(payload->size());
            out[s].push_back(run.check_payload(*payload).value());
        }
        return true;
    }

    static void append(Bytes& to, const Bytes& more) {
        to.insert(to.end(), more.begin(), more.end());
    }

    const Experiment& experiment_;
    const train::RunSettings& settings_;
    const model::ModelConfig config_;
    train::Sampler sampler_;
    const std::vector<StagePart> parts_;
    const std::vector<float> initial_;
    const Bytes held_out_;
    Outcome outcome_;
    // By round and stage, of all workers.
    std::map<std::uint32_t, std::vector<std::vector<train::Payload>>> sent_;
    bool measured_ = false;
    double seconds_ = 0, overhead_ = 0, bytes_ = 0;
};

std::vector<double> flat(const Outcome& outcome) {
    std::vector<double> list{outcome.step_seconds, outcome.round_seconds, outcome.parameters,
                             outcome.payload_bytes};
    list.insert(list.end(), outcome.steps.begin(), outcome.steps.end());
    list.insert(list.end(), outcome.losses.begin(), outcome.losses.end());
    return list;
}

Outcome from_flat(const std::vector<double>& list) {
    constexpr std::size_t kHead = 4;
    ENSURE(list.size() >= kHead, "a run ended without a result; see above");
    const auto middle =
        list.begin() + static_cast<std::ptrdiff_t>(kHead + (list.size() - kHead) / 2);
    return {
        list[0], list[1], list[2], list[3], {list.begin() + kHead, middle}, {middle, list.end()}};
}

struct Child {
    std::size_t index;
    pid_t pid;
    int pipe;
    std::string bytes;
};

Child start(const Experiment& experiment, const Bytes& text, std::size_t index) {
    int ends[2];
    ENSURE(::pipe(ends) == 0, "no pipe");
    std::cout.flush();
    const pid_t pid = ::fork();
    ENSURE(pid >= 0, "no process");
    if (pid == 0) {
        ::close(ends[0]);
        const auto list = flat(run(experiment, text));
        const auto size = list.size() * sizeof(double);  // far below what a pipe holds
        const bool written = ::write(ends[1], list.data(), size) == static_cast<ssize_t>(size);
        ::_exit(written ? 0 : 1);
    }
    ::close(ends[1]);
    return {index, pid, ends[0], {}};
}

// True at the end of the child's output.
bool read_some(Child& child) {
    char buffer[65536];
    const auto got = ::read(child.pipe, buffer, sizeof buffer);
    if (got > 0) child.bytes.append(buffer, static_cast<std::size_t>(got));
    return got <= 0;
}

}  // namespace

Outcome run(const Experiment& experiment, const Bytes& text) {
    return Runner(experiment, text).go();
}

std::vector<Outcome> run_all(const std::vector<Experiment>& experiments, const Bytes& text,
                             unsigned at_once) {
    std::vector<Outcome> outcomes(experiments.size());
    std::vector<Child> children;
    std::size_t next = 0;
    while (next < experiments.size() || !children.empty()) {
        while (next < experiments.size() && children.size() < at_once) {
            children.push_back(start(experiments[next], text, next));
            ++next;
        }
        std::vector<pollfd> waiting;
        for (const auto& child : children) waiting.push_back({child.pipe, POLLIN, 0});
        if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;
        for (std::size_t i = children.size(); i-- > 0;) {
            if (waiting[i].revents == 0 || !read_some(children[i])) continue;
            auto& child = children[i];
            std::vector<double> list(child.bytes.size() / sizeof(double));
            std::copy_n(child.bytes.data(), list.size() * sizeof(double),
                        reinterpret_cast<char*>(list.data()));
            outcomes[child.index] = from_flat(list);
            ::close(child.pipe);
            ::waitpid(child.pid, nullptr, 0);
            children.erase(children.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }
    return outcomes;
}

}  // namespace mutirao::bench
