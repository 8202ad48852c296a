// Records in numbered slots: a record keeps its number for as long as it exists, is found by its
// key, and knows which record comes next in the order of keys. Internal to ledger; one thread at a
// time, const calls may run side by side, and a View is read on a thread of its own.
//
// The order is a B+ tree of two levels: sorted blocks of keys, of which the first 16 bytes stand in
// place, under one sorted list of where each block begins. With a million records a look-up costs
// 0.4 us, mostly memory, a new key as much again; a record takes 24 + 24/0.75 bytes and its own.
#pragma once

#include <algorithm>
#include <compare>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/codec.hpp"
#include "ledger/records.hpp"

namespace mutirao::ledger {

using Slot = std::uint32_t;
inline constexpr Slot kNoSlot = ~Slot{0};

inline constexpr std::size_t kStateKeyMax = 1024;       // bytes; a key is not empty
inline constexpr std::size_t kStateValueMax = 1 << 20;  // bytes

// Order of keys: as unsigned bytes, a prefix before what it begins.
inline bool key_less(ByteSpan a, ByteSpan b) {
    const auto common = std::min(a.size(), b.size());
    const int order = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
    return order != 0 ? order < 0 : a.size() < b.size();
}
inline bool key_equal(ByteSpan a, ByteSpan b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}
inline bool has_prefix(ByteSpan key, ByteSpan prefix) {
    return key.size() >= prefix.size() && key_equal(key.first(prefix.size()), prefix);
}

// The first 16 bytes of a key as numbers that sort as the key does; keys alike in them may differ.
struct KeyPrefix {
    std::uint64_t high = 0, low = 0;
    auto operator<=>(const KeyPrefix&) const = default;
    static KeyPrefix of(ByteSpan key);
};

class StateSlots {
  public:
    // Slot 0 holds the empty key, which comes before all others and is no record.
    StateSlots();
    StateSlots(StateSlots&&) noexcept = default;
    StateSlots& operator=(StateSlots&&) noexcept = default;

    // The slot of the greatest key that is not above `key`, maybe 0.
    Slot floor(ByteSpan key) const;
    // kNoSlot when there is no such record, as for the empty key.
    Slot find(ByteSpan key) const;
    // find() of each. Asks for memory ahead, so that of a million records each costs 0.15 us.
    std::vector<Slot> find_each(std::span<const ByteSpan> keys) const;
    // The slot of the greatest key below `key`.
    Slot before(ByteSpan key) const;

    // Of a slot in use. Spans hold until the record changes.
    ByteSpan key(Slot slot) const { return at(slot).key(); }
    ByteSpan value(Slot slot) const { return at(slot).value(); }
    Slot next(Slot slot) const { return at(slot).next; }  // kNoSlot after the last
    bool used(Slot slot) const { return at(slot).bytes != nullptr; }
    // Asks for the memory of the next record's key, which lies anywhere.
    void touch_next(Slot slot) const {
        if (const auto next = at(slot).next; next != kNoSlot)
            __builtin_prefetch(at(next).bytes.get());
    }

    std::size_t slot_count() const { return table_->slots.size(); }  // it never falls
    std::size_t size() const { return slot_count() - 1 - free_.size(); }
    const std::set<Slot>& free() const { return free_; }

    // The records as they are now, for as long as somebody reads them.
    class View;
    View view() const;
    // To be held over the changes below: a View reads what they change.
    [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(table_->mutex); }

    // `slot` is free, or the next that was never used; the key is not there yet.
    void insert(Slot slot, ByteSpan key, ByteSpan value);
    void erase(Slot slot);
    void set_value(Slot slot, ByteSpan value);
    void set_next(Slot slot, Slot next) { table_->slots[slot].next = next; }

    // Everything at once: `slots` are the places of ascending keys, each inside `slot_count` and
    // not 0. Links them too. For an empty object.
    struct Entry {
        Slot slot;
        ByteSpan key, value;
    };
    void fill(std::size_t slot_count, const std::vector<Entry>& ascending);

  private:
    struct Record {
        std::unique_ptr<std::uint8_t[]> bytes;  // the key, then the value
        std::uint32_t value_size = 0;
        Slot next = kNoSlot;
        std::uint16_t key_size = 0;

        ByteSpan key() const { return {bytes.get(), key_size}; }
        ByteSpan value() const { return {bytes.get() + key_size, value_size}; }
    };
    // What a view still has to read: slots from `at` on, and what changed there since it was made.
    struct Unread {
        Slot at = 1, end = 1;
        std::unordered_map<Slot, Record> before;
    };
    // Shared with views, which may outlive the object.
    struct Table {
        std::mutex mutex;  // held to change all below, and where a view reads it
        std::vector<Record> slots;
        std::vector<Unread*> unread;  // of each view
    };
    struct Item {
        KeyPrefix prefix;
        Slot slot;
    };
    using Block = std::vector<Item>;
    struct Place {
        std::size_t block, item;
    };

    const Record& at(Slot slot) const { return table_->slots[slot]; }
    static Record record(ByteSpan key, ByteSpan value);
    void keep_for_views(Slot slot);
    void find_some(std::span<const ByteSpan> keys, Slot* out) const;
    std::size_t not_above(const std::vector<Item>& items, const KeyPrefix& prefix,
                          ByteSpan key) const;
    Place place(ByteSpan key) const;
    void split(std::size_t block);

    std::shared_ptr<Table> table_ = std::make_shared<Table>();
    std::set<Slot> free_;
    std::vector<Item> firsts_;  // of each block; the first block begins with the empty key
    std::vector<Block> blocks_;
};

// One thread at a time, beside whatever is done with the StateSlots. What changes before it is read
// is kept for it: 0.1 us and 0.1 kB and the record for each, so that in the worst case, when all
// records change meanwhile, it takes as much memory as they do.
class StateSlots::View {
  public:
    explicit View(std::shared_ptr<Table> table);
    View(View&&) noexcept = default;
    View& operator=(View&&) = delete;
    ~View();

    Slot slot_count() const { return unread_->end; }
    // Writes the next records in order of slots, as u32 size and key, u32 size and value, and no
    // more than a key of no bytes for a free slot, until `out` has `bytes` or more. False when none
    // are left. The lock is held for 0.1 ms at a time.
    bool next(std::size_t bytes, Writer& out);

  private:
    std::shared_ptr<Table> table_;
    std::unique_ptr<Unread> unread_;  // where the table knows it
};

}  // namespace mutirao::ledger
