// Transactions that wait for a block, in order of arrival. Bounded; one thread at a time.
#pragma once

#include <unordered_set>
#include <vector>

#include "consensus/application.hpp"

namespace mutirao::consensus {

class Waiting {
  public:
    // The application must outlive it.
    explicit Waiting(Application& application) : application_(application) {}

    // Whether it is new. Fails as the application's check() does, or with resource_exhausted.
    Result<bool> add(ByteSpan transaction);
    bool contains(ByteSpan transaction) const;
    const std::vector<Bytes>& all() const { return waiting_; }
    // Drops what is in a block, and what no block can take any more.
    void forget(const std::vector<Bytes>& included);

  private:
    // Drops those that `gone` names by place.
    template <class Gone>
    void drop(const Gone& gone);

    Application& application_;
    std::vector<Bytes> waiting_;
    std::vector<Digest> hashes_;        // of each
    std::unordered_set<Digest> known_;  // the same
    std::size_t bytes_ = 0;
};

}  // namespace mutirao::consensus
