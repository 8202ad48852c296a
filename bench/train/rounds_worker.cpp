// One worker of a run over a real line, as a node is one: TrainingRun's rounds, payloads over gRPC
// with mutual TLS, each sent to each other worker beside the steps.
#include <chrono>
#include <condition_variable>
#include <iostream>
#include <map>
#include <mutex>

#include "net/grpc_network.hpp"
#include "net/grpc_server.hpp"
#include "os/clock.hpp"
#include "os/random.hpp"
#include "train/line_worker.hpp"
#include "train/round.hpp"

namespace {

using namespace mutirao;
using Steady = std::chrono::steady_clock;
constexpr const char* kPush = "/mutirao.v1.Train/Push";
constexpr const char* kPort = ":7300";
constexpr auto kPatience = std::chrono::minutes(2);

double since(Steady::time_point began) {
    return std::chrono::duration<double>(Steady::now() - began).count();
}

// What arrived, by round. Any thread.
class Inbox {
  public:
    void put(train::Payload payload) {
        const std::lock_guard lock(mutex_);
        by_round_[payload.round].push_back(std::move(payload));
        changed_.notify_all();
    }
    Result<std::vector<train::Payload>> take(std::uint32_t round, std::size_t workers) {
        std::unique_lock lock(mutex_);
        const bool there =
            changed_.wait_for(lock, kPatience, [&] { return by_round_[round].size() >= workers; });
        if (!there) return Error{ErrorKind::timeout, "a round's payloads did not arrive"};
        auto node = by_round_.extract(round);
        return std::move(node.mapped());
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::uint32_t, std::vector<train::Payload>> by_round_;
};

// Sends one peer what it is given, in order, and waits for no answer: on a narrow line an answer
// stands behind the peer's own payload, and the next one of ours must not wait for it. Until it is
// destroyed, which waits for all answers.
class Sender {
  public:
    Sender(Network& network, std::string peer) : network_(network), peer_(std::move(peer)) {}
    ~Sender() {
        std::unique_lock lock(mutex_);
        answered_.wait(lock, [this] { return under_way_ == 0; });
    }
    void send(const Bytes& payload) {
        {
            const std::lock_guard lock(mutex_);
            ++under_way_;
        }
        network_.start(peer_, kPush, Message::of(Bytes(payload)), kPatience,
                       [this](const Result<Bytes>& sent) {
                           if (!sent.ok())
                               std::cerr << "bench_train_rounds: " << sent.error().message << '\n';
                           const std::lock_guard lock(mutex_);
                           --under_way_;
                           answered_.notify_all();
                       });
    }

  private:
    Network& network_;
    const std::string peer_;
    std::mutex mutex_;
    std::condition_variable answered_;
    int under_way_ = 0;
};

class Run {
  public:
    Run(bench::LineWorker& worker, train::TrainingRun run, train::Sampler sampler, Inbox& inbox,
        std::vector<std::unique_ptr<Sender>>& senders)
        : worker_(worker),
          run_(std::move(run)),
          sampler_(std::move(sampler)),
          inbox_(inbox),
          senders_(senders) {}

    Status go() {
        const auto began = Steady::now();
        double all = 0;  // until the last inner step's round is over; closing rounds have no steps
        while (!run_.finished()) {
            const bool closing = run_.round() >= worker_.settings.rounds;
            if (run_.wants_steps()) TRY_VOID(steps());
            if (const auto due = run_.due()) {
                const auto waiting = Steady::now();
                TRY(const auto payloads, inbox_.take(*due, worker_.workers));
                if (!closing) waited_ += since(waiting);
                TRY_VOID(run_.apply(payloads));
            }
            if (!closing) all = since(began);
        }
        const auto& settings = worker_.settings;
        const double computed = in_steps_ / static_cast<double>(settings.steps());
        std::cout << computed << ' ' << waited_ / settings.rounds << ' '
                  << worker_.tokens(settings.steps()) / all << ' ' << in_steps_ / all << ' '
                  << sent_ / run_.rounds_total() << '\n';
        return {};
    }

  private:
    Status steps() {
        auto& model = *worker_.model;
        const auto& settings = worker_.settings;
        TRY_VOID(model.set_parameters(run_.start_parameters()));
        const auto began = Steady::now();
        double loss = 0;
        const auto first = std::uint64_t{run_.round()} * settings.local_steps;
        for (auto step = first; step < first + run_.local_steps(); ++step) {
            const auto batch = sampler_.training_batch(worker_.index, step, settings.batch);
            TRY(const auto before,
                model.train_step({settings.batch, batch}, settings.learning_rate_at(step)));
            loss = static_cast<double>(before);
        }
        in_steps_ += since(began);
        std::vector<float> local(worker_.initial.size());
        TRY_VOID(model.get_parameters(local));
        TRY(auto payload, run_.finish_round(local, 1, loss));
        sent_ += static_cast<double>(payload.size());
        for (auto& sender : senders_) sender->send(payload);
        TRY(auto own, train::decode_payload(payload));
        inbox_.put(std::move(own));
        return {};
    }

    bench::LineWorker& worker_;
    train::TrainingRun run_;
    train::Sampler sampler_;
    Inbox& inbox_;
    std::vector<std::unique_ptr<Sender>>& senders_;
    double in_steps_ = 0, waited_ = 0, sent_ = 0;
};

// Returns once all others answer, so that nobody's start counts.
Status meet(Clock& clock, Network& network, const std::vector<std::string>& peers) {
    const auto began = Steady::now();
    for (const auto& peer : peers)
        for (;;) {
            const auto answer = network.call(peer, kPush, {}, std::chrono::seconds(5));
            if (answer.ok()) break;
            if (since(began) > 30)
                return Error{ErrorKind::unavailable,
                             "another worker did not start: " + answer.error().message};
            clock.sleep(std::chrono::milliseconds(20));
        }
    return {};
}

Status run(bench::LineWorker worker) {
    os::SystemClock clock;
    os::SystemRandom random;
    const auto certificate = crypto::make_peer_certificate(crypto::AccountKey::generate(random));
    Inbox inbox;
    const auto answer = [&](const net::Caller&, std::string_view, ByteSpan in) -> Result<Bytes> {
        if (in.empty()) return Bytes{};  // a peer asks whether we are here
        TRY(auto payload, train::decode_payload(in));
        inbox.put(std::move(payload));
        return Bytes{};
    };
    TRY(auto server, net::GrpcServer::start(worker.addresses[worker.index] + kPort, certificate,
                                            answer, {}, clock));
    net::GrpcNetwork network(certificate);
    std::vector<std::string> peers;
    std::vector<std::unique_ptr<Sender>> senders;
    for (std::uint32_t i = 0; i < worker.workers; ++i) {
        if (i == worker.index) continue;
        peers.push_back(worker.addresses[i] + kPort);
        senders.push_back(std::make_unique<Sender>(network, peers.back()));
    }
    TRY_VOID(meet(clock, network, peers));
    TRY(auto rounds, train::TrainingRun::make(worker.settings, {{}, worker.index, worker.workers},
                                              worker.initial));
    TRY(auto sampler, worker.sampler());
    TRY_VOID(Run(worker, std::move(rounds), std::move(sampler), inbox, senders).go());
    senders.clear();  // what others still need has gone out
    server->stop();
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    auto worker = bench::LineWorker::make({argv + 1, argv + argc});
    const auto status = worker.ok() ? run(std::move(worker).value()) : worker.error();
    if (status.ok()) return 0;
    std::cerr << "bench_train_rounds: " << status.error().message << '\n';
    return 1;
}
