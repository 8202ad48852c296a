#include "base/record_log.hpp"

#include <gtest/gtest.h>

#include "base/memory_disk.hpp"
#include "base/random.hpp"
#include "base/test_record_log.hpp"

namespace mutirao {
namespace {

constexpr std::size_t kRecordMax = 200;

RecordLog::Shape shape(std::uint64_t segment_bytes = 1 << 20) {
    return {"things.log", kRecordMax, test_checksum, segment_bytes};
}

Bytes sample(std::uint64_t number) {
    Bytes out(7 * number % kRecordMax);
    SeededRandom(number).fill(out);
    return out;
}

std::unique_ptr<RecordLog> opened(Disk& disk, std::uint64_t segment_bytes = 1 << 20) {
    return RecordLog::open(disk, shape(segment_bytes), [](auto, auto) { return Status(); }).value();
}

void write_records(Disk& disk, std::uint64_t from, std::uint64_t to,
                   std::uint64_t segment_bytes = 1 << 20) {
    const auto log = opened(disk, segment_bytes);
    for (auto number = from; number <= to; ++number) {
        ASSERT_TRUE(log->append(sample(number)).ok());
        ASSERT_TRUE(log->sync().ok());
    }
}

struct Found {
    Status status;
    std::vector<Bytes> records;
    std::vector<RecordLog::Place> places;
};
Found read_all(Disk& disk) {
    Found out;
    const auto log = RecordLog::open(disk, shape(), [&](ByteSpan record, auto place) {
        out.records.push_back(to_bytes(record));
        out.places.push_back(place);
        return Status();
    });
    if (!log.ok()) out.status = log.error();
    return out;
}
std::uint64_t bytes_of(std::uint64_t records) {
    MemoryDisk disk;
    write_records(disk, 1, records);
    return disk.bytes_stored();
}

TEST(RecordLog, gives_back_what_was_appended) {
    MemoryDisk disk;
    EXPECT_TRUE(read_all(disk).records.empty());
    const auto log = opened(disk);
    std::vector<RecordLog::Place> places;
    for (std::uint64_t i = 0; i < 30; ++i) places.push_back(log->append(sample(i)).value());
    for (std::uint64_t i = 0; i < 30; ++i) EXPECT_EQ(log->read(places[i]).value(), sample(i));
    ASSERT_TRUE(log->sync().ok());
    const auto found = read_all(disk);
    ASSERT_TRUE(found.status.ok());
    ASSERT_EQ(found.records.size(), 30u);
    for (std::uint64_t i = 0; i < 30; ++i) {
        EXPECT_EQ(found.records[i], sample(i));
        EXPECT_EQ(log->read(found.places[i]).value(), sample(i));
    }
}

// The power goes at every byte of the last append, and what was written remains.
TEST(RecordLog, a_torn_end_is_cut_off_at_every_byte) {
    const auto before = bytes_of(2);
    const auto record = bytes_of(3) - before;
    for (std::uint64_t kept = 0; kept <= record; ++kept) {
        MemoryDisk disk;
        write_records(disk, 1, 2);
        {
            const auto log = opened(disk);
            disk.cut_power_after_bytes(kept);
            EXPECT_EQ(log->append(sample(3)).ok(), kept == record);
        }
        disk.restart(kept);
        const auto found = read_all(disk);
        ASSERT_TRUE(found.status.ok()) << kept;
        EXPECT_EQ(found.records.size(), kept == record ? 3u : 2u) << kept;
        // What was cut off is gone: the next record follows the last whole one.
        EXPECT_EQ(disk.bytes_stored(), kept == record ? before + record : before);
    }
}

// A file system may have written any pages of what was never synced.
TEST(RecordLog, an_end_with_holes_is_cut_off) {
    SeededRandom chance(1);
    for (int round = 0; round < 300; ++round) {
        MemoryDisk disk;
        write_records(disk, 1, 2);
        {
            const auto log = opened(disk);
            ASSERT_TRUE(log->append(sample(20)).ok());
        }
        disk.restart_with_holes(chance, 16);
        const auto found = read_all(disk);
        ASSERT_TRUE(found.status.ok()) << round;
        ASSERT_GE(found.records.size(), 2u);
        if (found.records.size() > 2) {
            EXPECT_EQ(found.records[2], sample(20));
        }
    }
}

// A flip before the last record is damage, wherever it falls: never a silent loss of what follows.
TEST(RecordLog, a_flipped_bit_before_the_last_record_is_corrupt) {
    for (std::uint64_t bit = 0; bit < bytes_of(2) * 8; ++bit) {
        MemoryDisk disk;
        write_records(disk, 1, 3);
        ASSERT_TRUE(disk.flip_bit("things.log", bit));
        const auto found = read_all(disk);
        ASSERT_FALSE(found.status.ok()) << bit;
        EXPECT_EQ(found.status.error().kind, ErrorKind::corrupt) << bit;
    }
}

TEST(RecordLog, a_damaged_last_record_is_never_given_back) {
    for (std::uint64_t bit = bytes_of(2) * 8; bit < bytes_of(3) * 8; ++bit) {
        MemoryDisk disk;
        write_records(disk, 1, 3);
        ASSERT_TRUE(disk.flip_bit("things.log", bit));
        EXPECT_EQ(read_all(disk).records.size(), 2u) << bit;
    }
}

TEST(RecordLog, a_full_disk_leaves_the_log_as_it_was) {
    MemoryDisk disk;
    write_records(disk, 1, 2);
    const auto log = opened(disk);
    const auto before = disk.bytes_stored();
    disk.set_capacity(before + 10);
    EXPECT_EQ(log->append(sample(3)).error().kind, ErrorKind::resource_exhausted);
    EXPECT_EQ(disk.bytes_stored(), before);
    disk.set_capacity(1 << 20);
    EXPECT_TRUE(log->append(sample(3)).ok());
    EXPECT_TRUE(log->sync().ok());
    EXPECT_EQ(read_all(disk).records.size(), 3u);
}

TEST(RecordLog, a_log_that_could_not_be_cut_back_takes_no_more) {
    MemoryDisk disk;
    const auto log = opened(disk);
    disk.cut_power_after_bytes(5);
    EXPECT_FALSE(log->append(sample(1)).ok());
    EXPECT_EQ(log->append(sample(1)).error().kind, ErrorKind::io);
}

TEST(RecordLog, a_log_whose_sync_failed_takes_no_more) {
    MemoryDisk disk;
    const auto log = opened(disk);
    ASSERT_TRUE(log->append(sample(1)).ok());
    disk.fail_syncs(true);
    EXPECT_FALSE(log->sync().ok());
    disk.fail_syncs(false);
    EXPECT_EQ(log->append(sample(2)).error().kind, ErrorKind::io);
    ASSERT_TRUE(opened(disk)->append(sample(2)).ok());
}

TEST(RecordLog, old_segments_are_forgotten_and_the_rest_stays) {
    MemoryDisk disk;
    write_records(disk, 1, 60, 600);
    auto log = opened(disk, 600);
    EXPECT_EQ(log->oldest(), 0u);
    EXPECT_GT(log->newest(), 3u);
    const auto all = read_all(disk);
    ASSERT_EQ(all.records.size(), 60u);
    ASSERT_TRUE(log->forget_oldest().ok());
    ASSERT_TRUE(log->forget_oldest().ok());
    EXPECT_EQ(log->oldest(), 2u);
    EXPECT_EQ(log->read(all.places[0]).error().kind, ErrorKind::not_found);
    EXPECT_EQ(log->read(all.places[59]).value(), sample(60));
    const auto rest = read_all(disk);
    ASSERT_TRUE(rest.status.ok());
    ASSERT_FALSE(rest.records.empty());
    EXPECT_EQ(rest.records,
              std::vector(all.records.end() - static_cast<std::ptrdiff_t>(rest.records.size()),
                          all.records.end()));
    EXPECT_EQ(rest.places[0].segment, 2u);
    log = opened(disk, 600);
    const auto next = log->append(sample(61)).value();
    EXPECT_EQ(next.segment, log->newest());
}

TEST(RecordLog, damage_in_an_old_segment_or_a_missing_one_is_corrupt) {
    MemoryDisk disk;
    write_records(disk, 1, 60, 600);
    const auto middle = disk.read_file("things.log.2", 1 << 20).value();
    for (const auto size : {std::size_t{0}, middle.size() / 2, middle.size() - 1}) {
        ASSERT_TRUE(disk.write_file_atomic("things.log.2", ByteSpan(middle).first(size)).ok());
        // Cut at a record's end, a segment looks whole: whoever reads it misses what is gone.
        const auto found = read_all(disk);
        EXPECT_TRUE(size == 0 ? found.records.size() < 60
                              : found.status.error().kind == ErrorKind::corrupt);
    }
    ASSERT_TRUE(disk.remove("things.log.2").ok());
    EXPECT_EQ(read_all(disk).status.error().kind, ErrorKind::corrupt);
}

TEST(RecordLog, may_begin_late_and_read_what_was_left_out_afterwards) {
    MemoryDisk disk;
    write_records(disk, 1, 60, 600);
    std::vector<Bytes> read, asked;
    const auto open = [&](const Bytes& first_wanted) {
        read.clear(), asked.clear();
        return RecordLog::open(
            disk, shape(600),
            [&](ByteSpan record, auto) {
                read.push_back(to_bytes(record));
                return Status();
            },
            [&](ByteSpan record, auto) -> Result<bool> {
                asked.push_back(to_bytes(record));
                return asked.back() == first_wanted;
            });
    };
    auto log = opened(disk, 600);
    const auto third = log->first(3).value();
    ASSERT_TRUE(third.has_value());
    EXPECT_EQ(log->read(third->place).value(), third->record);
    log = open(third->record).value();
    EXPECT_EQ(asked.size(), log->newest() - 2u);  // the newest first
    EXPECT_EQ(read.front(), third->record);
    EXPECT_EQ(read.back(), sample(60));
    ASSERT_TRUE(log->append(sample(61)).ok());  // scan() sees what there was
    std::vector<Bytes> all;
    ASSERT_TRUE(log->scan(0,
                          [&](ByteSpan record, auto) -> Result<bool> {
                              all.push_back(to_bytes(record));
                              return true;
                          })
                    .ok());
    EXPECT_EQ(all.size(), 60u);
    EXPECT_EQ(all.front(), sample(1));
    std::vector<Bytes> some;
    ASSERT_TRUE(log->scan(3,
                          [&](ByteSpan record, auto) -> Result<bool> {
                              some.push_back(to_bytes(record));
                              return some.size() < 2;
                          })
                    .ok());
    EXPECT_EQ(some, (std::vector<Bytes>{read[0], read[1]}));
    EXPECT_FALSE(log->first(log->newest() + 1).value().has_value());
    // Damage in a segment that is left out is found when that is read.
    ASSERT_TRUE(disk.flip_bit("things.log.1", 8 * 50));
    log = open(third->record).value();
    EXPECT_EQ(log->scan(0, [](auto, auto) { return true; }).error().kind, ErrorKind::corrupt);
    EXPECT_TRUE(log->scan(2, [](auto, auto) { return true; }).ok());
}

TEST(RecordLog, begins_before_a_segment_without_a_whole_record) {
    MemoryDisk disk;
    write_records(disk, 1, 20, 600);
    const auto newest = opened(disk, 600)->newest();
    ASSERT_TRUE(disk.write_file_atomic("things.log." + std::to_string(newest + 1), {}).ok());
    std::uint64_t read = 0;
    const auto log = RecordLog::open(
        disk, shape(600), [&](auto, auto) { return ++read, Status(); },
        [](auto, auto) { return true; });
    ASSERT_TRUE(log.ok());
    EXPECT_GT(read, 0u);
    EXPECT_LT(read, 20u);
}

// For what can be done without: wherever the damage is, the log ends there and goes on.
TEST(RecordLog, may_end_at_damage_instead_of_refusing_it) {
    auto lenient = shape(600);
    lenient.cut_damage = true;
    for (const auto* file : {"things.log", "things.log.1", "things.log.5"})
        for (std::uint64_t byte = 0; byte < 600; byte += 13) {
            MemoryDisk disk;
            write_records(disk, 1, 60, 600);
            if (!disk.flip_bit(file, 8 * byte)) continue;
            std::vector<Bytes> read;
            auto log = RecordLog::open(
                disk, lenient,
                [&](ByteSpan record, auto) {
                    read.push_back(to_bytes(record));
                    return Status();
                },
                [](auto, RecordLog::Place place) { return place.segment == 0; });
            ASSERT_TRUE(log.ok()) << file << " " << byte << ": " << log.error().message;
            ASSERT_LT(read.size(), 60u);
            for (std::size_t i = 0; i < read.size(); ++i) ASSERT_EQ(read[i], sample(i + 1));
            ASSERT_TRUE((*log)->append(sample(99)).ok());
            const auto found = read_all(disk);
            ASSERT_TRUE(found.status.ok()) << found.status.error().message;
            EXPECT_EQ(found.records.size(), read.size() + 1);
        }
}

TEST(RecordLog, is_cut_before_any_record_and_goes_on_there) {
    for (std::size_t left = 0; left < 60; left += 7) {
        MemoryDisk disk;
        write_records(disk, 1, 60, 600);
        std::vector<RecordLog::Place> places;
        auto log = RecordLog::open(disk, shape(600), [&](auto, auto place) {
                       places.push_back(place);
                       return Status();
                   }).value();
        ASSERT_TRUE(log->cut(places[left]).ok());
        ASSERT_TRUE(log->append(sample(99)).ok());
        ASSERT_TRUE(log->sync().ok());
        std::size_t scanned = 0;
        ASSERT_TRUE(log->scan(0, [&](auto, auto) { return ++scanned, true; }).ok());
        EXPECT_EQ(scanned, left);
        const auto found = read_all(disk);
        ASSERT_TRUE(found.status.ok()) << left << ": " << found.status.error().message;
        ASSERT_EQ(found.records.size(), left + 1);
        EXPECT_EQ(found.records.back(), sample(99));
    }
}

// The power goes at each step of a log that grows and forgets; what was synced is there after.
TEST(RecordLog, survives_power_cuts_at_every_step_of_growing_and_forgetting) {
    for (std::uint64_t steps = 0; steps < 90; ++steps) {
        MemoryDisk disk;
        disk.cut_power_after_operations(steps);
        std::uint64_t synced = 0;
        std::uint32_t forgotten = 0;
        if (auto log = RecordLog::open(disk, shape(400), [](auto, auto) { return Status(); });
            log.ok()) {
            for (std::uint64_t number = 1; number <= 30; ++number) {
                if (!(*log)->append(sample(number)).ok() || !(*log)->sync().ok()) break;
                synced = number;
                if ((*log)->newest() - (*log)->oldest() > 2 && (*log)->forget_oldest().ok())
                    ++forgotten;
            }
        }
        disk.restart();
        const auto found = read_all(disk);
        ASSERT_TRUE(found.status.ok()) << steps << ": " << found.status.error().message;
        if (synced > 0) {
            ASSERT_FALSE(found.records.empty()) << steps;
            EXPECT_EQ(found.records.back(), sample(synced)) << steps;
        }
        if (forgotten == 0) {
            EXPECT_EQ(found.records.size(), synced) << steps;
        }
    }
}

}  // namespace
}  // namespace mutirao
