#include "consensus/history_log.hpp"

#include <gtest/gtest.h>

#include "base/memory_disk.hpp"
#include "base/random.hpp"

namespace mutirao::consensus {
namespace {

constexpr std::uint64_t kSegment = 2000;

Bytes part(std::uint64_t height) {
    Bytes out(50 + height % 7 * 20);
    SeededRandom(height).fill(out);
    return out;
}

std::unique_ptr<HistoryLog> opened(Disk& disk, std::uint64_t last) {
    return HistoryLog::open(disk, last, kSegment).value();
}

void append(HistoryLog& log, std::uint64_t from, std::uint64_t to) {
    for (auto height = from; height <= to; ++height)
        ASSERT_TRUE(log.append(height, part(height)).ok());
    ASSERT_TRUE(log.sync().ok());
}

// Their heights; each with what belongs to it.
std::vector<std::uint64_t> read(const HistoryLog& log) {
    std::vector<std::uint64_t> out;
    EXPECT_TRUE(log.read([&](std::uint64_t height, ByteSpan bytes) -> Status {
                       EXPECT_EQ(to_bytes(bytes), part(height));
                       out.push_back(height);
                       return {};
                   })
                    .ok());
    return out;
}

std::vector<std::uint64_t> between(std::uint64_t from, std::uint64_t to) {
    std::vector<std::uint64_t> out;
    for (auto height = from; height <= to; ++height) out.push_back(height);
    return out;
}

TEST(HistoryLog, gives_back_what_was_there_when_it_was_opened) {
    MemoryDisk disk;
    auto log = opened(disk, 0);
    EXPECT_EQ(log->last_height(), 0u);
    append(*log, 1, 100);
    EXPECT_EQ(log->last_height(), 100u);
    log = opened(disk, 100);
    EXPECT_EQ(log->last_height(), 100u);
    append(*log, 101, 120);
    EXPECT_EQ(read(*log), between(1, 100));
    EXPECT_EQ(read(*opened(disk, 120)), between(1, 120));
}

// Wherever the snapshot is that it belongs to.
TEST(HistoryLog, cuts_off_what_no_snapshot_needs) {
    for (std::uint64_t last = 0; last <= 100; last += 9) {
        MemoryDisk disk;
        append(*opened(disk, 0), 1, 100);
        auto log = opened(disk, last);
        EXPECT_EQ(log->last_height(), last);
        EXPECT_EQ(read(*log), between(1, last));
        append(*log, last + 1, last + 3);
        EXPECT_EQ(read(*opened(disk, last + 3)), between(1, last + 3));
    }
}

TEST(HistoryLog, forgets_whole_files_and_knows_where_it_begins) {
    MemoryDisk disk;
    append(*opened(disk, 0), 1, 100);
    auto log = opened(disk, 100);
    ASSERT_TRUE(log->forget_below(50).ok());
    const auto kept = read(*log);
    EXPECT_GT(kept.front(), 1u);
    EXPECT_LE(kept.front(), 50u);
    EXPECT_EQ(kept.back(), 100u);
    log = opened(disk, 100);
    EXPECT_EQ(read(*log), kept);
    ASSERT_TRUE(log->forget_below(1000).ok());  // all but the newest
    EXPECT_EQ(read(*log).back(), 100u);
    EXPECT_EQ(log->append(101, Bytes(HistoryLog::kPartMax + 1)).error().kind,
              ErrorKind::resource_exhausted);
    append(*log, 101, 102);
}

TEST(HistoryLog, says_what_is_damaged_when_it_is_read) {
    MemoryDisk disk;
    append(*opened(disk, 0), 1, 100);
    ASSERT_TRUE(disk.flip_bit("history.log.1", 8 * 500));
    const auto log = opened(disk, 100);
    const auto done = log->read([](auto, auto) { return Status(); });
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().kind, ErrorKind::corrupt);
    EXPECT_NE(done.error().message.find("history.log.1"), std::string::npos);
    EXPECT_EQ(opened(disk, 100)->last_height(), 100u);
}

// The power goes at each step of appending, cutting and forgetting.
TEST(HistoryLog, survives_power_cuts_at_every_step) {
    for (std::uint64_t steps = 0;; ++steps) {
        MemoryDisk disk;
        append(*opened(disk, 0), 1, 60);
        const auto before = disk.operations();
        disk.cut_power_after_operations(steps);
        if (auto log = HistoryLog::open(disk, 20, kSegment); log.ok()) {
            bool going = true;
            for (std::uint64_t height = 21; going && height <= 30; ++height)
                going = (*log)->append(height, part(height)).ok() && (*log)->sync().ok();
            going = going && (*log)->forget_below(15).ok();
        }
        const bool cut = disk.power_is_cut();
        SeededRandom random(steps);
        disk.restart_with_holes(random);
        const auto log = opened(disk, 20);
        EXPECT_EQ(log->last_height(), 20u) << steps;
        const auto kept = read(*log);
        EXPECT_EQ(kept, between(kept.front(), 20)) << steps;
        EXPECT_LE(kept.front(), 15u) << steps;
        if (!cut) break;
        ASSERT_LT(steps, before + 100);
    }
}

}  // namespace
}  // namespace mutirao::consensus
