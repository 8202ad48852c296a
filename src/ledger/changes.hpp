// Records as they stand after some changes that are not applied yet: execution writes here, and
// whoever runs it applies the difference, or drops it. A mark is a place to go back to. One thread
// at a time.
#pragma once

#include <unordered_map>

#include "ledger/records.hpp"

namespace mutirao::ledger {

// In order of keys, each once; nullopt removes.
using Difference = std::vector<std::pair<Bytes, Value>>;

class Changes final : public StateView {
  public:
    // `base` must outlive this.
    explicit Changes(const StateView& base) : base_(base) {}
    Changes(const Changes&) = delete;
    Changes& operator=(const Changes&) = delete;

    // 0.1 us where there was a change, else what the base takes.
    Result<Value> get(ByteSpan key) const override;
    // Looks at every change: 5 ns each.
    Result<std::vector<std::pair<Bytes, Bytes>>> scan(ByteSpan prefix, ByteSpan after,
                                                      std::size_t limit) const override;

    void put(Bytes key, Bytes value) { set(std::move(key), std::move(value)); }
    void erase(Bytes key) { set(std::move(key), std::nullopt); }
    template <class Record>
    void write(Bytes key, const Record& record) {
        put(std::move(key), encode_record(record));
    }
    // Events are history: execution never reads them back. Their indices are given later.
    void emit(Event event) { events_.push_back(std::move(event)); }
    const std::vector<Event>& events() const { return events_; }

    struct Mark {
        std::size_t changes, events;
    };
    Mark mark() const { return {undo_.size(), events_.size()}; }
    // As it was at the mark; marks made since are void.
    void go_back(const Mark& mark);
    // Nobody will go back to a mark made so far.
    void keep() { undo_.clear(); }

    // The changes, in order of keys; nothing is left here.
    Difference take_difference();

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(ByteSpan key) const {
            return std::hash<std::string_view>{}(as_text(key));
        }
    };
    struct Equal {
        using is_transparent = void;
        bool operator()(ByteSpan a, ByteSpan b) const { return as_text(a) == as_text(b); }
    };
    struct Change {
        bool made = false;  // false after going back to before it
        Value value;
    };
    using ByKey = std::unordered_map<Bytes, Change, Hash, Equal>;
    struct Undo {
        ByKey::value_type* entry;
        Change before;
    };

    void set(Bytes key, Value value);

    const StateView& base_;
    ByKey by_key_;  // whatever is read from it in its own order is sorted
    std::vector<Undo> undo_;
    std::vector<Event> events_;
};

}  // namespace mutirao::ledger
