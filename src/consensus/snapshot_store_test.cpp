#include "consensus/snapshot_store.hpp"

#include <gtest/gtest.h>

#include "base/memory_disk.hpp"
#include "base/random.hpp"
#include "consensus/test_application.hpp"

namespace mutirao::consensus {
namespace {

constexpr std::size_t kSize = 9 * kStatePiece + 1234;

StateExport state_of(std::uint64_t height, std::size_t size = kSize) {
    StateExport out{height, crypto::blake3(Writer().u(height).bytes()), Bytes(size)};
    SeededRandom(height).fill(out.state);
    return out;
}

// Gives its bytes in parts of no particular size.
class Parts final : public FrozenState {
  public:
    explicit Parts(Bytes bytes) : bytes_(std::move(bytes)) {}
    Bytes next(std::size_t bytes) override {
        const auto size = std::min(bytes_.size() - at_, bytes + 777 * ++calls_);
        const auto begin = bytes_.begin() + static_cast<std::ptrdiff_t>(at_);
        at_ += size;
        return Bytes(begin, begin + static_cast<std::ptrdiff_t>(size));
    }

  private:
    Bytes bytes_;
    std::size_t at_ = 0, calls_ = 0;
};

class Snapshots : public ::testing::Test {
  protected:
    void begin(SnapshotWriter& writer, const StateExport& state) {
        writer.begin(std::make_unique<Parts>(state.state), state.height, state.last_hash, *history);
    }
    void expect_stored(const StateExport& state) {
        const auto stored = read_snapshot(disk).value();
        ASSERT_TRUE(stored.has_value());
        EXPECT_EQ(stored->height, state.height);
        EXPECT_EQ(stored->last_hash, state.last_hash);
        EXPECT_TRUE(stored->state == state.state);
    }
    std::vector<std::string> files() { return disk.list("").value(); }

    MemoryDisk disk, other;
    std::unique_ptr<HistoryLog> history = HistoryLog::open(other, 0).value();
    QueuedTasks tasks;
    AtPoint at_point;
};

TEST_F(Snapshots, are_written_in_tasks_and_read_back) {
    EXPECT_FALSE(read_snapshot(disk).value().has_value());
    for (const auto size : {kSize, 8 * kStatePiece, std::size_t{1}}) {
        SnapshotWriter writer(disk, &tasks, at_point);
        const auto state = state_of(size, size);
        begin(writer, state);
        EXPECT_FALSE(writer.take_outcome().has_value());
        std::size_t count = 0;
        while (tasks.run_one()) ++count;
        EXPECT_EQ(count, size == kSize ? 3u : size == 1 ? 1u : 3u);
        EXPECT_TRUE(writer.is_writing());
        EXPECT_EQ(writer.take_outcome()->value().encode(), state.index().encode());
        EXPECT_FALSE(writer.is_writing());
        expect_stored(state);
        EXPECT_EQ(files(), (std::vector<std::string>{"snapshot", snapshot_state_file(size)}));
    }
}

TEST_F(Snapshots, are_written_at_once_without_an_executor) {
    SnapshotWriter writer(disk, nullptr, at_point);
    begin(writer, state_of(7));
    EXPECT_TRUE(writer.take_outcome()->ok());
    expect_stored(state_of(7));
}

TEST_F(Snapshots, the_one_before_stays_until_the_next_is_whole) {
    const auto before = state_of(3, 5000), next = state_of(6);
    for (std::uint64_t operations = 0;; ++operations) {
        SCOPED_TRACE(operations);
        ASSERT_TRUE(store_snapshot(disk, before).ok());
        disk.cut_power_after_operations(operations);
        std::optional<Result<StateIndex>> outcome;
        {
            SnapshotWriter writer(disk, &tasks, at_point);
            begin(writer, next);
            while (tasks.run_one()) continue;
            outcome = writer.take_outcome();
        }
        const bool cut = disk.power_is_cut();
        SeededRandom random(operations);
        disk.restart_with_holes(random);
        const auto kept = read_snapshot(disk).value().value();
        EXPECT_TRUE(kept.height == 3 || kept.height == 6);
        EXPECT_TRUE(!outcome->ok() || kept.height == 6);
        expect_stored(kept.height == 3 ? before : next);
        ASSERT_TRUE(remove_stray_states(disk).ok());
        EXPECT_EQ(files(),
                  (std::vector<std::string>{"snapshot", snapshot_state_file(kept.height)}));
        if (!cut) break;
        ASSERT_LT(operations, 100u);
    }
}

TEST_F(Snapshots, a_writer_that_ends_leaves_no_task_that_does_anything) {
    {
        SnapshotWriter writer(disk, &tasks, at_point);
        begin(writer, state_of(6));
        EXPECT_TRUE(tasks.run_one());
    }
    const auto operations = disk.operations();
    while (tasks.run_one()) continue;
    EXPECT_EQ(disk.operations(), operations);
    EXPECT_EQ(files(), std::vector<std::string>{"snapshot.6"});
    ASSERT_TRUE(remove_stray_states(disk).ok());
    EXPECT_TRUE(files().empty());
}

TEST_F(Snapshots, a_full_disk_is_said_and_given_back) {
    ASSERT_TRUE(store_snapshot(disk, state_of(3, 5000)).ok());
    disk.set_capacity(6 << 20);
    SnapshotWriter writer(disk, &tasks, at_point);
    begin(writer, state_of(6));
    while (tasks.run_one()) continue;
    EXPECT_EQ(writer.take_outcome()->error().kind, ErrorKind::resource_exhausted);
    EXPECT_EQ(files(), (std::vector<std::string>{"snapshot", "snapshot.3"}));
    disk.set_capacity(64 << 20);
    begin(writer, state_of(7));
    while (tasks.run_one()) continue;
    EXPECT_TRUE(writer.take_outcome()->ok());
    expect_stored(state_of(7));
}

TEST_F(Snapshots, a_state_that_is_missing_or_damaged_is_named) {
    ASSERT_TRUE(store_snapshot(disk, state_of(3, 5000)).ok());
    ASSERT_TRUE(disk.flip_bit("snapshot.3", 8 * 4000));
    const auto damaged = read_snapshot(disk);
    EXPECT_EQ(damaged.error().kind, ErrorKind::corrupt);
    EXPECT_NE(damaged.error().message.find("\"snapshot.3\""), std::string::npos);
    ASSERT_TRUE(disk.remove("snapshot.3").ok());
    EXPECT_EQ(read_snapshot(disk).error().kind, ErrorKind::corrupt);
}

TEST(StateIndex, refuses_what_is_damaged_or_cut) {
    const auto index = state_of(6).index();
    EXPECT_EQ(index.pieces.size(), 10u);
    const auto bytes = index.encode();
    EXPECT_EQ(StateIndex::decode(bytes).value().encode(), bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        auto bad = bytes;
        bad[i] ^= 1;
        EXPECT_FALSE(StateIndex::decode(bad).ok()) << i;
        EXPECT_FALSE(StateIndex::decode(ByteSpan(bytes).first(i)).ok()) << i;
    }
}

}  // namespace
}  // namespace mutirao::consensus
