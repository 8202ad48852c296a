// For tests: whole trainers of a run side by side in one process, each with its disk, over a
// network of function calls.
#pragma once

#include <atomic>
#include <gtest/gtest.h>
#include <mutex>
#include <thread>

#include "base/memory_disk.hpp"
#include "base/random.hpp"
#include "base/test_threads.hpp"
#include "model/nano_backend.hpp"
#include "node/stage_seats.hpp"
#include "node/test_cheater.hpp"
#include "node/training_job.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {

using namespace std::chrono_literals;

// Runs fast, so that what the workers wait for does not take as long here; not so fast that a
// machine which stalls for a moment looks like one that is gone.
class FastClock final : public Clock {
  public:
    static constexpr int kTimes = 3;
    Duration monotonic() override {
        return kTimes * Duration(std::chrono::steady_clock::now().time_since_epoch());
    }
    std::uint64_t unix_ms() override { return 1'750'000'000'000; }
    void sleep(Duration duration) override { std::this_thread::sleep_for(duration / kTimes); }
};

// Calls are function calls; `fault` may answer in the callee's stead. It and `tap` are set before
// anybody starts, and what they use outlives the run.
class Calls final : public Network {
  public:
    void serve(const std::string& name, Serve serve) { served_[name] = std::move(serve); }
    Result<Bytes> call(const std::string& peer, std::string_view method, ByteSpan request,
                       Duration) override {
        if (fault && fault(peer, method)) return Error{ErrorKind::unavailable, peer + " is gone"};
        const auto found = served_.find(peer);
        if (found == served_.end()) return Error{ErrorKind::unavailable, "nobody is at " + peer};
        auto reply = found->second(method, request);
        if (tap) tap(method, request, reply);
        return reply;
    }
    // Sees all that crosses the wire; from several threads.
    std::function<void(std::string_view method, ByteSpan request, const Result<Bytes>& reply)> tap;
    std::function<bool(const std::string& peer, std::string_view method)> fault;

  private:
    std::map<std::string, Serve> served_;
};

inline train::RunSettings small_settings() {
    auto settings = train::preset("mutirao").value();
    settings.model = model::GptConfig{.layers = 1, .width = 16, .heads = 2, .context = 16};
    settings.batch = 4;
    settings.local_steps = 6;
    settings.rounds = 6;
    settings.warmup_steps = 0;
    settings.quorum = 2;
    return settings;
}

inline Bytes text() {
    std::string out;
    for (int i = 0; i < 400; ++i) out += "linha " + std::to_string(i) + ": quem planta colhe.\n";
    return to_bytes(as_bytes(out));
}

class InMemory final : public RunObject {
  public:
    explicit InMemory(ByteSpan bytes) : bytes_(bytes) {}
    std::uint64_t size() const override { return bytes_.size(); }
    Result<Bytes> read(std::uint64_t offset, std::uint64_t size) override {
        return to_bytes(bytes_.subspan(offset, size));
    }

  private:
    const ByteSpan bytes_;
};

// What a trainer has beside its job, and what it told the ledger.
struct TestTrainer {
    MemoryDisk disk;
    std::unique_ptr<SeededRandom> random;
    std::unique_ptr<Executor> executor = std::make_unique<ThreadExecutor>();
    std::vector<std::thread> threads;
    // Of the job's thread until it has finished.
    std::map<std::uint32_t, Digest> reported;
    std::vector<std::vector<std::uint32_t>> weights;

    Result<Bytes> serve(std::string_view method, ByteSpan request) {
        std::shared_ptr<wire::Service> now;
        {
            const std::lock_guard lock(mutex_);
            now = service_;
        }
        if (!now) return Error{ErrorKind::unavailable, "this trainer is down"};
        return now->serve(method, request);
    }
    void set_service(std::shared_ptr<wire::Service> service) {
        const std::lock_guard lock(mutex_);
        service_ = std::move(service);
    }

  private:
    std::mutex mutex_;  // guards service_, which calls under way keep
    std::shared_ptr<wire::Service> service_;
};

// `Job` is the kind of RunJob that all of them have.
template <class Job>
class TestRun {
  public:
    TestRun(std::uint32_t count, const train::RunSettings& settings, std::vector<Bytes> texts,
            std::uint32_t checkpoint_every)
        : settings_(settings), texts_(std::move(texts)), checkpoint_every_(checkpoint_every) {
        SeededRandom random(5);
        for (std::uint32_t i = 0; i < count; ++i) {
            keys_.push_back(crypto::AccountKey::generate(random));
            trainers_.push_back(keys_.back().address());
            endpoints_.push_back("worker-" + std::to_string(i));
            workers_.push_back(std::make_unique<TestTrainer>());
            workers_.back()->random = std::make_unique<SeededRandom>(i + 1);
            network_.serve(endpoints_[i], [worker = workers_[i].get()](auto method, auto request) {
                return worker->serve(method, request);
            });
        }
        jobs_.resize(count);
        run_.bytes.fill(3);
    }
    ~TestRun() {
        for (std::uint32_t i = 0; i < workers_.size(); ++i) stop(i);
    }
    std::uint32_t size() const { return static_cast<std::uint32_t>(workers_.size()); }
    std::vector<std::uint32_t> everybody() const {
        std::vector<std::uint32_t> out(size());
        for (std::uint32_t i = 0; i < size(); ++i) out[i] = i;
        return out;
    }
    Calls& network() { return network_; }
    Job& job(std::uint32_t i) { return *jobs_[i]; }
    MemoryDisk& disk(std::uint32_t i) { return workers_[i]->disk; }
    const auto& reported(std::uint32_t i) const { return workers_[i]->reported; }
    const auto& weights(std::uint32_t i) const { return workers_[i]->weights; }
    // The newest that trainer i keeps.
    Bytes checkpoint(std::uint32_t i) {
        const auto& kept = job(i).checkpoints();
        const auto blob = kept.names().back().blob;
        train::BlobFetch fetch(blob);
        EXPECT_TRUE(fetch.offer({}, kept.list(blob).value()).ok());
        for (std::uint32_t c = 0; c < fetch.list().hashes.size(); ++c)
            EXPECT_TRUE(fetch.offer(c, kept.chunk(blob, c).value()).ok());
        return fetch.take();
    }
    void set_executor(std::uint32_t i, std::unique_ptr<Executor> executor) {
        workers_[i]->executor = std::move(executor);
    }
    void cannot_be_called(std::uint32_t i) { endpoints_[i].clear(); }

    // Where worker i would go on after a restart.
    WorkDone work_on_disk(std::uint32_t i) { return store(i)->work().value().value(); }

    void stop(std::uint32_t i) {
        auto& worker = *workers_[i];
        if (jobs_[i]) jobs_[i]->cancel();
        worker.set_service(nullptr);
        for (auto& thread : worker.threads) thread.join();
        worker.threads.clear();
    }
    // As kill -9, or a power cut: what was not durable is lost.
    void kill(std::uint32_t i) {
        disk(i).cut_power_after_operations(0);
        stop(i);
        disk(i).restart();
    }
    // Whether it came true in time.
    bool wait_until(const std::function<bool()>& condition) {
        const auto until = clock_.monotonic() + FastClock::kTimes * 60s;
        while (!condition() && clock_.monotonic() < until) clock_.sleep(10ms);
        return condition();
    }
    void wait_for_round(std::uint32_t i, std::uint32_t round) {
        ASSERT_TRUE(wait_until([&] { return job(i).progress().round >= round; }))
            << "worker " << i << " is at round " << job(i).progress().round;
    }
    // Whether these have finished in time; those of a stage with the same parameters.
    bool finish(const std::vector<std::uint32_t>& which) {
        const auto until = clock_.monotonic() + FastClock::kTimes * 60s;
        std::map<std::uint32_t, Digest> states;
        for (const auto i : which) {
            while (job(i).progress().phase != "finished") {
                const auto progress = job(i).progress();
                if (clock_.monotonic() > until || progress.phase == "failed") {
                    ADD_FAILURE() << "worker " << i << ": " << progress.phase << " "
                                  << progress.error << " at round " << progress.round;
                    return false;
                }
                clock_.sleep(10ms);
            }
            const auto state = job(i).progress().state_hash;
            EXPECT_EQ(states.try_emplace(i % settings_.stages, state).first->second, state) << i;
        }
        return true;
    }

    using OpenBackend = std::function<Result<std::unique_ptr<model::Backend>>()>;

  protected:
    JobPlan plan(std::uint32_t i) const {
        return {settings_,
                {.run = run_, .worker = i, .trainers = trainers_, .endpoints = endpoints_},
                checkpoint_every_,
                3s};
    }
    JobPorts ports(std::uint32_t i, OpenBackend open_backend) {
        auto& worker = *workers_[i];
        return {clock_,
                *worker.random,
                network_,
                *worker.executor,
                keys_[i],
                [this]() -> Result<RunObjects> {
                    RunObjects objects;
                    for (const auto& text : texts_)
                        objects.push_back(std::make_shared<InMemory>(text));
                    return objects;
                },
                std::move(open_backend),
                [&worker](std::uint32_t round, const Digest& state,
                          const std::vector<std::uint32_t>& weights) {
                    worker.weights.push_back(weights);
                    worker.reported[round] = state;
                }};
    }
    std::unique_ptr<RunStore> store(std::uint32_t i) {
        return RunStore::open(disk(i), run_).value();
    }
    // `hides` blobs that it does not give out.
    void begin(std::uint32_t i, std::shared_ptr<Job> job,
               const std::function<bool(ByteSpan blob)>& hides = {}) {
        auto& worker = *workers_[i];
        jobs_[i] = job;
        auto service = std::make_shared<wire::Service>();
        const auto member = [job](const std::string& run) {
            return job->member_of(train::RunId::from_bytes(as_bytes(run)).value());
        };
        service->template on<v1::ExchangeRequest, v1::ExchangeReply>(
            "/mutirao.v1.Train/Exchange",
            [member](const auto& in) { return member(in.run())->exchange(in); });
        service->template on<v1::ChunkRequest, v1::ChunkReply>(
            "/mutirao.v1.Train/Chunk", [member, hides](const auto& in) -> Result<v1::ChunkReply> {
                if (hides && hides(as_bytes(in.blob())))
                    return Error{ErrorKind::not_found, "I do not show it"};
                return member(in.run())->chunk(in);
            });
        service->template on<v1::GiveRequest, v1::GiveReply>(
            "/mutirao.v1.Train/Give",
            [member](const auto& in) { return member(in.run())->give(in); });
        if (auto* seats = job->seats(); seats != nullptr) {
            service->template on<v1::PushRequest, v1::PushReply>(
                "/mutirao.v1.Train/Push", [job, seats](const auto& in) { return seats->push(in); });
            service->template on<v1::SeatRequest, v1::SeatReply>(
                "/mutirao.v1.Train/Seat", [job, seats](const auto& in) { return seats->seat(in); });
        }
        worker.set_service(std::move(service));
        worker.threads.emplace_back([job] { job->serve(); });
        worker.threads.emplace_back([job] { job->witness(); });
        worker.threads.emplace_back([job] { job->run(); });
    }

    const train::RunSettings settings_;
    const std::vector<Bytes> texts_;
    const std::uint32_t checkpoint_every_;
    FastClock clock_;
    Calls network_;
    train::RunId run_;
    std::vector<crypto::AccountKey> keys_;
    std::vector<Address> trainers_;
    std::vector<std::string> endpoints_;
    std::vector<std::unique_ptr<TestTrainer>> workers_;
    std::vector<std::shared_ptr<Job>> jobs_;
};

// Each with the whole model.
class Crew : public TestRun<TrainingJob> {
  public:
    Crew(std::uint32_t count, const train::RunSettings& settings,
         std::vector<Bytes> texts = {text()}, std::uint32_t checkpoint_every = 0)
        : TestRun(count, settings, std::move(texts), checkpoint_every) {}
    void start(std::uint32_t i, Cheat cheat = Cheat::none) {
        start_with(
            i,
            [cheat]() -> Result<std::unique_ptr<model::Backend>> {
                if (cheat == Cheat::none) return model::make_nano_backend();
                return std::unique_ptr<model::Backend>(std::make_unique<CheatingBackend>(cheat));
            },
            cheat == Cheat::hides);
    }
    // `hides` its own state.
    void start_with(std::uint32_t i, OpenBackend open_backend, bool hides = false) {
        auto kept = store(i);
        auto work = kept->work().value();
        auto job = std::make_shared<TrainingJob>(plan(i), ports(i, std::move(open_backend)),
                                                 std::move(kept), std::move(work));
        begin(i, std::move(job),
              [this, i, hides](ByteSpan blob) { return hides && is_own_state(i, blob); });
    }
    void all_start() {
        for (std::uint32_t i = 0; i < size(); ++i) start(i);
    }

  private:
    bool is_own_state(std::uint32_t i, ByteSpan blob) {
        const auto path = "runs/" + run_.hex() + "/blob-" + to_hex(blob);
        const auto bytes = disk(i).read_file(path, 1 << 20);
        return bytes.ok() && !train::decode_payload(*bytes).ok() &&
               !train::decode_run_state(*bytes).ok();
    }
};

}  // namespace mutirao::node
