#include "ledger/state_tree.hpp"

#include <algorithm>
#include <limits>

namespace mutirao::ledger {
namespace {

constexpr Slot kAhead = 16;  // slots whose memory is asked for

// Where records that appear go: the lowest free slots, those of records that vanish in the same
// block among them, then slots that were never used.
class Allocation {
  public:
    Allocation(const StateSlots& slots, std::vector<Slot> removed)
        : removed_(std::move(removed)),
          free_(slots.free().begin()),
          free_end_(slots.free().end()),
          slot_count_(slots.slot_count()) {
        std::sort(removed_.begin(), removed_.end());
    }
    Slot next() {
        const bool freed = given_back_ < removed_.size();
        if (free_ != free_end_ && (!freed || *free_ < removed_[given_back_])) return *free_++;
        if (freed) return removed_[given_back_++];
        ENSURE(slot_count_ < kNoSlot, "the state has no slot left");
        return static_cast<Slot>(slot_count_++);
    }
    std::size_t slot_count() const { return slot_count_; }
    // Those of the removed that stay empty.
    std::span<const Slot> empty() const { return std::span(removed_).subspan(given_back_); }

  private:
    std::vector<Slot> removed_;
    std::size_t given_back_ = 0;
    std::set<Slot>::const_iterator free_, free_end_;
    std::size_t slot_count_;
};

}  // namespace

// Changes laid over the list of records one by one, in order of keys. What comes before a change is
// a record that no change has reached yet, or the last leaf that the changes before it left.
class StateTree::Linking {
  public:
    Linking(const StateSlots& slots, std::vector<Leaf>& leaves) : slots_(slots), leaves_(leaves) {}

    void update(Slot slot, std::uint32_t change, ByteSpan key) {
        enter(LeafChange::updated, slot, change);
        reached_ = key;
    }
    void create(Slot slot, std::uint32_t change, ByteSpan key) {
        auto& previous = before(key);
        const Leaf leaf{LeafChange::created, slot, previous.next, change, previous.next_key};
        previous.next = slot;
        previous.next_key = key;
        last_ = leaves_.size();
        leaves_.push_back(leaf);
        reached_ = key;
    }
    void remove(Slot slot, ByteSpan key) {
        auto& previous = before(key);
        previous.next = slots_.next(slot);
        previous.next_key = key_of(previous.next);
        reached_ = key;
    }

  private:
    ByteSpan key_of(Slot slot) const { return slot == kNoSlot ? ByteSpan() : slots_.key(slot); }
    void enter(LeafChange kind, Slot slot, std::uint32_t change) {
        const auto next = slots_.next(slot);
        last_ = leaves_.size();
        leaves_.push_back({kind, slot, next, change, key_of(next)});
    }
    Leaf& before(ByteSpan key) {
        const auto slot = slots_.before(key);
        if (leaves_.empty() || key_less(reached_, slots_.key(slot)))
            enter(LeafChange::relinked, slot, 0);
        return leaves_[last_];
    }

    const StateSlots& slots_;
    std::vector<Leaf>& leaves_;
    std::size_t last_ = 0;
    ByteSpan reached_;
};

StateTree::StateTree() : tree_(state_hash::node_key()) { hash_all({}); }

Value StateTree::get(ByteSpan key) const {
    const auto slot = slots_.find(key);
    return slot == kNoSlot ? Value() : Value(to_bytes(slots_.value(slot)));
}

std::vector<std::pair<Bytes, Bytes>> StateTree::scan(ByteSpan prefix, ByteSpan after,
                                                     std::size_t limit) const {
    std::vector<std::pair<Bytes, Bytes>> out;
    auto slot = slots_.next(key_less(after, prefix) ? slots_.before(prefix) : slots_.floor(after));
    for (; slot != kNoSlot && out.size() < limit; slot = slots_.next(slot)) {
        if (!has_prefix(slots_.key(slot), prefix)) break;
        out.emplace_back(to_bytes(slots_.key(slot)), to_bytes(slots_.value(slot)));
    }
    return out;
}

StateTree::Staged StateTree::stage(Difference difference) const {
    Staged out;
    out.before = root_;
    out.difference = std::move(difference);
    const auto& changes = out.difference;
    std::vector<ByteSpan> keys;
    keys.reserve(changes.size());
    for (const auto& change : changes) keys.push_back(change.first);
    const auto found = slots_.find_each(keys);
    for (std::size_t i = 0; i < changes.size(); ++i) {
        ENSURE(!changes[i].first.empty() &&
                   (i == 0 || key_less(changes[i - 1].first, changes[i].first)),
               "a difference is in order of keys");
        if (found[i] != kNoSlot && !changes[i].second) out.removed.push_back(found[i]);
    }
    Allocation allocation(slots_, out.removed);
    Linking linking(slots_, out.leaves);
    for (std::uint32_t i = 0; i < changes.size(); ++i) {
        const auto& [key, value] = changes[i];
        if (found[i] != kNoSlot && value)
            linking.update(found[i], i, key);
        else if (found[i] != kNoSlot)
            linking.remove(found[i], key);
        else if (value)
            linking.create(allocation.next(), i, key);
    }
    for (const auto slot : allocation.empty())
        out.leaves.push_back({LeafChange::emptied, slot, kNoSlot, 0, {}});
    out.root = root_;
    if (!out.leaves.empty()) hash_leaves(out, allocation.slot_count());
    return out;
}

// Rows are read and hashed in the order of changes, in which they lie together in memory; only the
// digests are brought into the order of slots.
void StateTree::hash_leaves(Staged& staged, std::size_t slot_count) const {
    const auto& leaves = staged.leaves;
    const auto changed = [](const Leaf& leaf) {
        return leaf.kind == LeafChange::created || leaf.kind == LeafChange::updated;
    };
    std::vector<Digest> values(leaves.size()), digests(leaves.size());
    RowBatch value_rows(state_hash::value_key());
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        const auto& leaf = leaves[i];
        if (leaf.kind == LeafChange::emptied) continue;
        const ByteSpan value =
            changed(leaf) ? *staged.difference[leaf.change].second : slots_.value(leaf.slot);
        state_hash::write_value_row(value,
                                    value_rows.row(state_hash::value_row_size(value), &values[i]));
    }
    value_rows.finish();
    RowBatch leaf_rows(state_hash::leaf_key());
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        const auto& leaf = leaves[i];
        if (leaf.kind == LeafChange::emptied) continue;
        const ByteSpan key =
            changed(leaf) ? staged.difference[leaf.change].first : slots_.key(leaf.slot);
        auto* row = leaf_rows.row(state_hash::leaf_row_size(key, leaf.next_key), &digests[i]);
        state_hash::write_leaf_row(leaf.slot, values[i], key, leaf.next_key, row);
    }
    leaf_rows.finish();
    std::vector<std::pair<Slot, std::uint32_t>> order;
    order.reserve(leaves.size());
    for (std::uint32_t i = 0; i < leaves.size(); ++i) order.emplace_back(leaves[i].slot, i);
    std::sort(order.begin(), order.end());
    DenseTree::Level level;
    level.at.reserve(order.size());
    level.digests.reserve(order.size());
    for (const auto& [slot, i] : order) {
        level.at.push_back(slot);
        level.digests.push_back(digests[i]);
    }
    staged.tree = tree_.stage(slot_count, std::move(level));
    staged.root = state_hash::tree_root(staged.tree.top(), slot_count);
}

void StateTree::commit(Staged staged) {
    ENSURE(staged.before == root_, "what is committed was staged on another state");
    const auto lock = slots_.lock();
    for (const auto slot : staged.removed) slots_.erase(slot);
    for (const auto& leaf : staged.leaves) {
        if (leaf.kind == LeafChange::emptied) continue;
        const auto& [key, value] = staged.difference[leaf.change];
        if (leaf.kind == LeafChange::created) slots_.insert(leaf.slot, key, *value);
        if (leaf.kind == LeafChange::updated) slots_.set_value(leaf.slot, *value);
        slots_.set_next(leaf.slot, leaf.next);
    }
    if (!staged.leaves.empty()) tree_.commit(std::move(staged.tree));
    root_ = staged.root;
}

const Digest& StateTree::apply(Difference difference) {
    commit(stage(std::move(difference)));
    return root_;
}

StateProof StateTree::prove(ByteSpan key) const {
    ENSURE(!key.empty(), "the empty key has no record");
    const auto slot = slots_.floor(key);
    StateProof out;
    out.slots = slots_.slot_count();
    out.slot = slot;
    out.present = key_equal(slots_.key(slot), key);
    if (out.present) {
        out.value = to_bytes(slots_.value(slot));
    } else {
        out.below = to_bytes(slots_.key(slot));
        out.value_digest = state_hash::value_digest(slots_.value(slot));
    }
    if (slots_.next(slot) != kNoSlot) out.next = to_bytes(slots_.key(slots_.next(slot)));
    out.siblings = tree_.siblings(slot);
    return out;
}

// Of slots from `begin` on; an empty one's is left as it is.
void StateTree::hash_slots(Slot begin, Slot end, Digest* leaves) const {
    std::vector<Digest> values(end - begin);
    RowBatch value_rows(state_hash::value_key()), leaf_rows(state_hash::leaf_key());
    for (auto slot = begin; slot < end; ++slot) {
        if (!slots_.used(slot)) continue;
        const auto value = slots_.value(slot);
        state_hash::write_value_row(
            value, value_rows.row(state_hash::value_row_size(value), &values[slot - begin]));
    }
    value_rows.finish();
    for (auto slot = begin; slot < end; ++slot) {
        if (slot + kAhead < end) slots_.touch_next(slot + kAhead);
        if (!slots_.used(slot)) continue;
        const auto key = slots_.key(slot);
        const auto next = slots_.next(slot);
        const auto next_key = next == kNoSlot ? ByteSpan() : slots_.key(next);
        state_hash::write_leaf_row(
            slot, values[slot - begin], key, next_key,
            leaf_rows.row(state_hash::leaf_row_size(key, next_key), &leaves[slot - begin]));
    }
    leaf_rows.finish();
}

void StateTree::hash_all(const Threads& threads) {
    constexpr std::size_t kTask = 1 << 13;  // slots
    const auto count = slots_.slot_count();
    std::vector<Digest> leaves(count);
    run_parallel(threads, (count + kTask - 1) / kTask, [&](unsigned, std::size_t task) {
        const auto begin = task * kTask;
        hash_slots(static_cast<Slot>(begin), static_cast<Slot>(std::min(begin + kTask, count)),
                   &leaves[begin]);
    });
    tree_.build(std::move(leaves), threads);
    root_ = state_hash::tree_root(tree_.top(), count);
}

void StateTree::encode(Writer& out) const {
    auto records = view();
    out.u(records.slot_count());
    records.next(std::numeric_limits<std::size_t>::max(), out);
}

namespace {

// In order of keys, so that their blocks can be filled one after another.
void sort_by_key(std::vector<StateSlots::Entry>& entries) {
    struct Sorted {
        KeyPrefix prefix;
        std::uint32_t entry;
    };
    std::vector<Sorted> order;
    order.reserve(entries.size());
    for (std::uint32_t i = 0; i < entries.size(); ++i)
        order.push_back({KeyPrefix::of(entries[i].key), i});
    std::sort(order.begin(), order.end(), [&](const Sorted& a, const Sorted& b) {
        return a.prefix != b.prefix ? a.prefix < b.prefix
                                    : key_less(entries[a.entry].key, entries[b.entry].key);
    });
    std::vector<StateSlots::Entry> out;
    out.reserve(entries.size());
    for (const auto& [prefix, entry] : order) out.push_back(entries[entry]);
    entries = std::move(out);
}

}  // namespace

Result<StateTree> StateTree::decode(Reader& in, const Threads& threads) {
    TRY(const auto slot_count, in.u<Slot>());
    if (slot_count == 0 || slot_count == kNoSlot || slot_count - 1 > in.remaining() / 4)
        return Error{ErrorKind::corrupt, "the state is damaged: it ends early"};
    std::vector<StateSlots::Entry> entries;
    entries.reserve(slot_count - 1);
    for (Slot slot = 1; slot < slot_count; ++slot) {
        StateSlots::Entry entry{slot, {}, {}};
        TRY(entry.key, in.blob(kStateKeyMax));
        if (entry.key.empty()) continue;  // a free slot
        TRY(entry.value, in.blob(kStateValueMax));
        entries.push_back(entry);
    }
    sort_by_key(entries);
    for (std::size_t i = 1; i < entries.size(); ++i)
        if (!key_less(entries[i - 1].key, entries[i].key))
            return Error{ErrorKind::corrupt, "the state is damaged: a key is there twice"};
    StateTree out;
    out.slots_.fill(slot_count, entries);
    out.hash_all(threads);
    return out;
}

}  // namespace mutirao::ledger
