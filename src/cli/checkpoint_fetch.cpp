#include "cli/checkpoint_fetch.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "node/wire/fields.hpp"
#include "node/wire/service.hpp"
#include "train/blob.hpp"

namespace mutirao::cli {
namespace {

using node::wire::fixed_field;
using node::wire::to_field;

constexpr std::size_t kThreadsMax = 16;
constexpr auto kChunkDeadline = std::chrono::seconds(30);

// One fetch, shared by its threads.
class Fetch {
  public:
    Fetch(Network& network, const std::vector<std::string>& trainers, const Digest& run,
          const CheckpointOffer& offer, node::KeptChunks& kept)
        : network_(network),
          trainers_(trainers),
          run_(run),
          blob_(offer.blob),
          fetch_(blob_),
          kept_(kept) {
        for (const auto holder : offer.holders)
            if (!trainers_[holder].empty()) fetch_.add_holder(holder);
    }

    // Until it is whole, or nobody is left to ask.
    void work() {
        std::unique_lock lock(mutex_);
        while (!fetch_.is_whole() && !fetch_.is_stuck()) {
            const auto ask = fetch_.next();
            if (!ask) {
                changed_.wait(lock);
                continue;
            }
            lock.unlock();
            const auto reply = call(*ask);
            lock.lock();
            auto status = reply.ok() ? take(*ask, as_bytes(reply->data())) : Status();
            if (!reply.ok()) fetch_.failed(*ask), status = reply.error();
            if (!status.ok())
                last_ = "trainer " + trainers_[ask->holder] + ": " + status.error().message;
            changed_.notify_all();
        }
    }
    // After all threads have ended.
    Result<Bytes> take() {
        if (fetch_.is_whole()) return fetch_.take();
        return Error{ErrorKind::unavailable,
                     "no trainer gives the checkpoint: " +
                         (last_.empty() ? "none of those who have it can be called" : last_)};
    }

    Status begin() { return kept_.take_up(blob_, fetch_); }

  private:
    Status take(const train::BlobFetch::Ask& ask, ByteSpan bytes) {
        TRY_VOID(fetch_.got(ask, bytes));
        return ask.chunk ? kept_.keep(blob_, fetch_, *ask.chunk, bytes) : Status();
    }
    Result<v1::CheckpointReply> call(const train::BlobFetch::Ask& ask) {
        v1::CheckpointRequest request;
        request.set_run(to_field(run_.span()));
        request.set_blob(to_field(blob_.span()));
        request.set_list(!ask.chunk);
        request.set_chunk(ask.chunk.value_or(0));
        return node::wire::call<v1::CheckpointReply>(network_, trainers_[ask.holder],
                                                     "/mutirao.v1.Train/Checkpoint", request,
                                                     kChunkDeadline);
    }

    Network& network_;
    const std::vector<std::string>& trainers_;
    const Digest run_, blob_;
    std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    train::BlobFetch fetch_;
    node::KeptChunks& kept_;
    std::string last_;  // error
};

}  // namespace

std::optional<CheckpointOffer> newest_checkpoint(const std::vector<v1::ProgressReply>& progress) {
    std::map<std::pair<std::uint32_t, std::string>, std::vector<std::uint32_t>> named;
    for (std::uint32_t i = 0; i < progress.size(); ++i) {
        if (progress[i].phase() == "missing") continue;
        for (const auto& checkpoint : progress[i].checkpoints()) {
            auto& holders = named[{checkpoint.round(), checkpoint.blob()}];
            if (holders.empty() || holders.back() != i) holders.push_back(i);
        }
    }
    for (auto found = named.rbegin(); found != named.rend(); ++found) {
        const auto& [name, holders] = *found;
        const auto blob = fixed_field<Digest>(name.second);
        if (2 * holders.size() > progress.size() && blob.ok() &&
            name.first < progress[holders.front()].rounds_total())
            return CheckpointOffer{name.first, *blob, holders};
    }
    return std::nullopt;
}

Result<CheckpointOffer> finished_checkpoint(const std::vector<v1::ProgressReply>& progress,
                                            std::size_t first) {
    const auto& named = progress[first].checkpoints();
    if (named.empty())
        return Error{ErrorKind::corrupt, "a trainer has finished, but has no checkpoint"};
    const auto& last = named[named.size() - 1];
    CheckpointOffer out{last.round(), {}, {}};
    TRY(out.blob, fixed_field<Digest>(last.blob()));
    for (std::uint32_t i = 0; i < progress.size(); ++i)
        if (progress[i].phase() == "finished" && !progress[i].checkpoints().empty() &&
            progress[i].checkpoints().rbegin()->blob() == last.blob())
            out.holders.push_back(i);
    return out;
}

Result<Bytes> fetch_checkpoint(Network& network, const std::vector<std::string>& trainers,
                               const Digest& run, const CheckpointOffer& offer,
                               node::KeptChunks& kept) {
    TRY_VOID(kept.drop_all_but({offer.blob}));
    Fetch fetch(network, trainers, run, offer, kept);
    TRY_VOID(fetch.begin());
    std::vector<std::thread> threads;
    const auto count = std::min(kThreadsMax, offer.holders.size() * train::kAsksEach);
    for (std::size_t i = 1; i < count; ++i) threads.emplace_back([&] { fetch.work(); });
    fetch.work();
    for (auto& thread : threads) thread.join();
    TRY(auto whole, fetch.take());
    TRY_VOID(kept.drop(offer.blob));
    return whole;
}

}  // namespace mutirao::cli
