// For tests: objects whose shards are really sealed, and who may open them.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>

#include "base/random.hpp"
#include "crypto/aead.hpp"
#include "hot/open_object.hpp"

namespace mutirao::hot {

inline Bytes shard_bytes(std::size_t size, std::uint64_t seed) {
    Bytes out(size);
    SeededRandom(seed).fill(out);
    return out;
}

// `shards` shards of `shard_size` bytes, the last one a byte longer. Counts what is asked of it.
class TestObject : public OpenObject {
  public:
    TestObject(std::uint32_t shards, std::size_t shard_size, std::uint64_t seed = 1) {
        SeededRandom random(seed);
        key_ = random.fixed<crypto::Key>();
        content_ = random.fixed<Digest>();
        for (std::uint32_t i = 0; i < shards; ++i) {
            plain.push_back(shard_bytes(shard_size + (i + 1 == shards), seed * 1000 + i));
            blocks_.push_back(random.fixed<BlockId>());
        }
    }
    Digest content() const override { return content_; }
    Result<Bytes> manifest() const override { return Bytes(); }
    std::uint32_t shards() const override { return static_cast<std::uint32_t>(plain.size()); }
    BlockId block(std::uint32_t index) const override { return blocks_[index]; }
    std::uint64_t size(std::uint32_t index) const override { return plain[index].size(); }
    Result<Bytes> read_sealed(std::uint32_t index) override {
        ++cold_reads;
        if (before_cold_read) before_cold_read(index);
        if (cold_is_gone) return Error{ErrorKind::unavailable, "too few nodes"};
        return crypto::seal(key_, index, {}, plain[index]);
    }
    Result<Bytes> open_sealed(std::uint32_t index, ByteSpan sealed) override {
        return crypto::open(key_, index, {}, sealed);
    }

    std::vector<Bytes> plain;
    std::atomic<int> cold_reads = 0;
    std::atomic<bool> cold_is_gone = false;
    std::function<void(std::uint32_t)> before_cold_read;

  private:
    crypto::Key key_;
    Digest content_;
    std::vector<BlockId> blocks_;
};

// Opens its one object for whoever says "licence".
class TestOpener final : public Opener {
  public:
    explicit TestOpener(std::shared_ptr<OpenObject> object) : object_(std::move(object)) {}
    Result<std::shared_ptr<OpenObject>> open(ByteSpan credential) override {
        if (as_text(credential) != "licence")
            return Error{ErrorKind::permission_denied, "the keepers know of no licence"};
        return object_;
    }

  private:
    const std::shared_ptr<OpenObject> object_;
};

// Runs tasks when it is told to.
class HeldExecutor final : public Executor {
  public:
    void post(std::function<void()> task) override { tasks.push_back(std::move(task)); }
    void run() {
        for (auto& task : std::exchange(tasks, {})) task();
    }
    std::vector<std::function<void()>> tasks;
};

class TestClock final : public Clock {
  public:
    Duration monotonic() override { return Duration(now.load()); }
    std::uint64_t unix_ms() override { return static_cast<std::uint64_t>(now.load() / 1'000'000); }
    void sleep(Duration duration) override { now += duration.count(); }
    std::atomic<Duration::rep> now = 0;
};

}  // namespace mutirao::hot
