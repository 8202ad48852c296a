// A power cut at every byte and before every operation of a history: nothing that was synced is
// lost, nothing that was dropped comes back, and nothing is there that was not put.
#include <gtest/gtest.h>
#include <set>

#include "base/memory_disk.hpp"
#include "base/random.hpp"
#include "storage/fragment_store.hpp"

namespace mutirao::storage {
namespace {

constexpr std::uint64_t kSmallSegment = 700;  // a handful of records each

BlockId block_id(std::uint8_t n) {
    BlockId id;
    id.bytes.fill(n);
    return id;
}

Bytes payload(std::size_t size, std::uint64_t seed) {
    Bytes out(size);
    SeededRandom(seed).fill(out);
    return out;
}

std::unique_ptr<FragmentStore> open_store(MemoryDisk& disk,
                                          std::uint64_t segment_size = kSmallSegment) {
    SeededRandom random(11);
    auto store = FragmentStore::open(disk, random, segment_size);
    if (!store.ok()) ADD_FAILURE() << store.error().message;
    return store.ok() ? std::move(*store) : nullptr;
}

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

}  // namespace
}  // namespace mutirao::storage
