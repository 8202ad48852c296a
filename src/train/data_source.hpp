// Where a Sampler's examples lie: several owners' data, of which it reads a few stretches at a
// time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao::train {

// Bytes [offset, offset + size) of one owner's data.
struct Stretch {
    std::uint32_t owner = 0;
    std::uint64_t offset = 0, size = 0;

    bool operator==(const Stretch&) const = default;
};

// One thread at a time.
class DataSource {
  public:
    virtual ~DataSource() = default;
    virtual std::uint32_t owners() const = 0;
    virtual std::uint64_t size(std::uint32_t owner) const = 0;
    // All of owner's bytes [offset, offset + out.size()).
    virtual Status read(std::uint32_t owner, std::uint64_t offset, MutableByteSpan out) = 0;
    // From now on most reads are within these, the last ones of them later: what else was kept for
    // reads may be let go. Mostly the same as before. Must not wait.
    virtual void expect(std::span<const Stretch> shards) = 0;
};

// Data in memory, which must outlive the source.
std::shared_ptr<DataSource> data_in_memory(std::vector<ByteSpan> owners);

}  // namespace mutirao::train
