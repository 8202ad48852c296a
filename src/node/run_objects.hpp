// The objects of a training run as a trainer reads them: in stretches, decrypted in memory. Data
// that are trained on as they are come by shards, a bounded number at a time, ahead of the steps.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>

#include "base/ports.hpp"
#include "train/data_source.hpp"

namespace mutirao::node {

// Any thread may call, several at once.
class RunObject {
  public:
    virtual ~RunObject() = default;
    virtual std::uint64_t size() const = 0;
    // Plaintext bytes [offset, offset + size). unavailable when those who have them are away.
    virtual Result<Bytes> read(std::uint64_t offset, std::uint64_t size) = 0;
};
using RunObjects = std::vector<std::shared_ptr<RunObject>>;

// All of an object of at most 1 GiB; resource_exhausted beyond.
Result<Bytes> read_whole(RunObject& object);
// An object of these bytes.
std::shared_ptr<RunObject> object_in_memory(Bytes bytes);
// All of an object of any size, piece by piece.
Status read_through(RunObject& object, const std::function<void(ByteSpan piece)>& take);

inline constexpr std::size_t kShardLoads = 4;  // under way at a time

// What shards need of the world outside; all must outlive them and the loads that they leave
// behind.
struct ShardPorts {
    Clock& clock;
    Executor& executor;
    std::function<bool()> is_cancelled;  // then nothing is tried again
};

// Memory: the shards that are expected, and at most kShardLoads of those that were before. What
// cannot be loaded ahead is read when it is asked for, and tried again for half a minute.
class RunShards final : public train::DataSource {
  public:
    RunShards(RunObjects owners, ShardPorts ports);
    ~RunShards() override;

    std::uint32_t owners() const override;
    std::uint64_t size(std::uint32_t owner) const override;
    Status read(std::uint32_t owner, std::uint64_t offset, MutableByteSpan out) override;
    void expect(std::span<const train::Stretch> shards) override;

    struct Figures {
        std::uint64_t bytes_held_most = 0;  // at any time, those being loaded included
        std::uint64_t bytes_read = 0;       // of objects
        std::uint64_t reads_waited = 0;     // that found their shard still on its way
    };
    Figures figures() const;

  private:
    struct State;
    Status read_directly(std::uint32_t owner, std::uint64_t offset, MutableByteSpan out);

    const ShardPorts ports_;
    const std::shared_ptr<State> state_;  // shared with loads under way
    std::vector<train::Stretch> expected_;
};

// Takes stretches one after another; the next ones come meanwhile, so that so many are in memory.
inline constexpr std::size_t kStretchesAhead = 4;
Status read_in_order(
    RunShards& shards, std::span<const train::Stretch> stretches,
    const std::function<Status(const train::Stretch& stretch, ByteSpan bytes)>& take);

}  // namespace mutirao::node
