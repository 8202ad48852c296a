// One stage of a model cut in two or more, as a process of its own: the schedule and the codec of
// src/train, messages over gRPC with mutual TLS.
//
//   PROGRAM STAGE STEPS MICRO-BATCHES CODEC SETTINGS(hex of train::RunSettings) TEXT-FILE
//           ADDRESS-OF-STAGE-0 ...
//
// The first stage reads the text. When all steps are taken each stage writes one line: the digest
// of its parameters and the share of the time that it waited; the last stage adds the first and the
// last step's loss in nats a byte. Ends with 0.
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <iostream>
#include <iterator>
#include <mutex>
#include <optional>

#include "net/grpc_network.hpp"
#include "net/grpc_server.hpp"
#include "os/clock.hpp"
#include "os/random.hpp"
#include "train/outer.hpp"
#include "train/sampler.hpp"
#include "train/settings.hpp"
#include "train/stage_worker.hpp"

namespace {

using namespace mutirao;
using Steady = std::chrono::steady_clock;
constexpr const char* kPush = "/mutirao.v1.Train/Push";
constexpr auto kPatience = std::chrono::seconds(60);

class Inbox {
  public:
    void put(ByteSpan message) {
        const std::lock_guard lock(mutex_);
        queue_.push_back(to_bytes(message));
        changed_.notify_all();
    }
    Result<Bytes> take() {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, kPatience, [&] { return !queue_.empty(); }))
            return Error{ErrorKind::timeout, "no neighbour sent anything for a minute"};
        auto message = std::move(queue_.front());
        queue_.pop_front();
        return message;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Bytes> queue_;
};

struct Plan {
    train::StagePlace place;
    std::uint64_t steps = 0;
    train::ActivationCodec codec = train::ActivationCodec::int8;
    train::RunSettings settings;
    Bytes text;
    std::vector<std::string> addresses;

    static Result<Plan> make(const std::vector<std::string>& arguments) {
        constexpr std::size_t kFixed = 6;
        if (arguments.size() <= kFixed)
            return Error{ErrorKind::invalid_argument,
                         "usage: PROGRAM STAGE STEPS MICRO-BATCHES CODEC SETTINGS TEXT-FILE "
                         "ADDRESS..."};
        std::uint32_t numbers[3] = {};
        for (std::size_t i = 0; i < 3; ++i) {
            const auto& word = arguments[i];
            const auto end = word.data() + word.size();
            if (std::from_chars(word.data(), end, numbers[i]).ptr != end || word.empty())
                return Error{ErrorKind::invalid_argument, word + " is no number"};
        }
        Plan plan;
        plan.steps = numbers[1];
        plan.addresses.assign(arguments.begin() + kFixed, arguments.end());
        plan.place = {
            {}, 0, numbers[0], static_cast<std::uint32_t>(plan.addresses.size()), numbers[2]};
        for (auto codec : {train::ActivationCodec::float32, train::ActivationCodec::bf16})
            if (arguments[3] == train::to_string(codec)) plan.codec = codec;
        TRY(const auto bytes, from_hex(arguments[4]));
        Reader in(bytes);
        TRY(plan.settings, train::RunSettings::decode(in));
        std::ifstream file(arguments[5], std::ios::binary);
        plan.text.assign((std::istreambuf_iterator<char>(file)), {});
        if (plan.place.stage >= plan.place.stages || plan.place.micro_batches == 0 ||
            plan.settings.batch % plan.place.micro_batches != 0)
            return Error{ErrorKind::invalid_argument,
                         "there is no such stage, or the batch does not divide"};
        return plan;
    }
};

class StageProcess {
  public:
    StageProcess(const Plan& plan, Network& network, Inbox& inbox, train::StageWorker worker)
        : plan_(plan), network_(network), inbox_(inbox), worker_(std::move(worker)) {}

    Status run() {
        const auto began = Steady::now();
        Steady::duration waited{0};
        while (!worker_.finished()) {
            TRY(auto advance, worker_.advance());
            TRY_VOID(send(advance.sent));
            if (advance.worked) continue;
            const auto waiting = Steady::now();
            TRY(const auto message, inbox_.take());
            waited += Steady::now() - waiting;
            TRY(const auto sent, worker_.receive(message));
            TRY_VOID(send(sent));
        }
        idle_share_ = std::chrono::duration<double>(waited).count() /
                      std::chrono::duration<double>(Steady::now() - began).count();
        return {};
    }
    double idle_share() const { return idle_share_; }
    const std::vector<double>& losses() const { return worker_.losses(); }

  private:
    Status send(const std::vector<train::StageWorker::Sent>& messages) {
        for (const auto& [to, message] : messages) {
            TRY([[maybe_unused]] const auto answer,
                network_.call(plan_.addresses[to], kPush, message, kPatience));
        }
        return {};
    }

    const Plan& plan_;
    Network& network_;
    Inbox& inbox_;
    train::StageWorker worker_;
    double idle_share_ = 0;
};

Status meet(Clock& clock, Network& network, const Plan& plan) {
    for (const auto& peer : plan.addresses)
        for (const auto began = Steady::now();;) {
            const auto answer = network.call(peer, kPush, {}, std::chrono::seconds(5));
            if (answer.ok()) break;
            if (Steady::now() - began > kPatience) return answer.error();
            clock.sleep(std::chrono::milliseconds(20));
        }
    return {};
}

train::StageJob job_of(const Plan& plan, const model::GptConfig& config, train::Sampler* sampler) {
    const std::uint32_t rows = plan.settings.batch / plan.place.micro_batches;
    return {.rows = rows,
            .values_a_row = std::size_t{config.context} * config.width,
            .example_bytes = std::size_t{config.context} + 1,
            .answers = config.context,
            .codec = plan.codec,
            .learning_rate =
                [&plan](std::uint64_t step) { return plan.settings.learning_rate_at(step); },
            .examples =
                [&plan, sampler, rows, config](std::uint64_t step, std::uint32_t micro_batch) {
                    const auto batch = sampler->training_batch(0, step, plan.settings.batch);
                    const std::size_t size = rows * (std::size_t{config.context} + 1);
                    return to_bytes(ByteSpan(batch).subspan(micro_batch * size, size));
                }};
}

Status run(const Plan& plan) {
    if (plan.settings.model.gpt() == nullptr)
        return Error{ErrorKind::invalid_argument, "only a GPT is cut into stages"};
    const auto& config = *plan.settings.model.gpt();
    TRY(const auto ranges, model::cut_into_stages(config, plan.place.stages));
    const auto slice = model::stage_slice(config, ranges[plan.place.stage]);
    const auto whole = model::initial_parameters(config, plan.settings.seed);
    TRY(auto stage,
        model::make_nano_stage(config, ranges[plan.place.stage], plan.settings.optimizer(),
                               std::span(whole).subspan(slice.offset, slice.size)));
    std::optional<train::Sampler> sampler;
    if (plan.place.stage == 0) {
        TRY(sampler, train::Sampler::make({{plan.text}}, config.context, plan.settings.seed));
    }

    os::SystemClock clock;
    os::SystemRandom random;
    const auto certificate = crypto::make_peer_certificate(crypto::AccountKey::generate(random));
    Inbox inbox;
    const auto answer = [&](const net::Caller&, std::string_view, ByteSpan in) -> Result<Bytes> {
        if (!in.empty()) inbox.put(in);  // empty: a neighbour asks whether we are here
        return Bytes{};
    };
    TRY(auto server,
        net::GrpcServer::start(plan.addresses[plan.place.stage], certificate, answer, {}, clock));
    net::GrpcNetwork network(certificate);
    TRY_VOID(meet(clock, network, plan));
    TRY(auto pipeline, train::StagePipeline::make(plan.place, plan.steps));
    StageProcess process(
        plan, network, inbox,
        train::StageWorker(plan.place, std::move(pipeline),
                           job_of(plan, config, sampler ? &*sampler : nullptr), *stage));
    TRY_VOID(process.run());
    std::vector<float> parameters(stage->parameter_count());
    TRY_VOID(stage->get_parameters(parameters));
    std::cout << train::state_hash(parameters).hex() << ' ' << process.idle_share();
    if (!process.losses().empty())
        std::cout << ' ' << process.losses().front() << ' ' << process.losses().back();
    std::cout << std::endl;
    server->stop();
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    const auto plan = Plan::make({argv + 1, argv + argc});
    const auto status = plan.ok() ? run(*plan) : plan.error();
    if (status.ok()) return 0;
    std::cerr << "bench_train_stages: " << status.error().message << '\n';
    return 1;
}
