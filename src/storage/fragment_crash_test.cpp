// A power cut at every byte and before every operation of a history: nothing that was synced is
// lost, nothing that was dropped comes back, and nothing is there that was not put.
#include <gtest/gtest.h>
#include <set>

#include "storage/test_fragments.hpp"

namespace mutirao::storage {
namespace {

// A short history with segment changes, drops and a block that comes back, and what it has promised
// so far: after a successful sync, the state of the model is a promise.
struct History {
    struct Step {
        enum { statement, slot, drop, sync, compact } what;
        std::uint8_t block = 0;
        std::uint32_t slot_number = 0;
    };
    using Key = std::pair<std::uint8_t, std::uint32_t>;  // block, slot (kStatement: the statement)
    static constexpr std::uint32_t kStatement = 1000;

    static std::vector<Step> steps() {
        return {
            {Step::statement, 1}, {Step::slot, 1, 4}, {Step::sync},         {Step::statement, 2},
            {Step::slot, 2, 9},   {Step::slot, 1, 5}, {Step::sync},         {Step::slot, 2, 10},
            {Step::drop, 1},      {Step::sync},       {Step::statement, 3}, {Step::statement, 1},
            {Step::slot, 1, 4},   {Step::sync},       {Step::drop, 2},      {Step::drop, 3},
            {Step::slot, 4, 0},   {Step::sync},       {Step::compact},      {Step::drop, 1},
            {Step::slot, 4, 1},   {Step::drop, 4},    {Step::sync},         {Step::statement, 2},
            {Step::slot, 2, 9},   {Step::slot, 3, 5}, {Step::slot, 3, 4},   {Step::statement, 3},
            {Step::slot, 3, 10},  {Step::sync},       {Step::drop, 3},      {Step::slot, 5, 1},
            {Step::compact},      {Step::slot, 5, 2}, {Step::sync},         {Step::compact},
            {Step::slot, 5, 4}};
    }
    static Bytes bytes_of(const Key& key) { return payload(40 + key.first * 7, key.second + 1); }

    // Runs until a step fails; true when all succeeded.
    bool run(FragmentStore& store) {
        for (const auto& step : steps())
            if (!run(store, step)) return false;
        return true;
    }
    bool run(FragmentStore& store, const Step& step) {
        const Key key{step.block, step.what == Step::slot ? step.slot_number : kStatement};
        const auto id = block_id(step.block);
        switch (step.what) {
            case Step::statement:
            case Step::slot:
                touched.insert(key);
                now.insert(key);
                return key.second == kStatement
                           ? store.put_statement(id, bytes_of(key)).ok()
                           : store.put_slot(id, key.second, bytes_of(key)).ok();
            case Step::drop:
                std::erase_if(now, [&](const Key& k) {
                    if (k.first == step.block) touched.insert(k);
                    return k.first == step.block;
                });
                return store.drop(id).ok();
            case Step::compact: return store.compact_some(~std::uint64_t{0}).ok();
            case Step::sync: {
                if (!store.sync().ok()) return false;
                promised = now;
                touched.clear();
                return true;
            }
        }
        return false;
    }

    // Every promise is kept; what is there is what was put; what was not touched since the last
    // sync is exactly as it was then.
    void check(FragmentStore& store) const {
        for (std::uint8_t b = 1; b <= 5; ++b)
            for (const std::uint32_t slot : {kStatement, 0u, 1u, 2u, 4u, 5u, 9u, 10u}) {
                const Key key{b, slot};
                const auto got = slot == kStatement ? store.statement(block_id(b))
                                                    : store.slot(block_id(b), slot);
                if (got.ok())
                    EXPECT_EQ(*got, bytes_of(key));
                else
                    EXPECT_EQ(got.error().kind, ErrorKind::not_found) << got.error().message;
                if (touched.contains(key)) continue;
                EXPECT_EQ(got.ok(), promised.contains(key))
                    << "block " << int{b} << " slot " << slot;
            }
    }

    std::set<Key> now, promised, touched;
};

void crash_and_check(MemoryDisk& disk, std::uint64_t kept) {
    History history;
    SeededRandom random(11);
    if (auto store = FragmentStore::open(disk, random, kSmallSegment); store.ok()) {
        const bool finished = history.run(**store);
        EXPECT_NE(finished, disk.power_is_cut());
    }
    disk.restart(kept);
    auto store = open_store(disk);
    ASSERT_NE(store, nullptr);
    EXPECT_EQ(store->damaged(), 0u);  // a torn end is no damage
    history.check(*store);
    // Life goes on, and what recovery did is stable.
    ASSERT_TRUE(store->put_slot(block_id(77), 1, payload(99, 1)).ok());
    ASSERT_TRUE(store->sync().ok());
    disk.restart();
    store = open_store(disk);
    history.check(*store);
    EXPECT_EQ(store->slot(block_id(77), 1).value(), payload(99, 1));
    EXPECT_EQ(store->recovery().torn_bytes, 0u);
}

TEST(FragmentStore, survives_a_power_cut_at_every_byte) {
    MemoryDisk whole;
    ASSERT_TRUE(History().run(*open_store(whole)));
    ASSERT_GT(whole.list("segments").value().size(), 1u);
    for (std::uint64_t bytes = 0; bytes <= whole.bytes_written(); ++bytes)
        for (const std::uint64_t kept : {std::uint64_t{0}, std::uint64_t{100}, ~std::uint64_t{0}}) {
            SCOPED_TRACE("cut after byte " + std::to_string(bytes) + ", " + std::to_string(kept) +
                         " unsynced bytes kept");
            MemoryDisk disk;
            disk.cut_power_after_bytes(bytes);
            crash_and_check(disk, kept);
            if (HasFailure()) return;
        }
}

TEST(FragmentStore, survives_a_power_cut_before_every_operation) {
    MemoryDisk whole;
    ASSERT_TRUE(History().run(*open_store(whole)));
    for (std::uint64_t operations = 0; operations <= whole.operations(); ++operations)
        for (std::uint64_t kept = 0; kept < 400; kept += 13) {
            SCOPED_TRACE("cut before operation " + std::to_string(operations) + ", " +
                         std::to_string(kept) + " unsynced bytes kept");
            MemoryDisk disk;
            disk.cut_power_after_operations(operations);
            crash_and_check(disk, kept);
            if (HasFailure()) return;
        }
}

// Random histories of shares, drops, syncs, compaction and scrubbing on a disk that fills now and
// then, cut before a random operation or at a random byte; of what was not synced, any pages
// remain.
class RandomHistory {
  public:
    explicit RandomHistory(std::uint64_t seed) : random_(seed) {}

    void run(FragmentStore& store, MemoryDisk& disk) {
        const auto steps = 10 + random_.below(40);
        for (std::uint64_t i = 0; i < steps && !disk.power_is_cut(); ++i) step(store, disk);
    }

    // As History::check; goes on from what is there.
    void check(FragmentStore& store) {
        now_.clear();
        for (std::uint8_t b = 0; b < kBlocks; ++b)
            for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
                const auto got = store.slot(block_id(b), slot);
                if (got.ok())
                    EXPECT_EQ(*got, stored(b, slot));
                else
                    EXPECT_EQ(got.error().kind, ErrorKind::not_found) << got.error().message;
                if (got.ok()) now_.insert({b, slot});
                if (touched_.contains({b, slot})) continue;
                EXPECT_EQ(got.ok(), promised_.contains({b, slot}))
                    << "block " << int{b} << " slot " << slot;
            }
    }

  private:
    static constexpr std::uint8_t kBlocks = 7;
    static constexpr std::uint32_t kSlots = 5;

    static std::vector<Bytes> rows_of(std::uint8_t b, std::uint32_t slot) {
        return {payload(128, b * 100u + slot), payload(128, b * 100u + slot + 50)};
    }
    // Odd blocks come slot by slot, without rows; even ones as shares.
    static Bytes stored(std::uint8_t b, std::uint32_t slot) {
        if (b % 2 == 1) return payload(90 + slot, b * 10u + slot);
        Bytes out;
        const auto rows = rows_of(b, slot);
        for (const auto& row : rows) {
            const auto digest = block::row_digest(row);
            out.insert(out.end(), digest.bytes.begin(), digest.bytes.end());
        }
        for (const auto& row : rows) out.insert(out.end(), row.begin(), row.end());
        return out;
    }

    bool put(FragmentStore& store, std::uint8_t b) {
        const auto first = static_cast<std::uint32_t>(random_.below(kSlots));
        const auto last = first + static_cast<std::uint32_t>(random_.below(kSlots - first));
        for (auto slot = first; slot <= last; ++slot)
            if (!now_.contains({b, slot})) touched_.insert({b, slot});
        std::vector<Bytes> rows;
        std::vector<Digest> digests;
        for (auto slot = first; slot <= last; ++slot) {
            if (b % 2 == 1) {
                if (!store.put_slot(block_id(b), slot, stored(b, slot)).ok()) return false;
                now_.insert({b, slot});
            }
            for (auto& row : rows_of(b, slot)) {
                digests.push_back(block::row_digest(row));
                rows.push_back(std::move(row));
            }
        }
        if (b % 2 == 1) return true;
        std::vector<SlotToStore> slots;
        for (std::size_t i = 0; i <= last - first; ++i)
            slots.push_back({first + static_cast<std::uint32_t>(i),
                             std::span(digests).subspan(2 * i, 2),
                             {rows[2 * i], rows[2 * i + 1]}});
        if (!store.put_share(block_id(b), payload(60, b), slots).ok()) return false;
        for (auto slot = first; slot <= last; ++slot) now_.insert({b, slot});
        return true;
    }

    void drop(FragmentStore& store, std::uint8_t b) {
        for (std::uint32_t slot = 0; slot < kSlots; ++slot)
            if (now_.contains({b, slot})) touched_.insert({b, slot});
        if (store.drop(block_id(b)).ok())
            std::erase_if(now_, [&](const auto& key) { return key.first == b; });
    }

    void step(FragmentStore& store, MemoryDisk& disk) {
        const auto b = static_cast<std::uint8_t>(random_.below(kBlocks));
        switch (random_.below(12)) {
            case 0:
            case 1: drop(store, b); break;
            case 2:
            case 3: static_cast<void>(store.compact_some(1 + random_.below(3000)).ok()); break;
            case 4: static_cast<void>(store.scrub_some(1 + random_.below(3000)).ok()); break;
            case 5: disk.set_capacity(disk.bytes_stored() + random_.below(1200)); break;
            case 6:
            case 7: disk.set_capacity(~std::uint64_t{0}); break;
            case 8:
                if (!store.sync().ok()) break;
                promised_ = now_;
                touched_.clear();
                break;
            default: static_cast<void>(put(store, b)); break;
        }
    }

    SeededRandom random_;
    std::set<std::pair<std::uint8_t, std::uint32_t>> now_, promised_, touched_;
};

void crash_with_holes(std::uint64_t seed) {
    SeededRandom chance(seed);
    const std::uint64_t page_size = 32u << chance.below(6);
    const std::uint64_t segment_size = kSmallSegment << chance.below(3);
    MemoryDisk disk;
    RandomHistory history(seed);
    for (int life = 0; life < 3; ++life) {
        if (chance.below(2) == 0)
            disk.cut_power_after_operations(chance.below(80));
        else
            disk.cut_power_after_bytes(chance.below(9000));
        SeededRandom random(11);
        if (auto store = FragmentStore::open(disk, random, segment_size); store.ok())
            history.run(**store, disk);
        disk.set_capacity(~std::uint64_t{0});
        disk.restart_with_holes(chance, page_size);
        auto store = open_store(disk, segment_size);
        ASSERT_NE(store, nullptr);
        history.check(*store);
        if (testing::Test::HasFailure()) return;
    }
}

TEST(FragmentStore, survives_power_cuts_that_leave_any_pages_of_what_was_not_synced) {
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        crash_with_holes(seed);
        if (HasFailure()) return;
    }
}

}  // namespace
}  // namespace mutirao::storage
