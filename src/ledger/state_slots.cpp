#include "ledger/state_slots.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace mutirao::ledger {
namespace {

constexpr std::size_t kBlockMax = 128;                   // keys
constexpr std::size_t kAhead = 16;                       // look-ups side by side
constexpr std::size_t kBlockFilled = kBlockMax * 3 / 4;  // when everything comes at once

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
    slots_.resize(1);
    write(0, {}, {});
    firsts_.push_back({{}, 0});
    blocks_.push_back({{{}, 0}});
}

void StateSlots::write(Slot slot, ByteSpan key, ByteSpan value) {
    ENSURE(key.size() <= kStateKeyMax && value.size() <= kStateValueMax, "a record is too large");
    auto& at = slots_[slot];
    at.bytes = std::make_unique_for_overwrite<std::uint8_t[]>(key.size() + value.size());
    std::copy(key.begin(), key.end(), at.bytes.get());
    std::copy(value.begin(), value.end(), at.bytes.get() + key.size());
    at.key_size = static_cast<std::uint16_t>(key.size());
    at.value_size = static_cast<std::uint32_t>(value.size());
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
        __builtin_prefetch(&slots_[out[i]]);
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto& at = slots_[out[i]];
        __builtin_prefetch(at.bytes.get());
        if (at.next != kNoSlot) __builtin_prefetch(&slots_[at.next]);
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto next = slots_[out[i]].next;
        if (next != kNoSlot) __builtin_prefetch(slots_[next].bytes.get());
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
    if (slot == slots_.size())
        slots_.emplace_back();
    else
        ENSURE(free_.erase(slot) == 1, "the slot is in use");
    write(slot, key, value);
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
    slots_[slot] = {};
    free_.insert(slot);
}

void StateSlots::set_value(Slot slot, ByteSpan value) {
    auto& at = slots_[slot];
    if (value.size() == at.value_size) {
        std::copy(value.begin(), value.end(), at.bytes.get() + at.key_size);
        return;
    }
    const auto key = to_bytes(this->key(slot));
    write(slot, key, value);
}

void StateSlots::fill(std::size_t slot_count, const std::vector<Entry>& ascending) {
    ENSURE(slots_.size() == 1, "only an empty object is filled");
    slots_.resize(slot_count);
    Slot last = 0;
    for (const auto& entry : ascending) {
        write(entry.slot, entry.key, entry.value);
        slots_[last].next = entry.slot;
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

}  // namespace mutirao::ledger
