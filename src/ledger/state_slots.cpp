#include "ledger/state_slots.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace mutirao::ledger {
namespace {

constexpr std::size_t kBlockMax = 128;                   // keys
constexpr std::size_t kAhead = 16;                       // look-ups side by side
constexpr std::size_t kBlockFilled = kBlockMax * 3 / 4;  // when everything comes at once
constexpr Slot kReadAtOnce = 1024;                       // by a view

}  // namespace

KeyPrefix KeyPrefix::of(ByteSpan key) {
    std::uint8_t padded[16] = {};
    if (!key.empty()) std::memcpy(padded, key.data(), std::min(key.size(), sizeof padded));
    static_assert(std::endian::native == std::endian::little);
    KeyPrefix out;
    std::memcpy(&out.high, padded, 8);
    std::memcpy(&out.low, padded + 8, 8);
    return {__builtin_bswap64(out.high), __builtin_bswap64(out.low)};
}

StateSlots::StateSlots() {
    table_->slots.push_back(record({}, {}));
    firsts_.push_back({{}, 0});
    blocks_.push_back({{{}, 0}});
}

StateSlots::Record StateSlots::record(ByteSpan key, ByteSpan value) {
    ENSURE(key.size() <= kStateKeyMax && value.size() <= kStateValueMax, "a record is too large");
    Record out;
    out.bytes = std::make_unique_for_overwrite<std::uint8_t[]>(key.size() + value.size());
    std::copy(key.begin(), key.end(), out.bytes.get());
    std::copy(value.begin(), value.end(), out.bytes.get() + key.size());
    out.key_size = static_cast<std::uint16_t>(key.size());
    out.value_size = static_cast<std::uint32_t>(value.size());
    return out;
}

// Before the record changes, or comes to be.
void StateSlots::keep_for_views(Slot slot) {
    for (auto* unread : table_->unread) {
        if (slot < unread->at || slot >= unread->end || unread->before.contains(slot)) continue;
        const auto& now = at(slot);
        unread->before.emplace(slot, used(slot) ? record(now.key(), now.value()) : Record());
    }
}

// How many of the sorted items are not above the key. Prefixes decide nearly always, so that keys,
// which lie elsewhere in memory, are read only where prefixes are alike.
std::size_t StateSlots::not_above(const std::vector<Item>& items, const KeyPrefix& prefix,
                                  ByteSpan key) const {
    const Item* first = items.data();
    for (std::size_t left = items.size(); left > 0;) {
        const auto half = left / 2;
        const bool less = first[half].prefix < prefix;
        first += less ? half + 1 : 0;
        left = less ? left - half - 1 : half;
    }
    const Item* const end = items.data() + items.size();
    const Item* last = first;
    if (last != end && last->prefix == prefix) {
        const auto alike =
            std::upper_bound(first, end, prefix,
                             [](const auto& sought, const Item& at) { return sought < at.prefix; });
        last = std::upper_bound(first, alike, key, [&](ByteSpan sought, const Item& at) {
            return key_less(sought, this->key(at.slot));
        });
    }
    return static_cast<std::size_t>(last - items.data());
}

// Of the greatest key that is not above `key`.
StateSlots::Place StateSlots::place(ByteSpan key) const {
    const auto prefix = KeyPrefix::of(key);
    const auto block = not_above(firsts_, prefix, key) - 1;
    return {block, not_above(blocks_[block], prefix, key) - 1};
}

Slot StateSlots::floor(ByteSpan key) const {
    const auto at = place(key);
    return blocks_[at.block][at.item].slot;
}

Slot StateSlots::find(ByteSpan key) const {
    if (key.empty()) return kNoSlot;
    const auto slot = floor(key);
    return key_equal(this->key(slot), key) ? slot : kNoSlot;
}

// Step by step for all, so that each step finds in the cache what the one before has asked for:
// the block of keys, the record, its bytes, and the record after it, which a change of this one
// reads too.
void StateSlots::find_some(std::span<const ByteSpan> keys, Slot* out) const {
    std::array<KeyPrefix, kAhead> prefixes;
    std::array<const Block*, kAhead> blocks;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        prefixes[i] = KeyPrefix::of(keys[i]);
        blocks[i] = &blocks_[not_above(firsts_, prefixes[i], keys[i]) - 1];
        __builtin_prefetch(blocks[i]->data() + blocks[i]->size() / 2);
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        out[i] = (*blocks[i])[not_above(*blocks[i], prefixes[i], keys[i]) - 1].slot;
        __builtin_prefetch(&at(out[i]));
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto& found = at(out[i]);
        __builtin_prefetch(found.bytes.get());
        if (found.next != kNoSlot) __builtin_prefetch(&at(found.next));
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto next = this->next(out[i]);
        if (next != kNoSlot) __builtin_prefetch(at(next).bytes.get());
        if (keys[i].empty() || !key_equal(key(out[i]), keys[i])) out[i] = kNoSlot;
    }
}

std::vector<Slot> StateSlots::find_each(std::span<const ByteSpan> keys) const {
    std::vector<Slot> out(keys.size());
    for (std::size_t at = 0; at < keys.size(); at += kAhead)
        find_some(keys.subspan(at, std::min(kAhead, keys.size() - at)), out.data() + at);
    return out;
}

Slot StateSlots::before(ByteSpan key) const {
    ENSURE(!key.empty(), "nothing comes before the empty key");
    auto at = place(key);
    const auto slot = blocks_[at.block][at.item].slot;
    if (!key_equal(this->key(slot), key)) return slot;
    if (at.item > 0) return blocks_[at.block][at.item - 1].slot;
    return blocks_[at.block - 1].back().slot;
}

void StateSlots::insert(Slot slot, ByteSpan key, ByteSpan value) {
    auto& slots = table_->slots;
    keep_for_views(slot);
    if (slot == slots.size())
        slots.emplace_back();
    else
        ENSURE(free_.erase(slot) == 1, "the slot is in use");
    slots[slot] = record(key, value);
    const auto at = place(this->key(slot));
    auto& items = blocks_[at.block];
    items.insert(items.begin() + static_cast<std::ptrdiff_t>(at.item) + 1,
                 {KeyPrefix::of(key), slot});
    if (items.size() > kBlockMax) split(at.block);
}

// Keys that only ever grow leave full blocks behind, others half full ones.
void StateSlots::split(std::size_t block) {
    const bool last = block + 1 == blocks_.size();
    auto& items = blocks_[block];
    const auto keep = static_cast<std::ptrdiff_t>(last ? kBlockFilled : kBlockMax / 2);
    Block rest(items.begin() + keep, items.end());
    items.resize(static_cast<std::size_t>(keep));
    const auto at = static_cast<std::ptrdiff_t>(block) + 1;
    firsts_.insert(firsts_.begin() + at, rest.front());
    blocks_.insert(blocks_.begin() + at, std::move(rest));
}

void StateSlots::erase(Slot slot) {
    ENSURE(slot != 0 && used(slot), "the slot is not in use");
    keep_for_views(slot);
    const auto at = place(key(slot));
    auto& items = blocks_[at.block];
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(at.item));
    if (items.empty()) {
        const auto gone = static_cast<std::ptrdiff_t>(at.block);
        blocks_.erase(blocks_.begin() + gone);
        firsts_.erase(firsts_.begin() + gone);
    } else if (at.item == 0) {
        firsts_[at.block] = items.front();
    }
    table_->slots[slot] = {};
    free_.insert(slot);
}

void StateSlots::set_value(Slot slot, ByteSpan value) {
    keep_for_views(slot);
    auto& now = table_->slots[slot];
    if (value.size() == now.value_size) {
        std::copy(value.begin(), value.end(), now.bytes.get() + now.key_size);
        return;
    }
    auto fresh = record(now.key(), value);
    fresh.next = now.next;
    now = std::move(fresh);
}

void StateSlots::fill(std::size_t slot_count, const std::vector<Entry>& ascending) {
    auto& slots = table_->slots;
    ENSURE(slots.size() == 1, "only an empty object is filled");
    slots.resize(slot_count);
    Slot last = 0;
    for (const auto& entry : ascending) {
        slots[entry.slot] = record(entry.key, entry.value);
        slots[last].next = entry.slot;
        last = entry.slot;
        const Item item{KeyPrefix::of(entry.key), entry.slot};
        if (blocks_.back().size() == kBlockFilled) {
            firsts_.push_back(item);
            blocks_.emplace_back().reserve(kBlockMax + 1);
        }
        blocks_.back().push_back(item);
    }
    for (Slot slot = 1; slot < slot_count; ++slot)
        if (!used(slot)) free_.insert(free_.end(), slot);
}

StateSlots::View StateSlots::view() const { return View(table_); }

StateSlots::View::View(std::shared_ptr<Table> table)
    : table_(std::move(table)), unread_(std::make_unique<Unread>()) {
    const std::lock_guard lock(table_->mutex);
    unread_->end = static_cast<Slot>(table_->slots.size());
    table_->unread.push_back(unread_.get());
}

StateSlots::View::~View() {
    if (!unread_) return;  // moved from
    const std::lock_guard lock(table_->mutex);
    std::erase(table_->unread, unread_.get());
}

bool StateSlots::View::next(std::size_t bytes, Writer& out) {
    while (out.bytes().size() < bytes) {
        const std::lock_guard lock(table_->mutex);
        auto& [at, end, before] = *unread_;
        if (at == end) return false;
        for (const auto stop = std::min<Slot>(end, at + kReadAtOnce); at < stop; ++at) {
            const auto changed = before.find(at);
            const auto& record = changed == before.end() ? table_->slots[at] : changed->second;
            out.blob(record.key());
            if (record.bytes) out.blob(record.value());
            if (changed != before.end()) before.erase(changed);
        }
    }
    return true;
}

}  // namespace mutirao::ledger
