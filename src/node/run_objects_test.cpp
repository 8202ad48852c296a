#include "node/run_objects.hpp"

#include <atomic>
#include <gtest/gtest.h>

#include "base/test_threads.hpp"
#include "node/test_objects.hpp"
#include "train/sampler.hpp"

namespace mutirao::node {
namespace {

constexpr std::uint64_t kLarge = 10'000'000;
constexpr std::uint32_t kRows = 512;
constexpr train::Shards kShards{.bytes = 100'000, .drawn = 500'000};
const model::ExampleShape kShape{1, 32};

// Whose bytes follow from their positions; `failures` of its reads fail.
class Positions final : public RunObject {
  public:
    explicit Positions(std::uint64_t size) : size_(size) {}
    std::uint64_t size() const override { return size_; }
    Result<Bytes> read(std::uint64_t offset, std::uint64_t size) override {
        ++reads;
        if (failures > 0 && failures-- > 0)
            return Error{ErrorKind::unavailable, "nobody has these bytes"};
        Bytes out(size);
        for (std::size_t i = 0; i < size; ++i)
            out[i] = static_cast<std::uint8_t>((offset + i) * 2654435761u >> 16);
        return out;
    }
    std::atomic<int> reads = 0, failures = 0;

  private:
    const std::uint64_t size_;
};

// Does at once what it is told.
class AtOnce final : public Executor {
  public:
    void post(std::function<void()> task) override { task(); }
};

struct Data {
    explicit Data(Executor& executor, std::uint64_t size = kLarge)
        : object(std::make_shared<Positions>(size)),
          shards(std::make_shared<RunShards>(
              RunObjects{object},
              ShardPorts{clock, executor, [this] { return cancelled.load(); }})),
          sampler(train::Sampler::make(shards, kShape, 3, kShards).value()) {}
    SleepClock clock;
    std::atomic<bool> cancelled = false;
    std::shared_ptr<Positions> object;
    std::shared_ptr<RunShards> shards;
    train::Sampler sampler;
};

// The same batches from a sampler that has all of it in memory.
std::vector<Bytes> expected_batches(std::uint64_t steps) {
    Positions object(kLarge);
    const auto all = object.read(0, kLarge).value();
    auto sampler = train::Sampler::make(train::data_in_memory({all}), kShape, 3, kShards).value();
    std::vector<Bytes> out;
    for (std::uint64_t step = 0; step < steps; ++step)
        out.push_back(sampler.training_batch(0, step, kRows));
    return out;
}

TEST(RunShards, an_epoch_reads_each_byte_about_once_and_holds_few) {
    ThreadExecutor executor;
    Data data(executor);
    const auto steps = kLarge / (kRows * kShape.size());
    const auto expected = expected_batches(steps);
    for (std::uint64_t step = 0; step < steps; ++step)
        ASSERT_EQ(data.sampler.read_batch(0, step, kRows).value(), expected[step]) << step;
    const auto figures = data.shards->figures();
    EXPECT_LE(figures.bytes_held_most, kShards.drawn + (1 + kShardLoads) * kShards.bytes);
    EXPECT_LE(figures.bytes_read, kLarge * 11 / 10);
    EXPECT_GE(figures.bytes_read, kLarge * 9 / 10);
}

TEST(RunShards, what_comes_ahead_is_waited_for_by_no_step) {
    AtOnce executor;
    Data data(executor);
    for (std::uint64_t step = 0; step < 200; ++step)
        ASSERT_TRUE(data.sampler.read_batch(0, step, kRows).ok());
    EXPECT_EQ(data.shards->figures().reads_waited, 0u);
}

TEST(RunShards, data_that_fit_are_read_once_and_kept) {
    AtOnce executor;
    Data data(executor, 400'000);
    for (std::uint64_t step = 0; step < 100; ++step)
        ASSERT_TRUE(data.sampler.read_batch(0, step, kRows).ok());
    EXPECT_EQ(data.shards->figures().bytes_read, 400'000u);
}

TEST(RunShards, reads_that_fail_are_tried_again_and_the_batches_are_the_same) {
    AtOnce executor;
    Data data(executor);
    const auto expected = expected_batches(100);
    for (std::uint64_t step = 0; step < 100; ++step) {
        if (step % 7 == 0) data.object->failures = 3;
        ASSERT_EQ(data.sampler.read_batch(0, step, kRows).value(), expected[step]) << step;
    }
}

TEST(RunShards, what_nobody_has_ends_in_its_error_and_a_cancelled_run_at_once) {
    AtOnce executor;
    Data data(executor);
    data.object->failures = 1'000'000;
    const auto failed = data.sampler.read_batch(0, 0, kRows);
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().message, "nobody has these bytes");
    data.cancelled = true;
    const int before = data.object->reads;
    EXPECT_FALSE(data.sampler.read_batch(0, 0, kRows).ok());
    EXPECT_LE(data.object->reads, before + 20);
}

TEST(RunObjects, are_read_whole_or_piece_by_piece) {
    Positions object(9'000'000);
    const auto whole = read_whole(object).value();
    EXPECT_EQ(whole, object.read(0, 9'000'000).value());
    std::size_t pieces = 0, bytes = 0;
    ASSERT_TRUE(read_through(object, [&](ByteSpan piece) {
                    ++pieces;
                    bytes += piece.size();
                }).ok());
    EXPECT_EQ(pieces, 3u);
    EXPECT_EQ(bytes, whole.size());
    EXPECT_EQ(object_in_memory(whole)->read(70, 9).value(), object.read(70, 9).value());
    Positions huge((std::uint64_t{1} << 30) + 1);
    EXPECT_EQ(read_whole(huge).error().kind, ErrorKind::resource_exhausted);
}

TEST(RunObjects, stretches_come_in_order_and_few_at_a_time) {
    ThreadExecutor executor;
    Data data(executor);
    std::vector<train::Stretch> stretches;
    for (std::uint64_t at = 0; at < kLarge; at += 100'000) stretches.push_back({0, at, 100'000});
    std::vector<train::Stretch> taken;
    ASSERT_TRUE(
        read_in_order(*data.shards, stretches, [&](const train::Stretch& stretch, ByteSpan bytes) {
            taken.push_back(stretch);
            EXPECT_EQ(to_bytes(bytes), data.object->read(stretch.offset, stretch.size).value());
            return Status();
        }).ok());
    EXPECT_EQ(taken, stretches);
    const auto figures = data.shards->figures();
    EXPECT_LE(figures.bytes_held_most, (kStretchesAhead + kShardLoads) * 100'000);
    EXPECT_EQ(figures.bytes_read, kLarge);
    const auto stopped = read_in_order(*data.shards, stretches, [](const auto&, ByteSpan) {
        return Status(Error{ErrorKind::corrupt, "enough"});
    });
    EXPECT_EQ(stopped.error().message, "enough");
}

}  // namespace
}  // namespace mutirao::node
