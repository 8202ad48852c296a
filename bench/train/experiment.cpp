#include "train/experiment.hpp"

#include <cmath>
#include <ctime>
#include <iostream>
#include <map>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/nano_backend.hpp"
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

std::vector<train::Matrix> matrices_of(const model::GptConfig& config) {
    std::vector<train::Matrix> matrices;
    for (const auto& parameter : model::parameter_layout(config))
        if (parameter.shape.size() == 2)
            matrices.push_back({parameter.offset, parameter.shape[0], parameter.shape[1]});
    return matrices;
}

struct Worker {
    std::unique_ptr<model::Model> model;
    train::TrainingRun run;
};

class Runner {
  public:
    Runner(const Experiment& experiment, const Bytes& text)
        : experiment_(experiment),
          settings_(experiment.settings),
          config_{settings_.model.layers, settings_.model.width, settings_.model.heads,
                  settings_.model.context},
          sampler_(train::Sampler::make({{text, 0}}, config_.context, settings_.seed).value()),
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
        const auto inner = settings_.inner == train::InnerOptimizer::muon ? model::Optimizer::muon
                                                                          : model::Optimizer::adamw;
        return model::make_nano_backend()->create(config_, {.optimizer = inner}, initial_).value();
    }

    bool measure(model::Model& model, std::uint64_t step) {
        const auto rows = static_cast<std::uint32_t>(held_out_.size() / (config_.context + 1));
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

    bool rounds() {
        std::vector<Worker> workers;
        for (std::uint32_t w = 0; w < experiment_.workers; ++w)
            workers.push_back(
                {make_model(), train::TrainingRun::make(settings_, {{}, w, experiment_.workers},
                                                        initial_, matrices_of(config_))
                                   .value()});
        const auto every = std::max<std::uint64_t>(1, settings_.rounds / kMeasurements);
        const auto total = workers.front().run.rounds_total();
        std::map<std::uint32_t, std::vector<train::Payload>> sent;
        auto& first = workers.front();
        while (!first.run.finished()) {
            const auto round = first.run.round();
            if (first.run.wants_steps())
                for (std::uint32_t w = 0; w < experiment_.workers; ++w)
                    if (!local_round(workers[w], w, sent[round])) return false;
            if (const auto due = first.run.due()) {
                for (auto& worker : workers) {
                    const double began = cpu_seconds();
                    if (!worker.run.apply(sent[*due]).ok()) return false;
                    overhead_ += cpu_seconds() - began;
                }
                sent.erase(*due);
            }
            const bool closing = first.run.round() > settings_.rounds;
            if ((closing || first.run.round() % every != 0) && !first.run.finished()) continue;
            if (!first.model->set_parameters(first.run.shared_parameters()).ok() ||
                !measure(*first.model,
                         std::uint64_t{std::min(first.run.round(), settings_.rounds)} *
                             settings_.local_steps))
                return false;
        }
        const double all_rounds = static_cast<double>(total) * experiment_.workers;
        outcome_.step_seconds =
            seconds_ / static_cast<double>(settings_.steps() * experiment_.workers);
        outcome_.round_seconds = overhead_ / all_rounds;
        outcome_.payload_bytes = bytes_ / all_rounds;
        return true;
    }

    bool local_round(Worker& worker, std::uint32_t index, std::vector<train::Payload>& out) {
        auto& model = *worker.model;
        const auto first = std::uint64_t{worker.run.round()} * settings_.local_steps;
        if (!model.set_parameters(worker.run.start_parameters()).ok()) return false;
        double loss = 0;
        for (std::uint64_t step = first; step < first + worker.run.local_steps(); ++step) {
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
        const double began = cpu_seconds();
        const auto payload = worker.run.finish_round(local, 1, loss);
        overhead_ += cpu_seconds() - began;
        if (!payload.ok()) return false;
        bytes_ += static_cast<double>(payload->size());
        out.push_back(worker.run.check_payload(*payload).value());
        return true;
    }

    static void append(Bytes& to, const Bytes& more) {
        to.insert(to.end(), more.begin(), more.end());
    }

    const Experiment& experiment_;
    const train::RunSettings& settings_;
    const model::GptConfig config_;
    train::Sampler sampler_;
    const std::vector<float> initial_;
    const Bytes held_out_;
    Outcome outcome_;
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
