// Plain data parallelism as everybody has it: PyTorch's ProcessGroupGloo all-reduces the gradients
// in half precision after each step's forward and backward pass. The optimizer's step is left out,
// to its advantage.
#include <ATen/ATen.h>
#include <chrono>
#include <iostream>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "train/line_worker.hpp"

namespace {

using namespace mutirao;
using Steady = std::chrono::steady_clock;
constexpr std::uint16_t kStorePort = 7200;
constexpr auto kPatience = std::chrono::minutes(5);

double since(Steady::time_point began) {
    return std::chrono::duration<double>(Steady::now() - began).count();
}

c10::intrusive_ptr<c10d::ProcessGroupGloo> join(const bench::LineWorker& worker) {
    c10d::TCPStoreOptions place;
    place.port = kStorePort;
    place.isServer = worker.index == 0;
    place.numWorkers = worker.workers;
    auto store = c10::make_intrusive<c10d::TCPStore>(worker.addresses[0], place);
    auto options = c10d::ProcessGroupGloo::Options::create(kPatience);
    options->threads = 1;
    options->devices = {
        c10d::ProcessGroupGloo::createDeviceForHostname(worker.addresses[worker.index])};
    return c10::make_intrusive<c10d::ProcessGroupGloo>(store, static_cast<int>(worker.index),
                                                       static_cast<int>(worker.workers), options);
}

Status run(bench::LineWorker worker) {
    TRY(auto sampler, worker.sampler());
    auto group = join(worker);
    std::vector<float> gradient(worker.initial.size());
    // Connections are made by the first collective call.
    std::vector<at::Tensor> first{at::zeros({1})};
    group->allreduce(first)->wait();
    double compute = 0, exchange = 0;
    for (std::uint32_t step = 0; step < worker.steps; ++step) {
        const auto began = Steady::now();
        const auto& settings = worker.settings;
        const auto batch = sampler.training_batch(worker.index, step, settings.batch);
        TRY(const auto loss, worker.model->gradient({settings.batch, batch}, gradient));
        (void)loss;
        compute += since(began);
        std::vector<at::Tensor> halves{
            at::from_blob(gradient.data(), {static_cast<std::int64_t>(gradient.size())})
                .to(at::kHalf)};
        group->allreduce(halves)->wait();
        exchange += since(began);
    }
    exchange -= compute;
    const double steps = worker.steps, all = compute + exchange;
    std::cout << compute / steps << ' ' << exchange / steps << ' '
              << worker.tokens(worker.steps) / all << ' ' << compute / all << " 0\n";
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    try {
        auto worker = bench::LineWorker::make({argv + 1, argv + argc});
        const auto status = worker.ok() ? run(std::move(worker).value()) : worker.error();
        if (status.ok()) return 0;
        std::cerr << "bench_train_gloo: " << status.error().message << '\n';
    } catch (const std::exception& error) {
        std::cerr << "bench_train_gloo: " << error.what() << '\n';
    }
    return 1;
}
