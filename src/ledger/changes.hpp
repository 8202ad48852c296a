// Records as they stand after some changes that are not applied yet: execution writes here, and
// whoever runs it applies the difference, or drops it. One thread at a time.
#pragma once

#include <map>

#include "ledger/records.hpp"

namespace mutirao::ledger {

using Difference = std::map<Bytes, Value>;  // nullopt removes

class Changes final : public StateView {
  public:
    // `base` must outlive this.
    explicit Changes(const StateView& base) : base_(base) {}
    // Not copied: `Changes b(a)` would read as changes on top of `a` and cost all of its size.
    Changes(const Changes&) = delete;
    Changes& operator=(const Changes&) = delete;
    // Changes on top of these, which must outlive them.
    Changes child() const { return Changes(static_cast<const StateView&>(*this)); }

    Result<Value> get(ByteSpan key) const override;
    Result<std::vector<std::pair<Bytes, Bytes>>> scan(ByteSpan prefix, ByteSpan after,
                                                      std::size_t limit) const override;

    void put(Bytes key, Bytes value) { difference_[std::move(key)] = std::move(value); }
    template <class Record>
    void write(Bytes key, const Record& record) {
        put(std::move(key), encode_record(record));
    }
    const Difference& difference() const { return difference_; }
    // Takes over what a child built on this changed.
    void absorb(const Changes& child);

  private:
    const StateView& base_;
    Difference difference_;
};

}  // namespace mutirao::ledger
