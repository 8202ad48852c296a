// How much of each owner's text nobody else brought, and that it did not bring twice itself: text
// that c owners hold counts 1 / c for each of them, and what an owner repeats counts once. The same
// text under two names then earns what it earns under one.
//
// Text is compared by its stretches of 32 bytes, hashed (Karp, Rabin 1987) and sampled by the
// hash's value, so that all copies are sampled alike (Manber 1994; Broder 1997). A copy with a
// change in every stretch is not found. Whoever copies a text halves what its first owner gets of
// it: who was first is for the ledger to say, before a run begins.
//
// Integers only: the same at every peer. Any thread; one at a time for a Fingerprint.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao::train {

inline constexpr std::size_t kStretch = 32;
inline constexpr std::uint64_t kFingerprintsMax = 1 << 20;  // of all owners together, about

// Of this many bytes in all one stretch in 2^n is sampled: all peers choose alike.
std::uint32_t sampling_shift(std::uint64_t total_bytes);

// Cost: two multiplications a byte.
class Fingerprint {
  public:
    explicit Fingerprint(std::uint32_t shift) : shift_(shift) {}
    // The text's next piece; how it is cut does not matter.
    void add(ByteSpan piece);
    // Hashes of the sampled stretches, in the text's order.
    std::span<const std::uint64_t> hashes() const { return hashes_; }

  private:
    std::uint32_t shift_;
    std::array<std::uint8_t, kStretch> last_{};
    std::uint64_t seen_ = 0, rolling_ = 0;
    std::vector<std::uint64_t> hashes_;
};

// Owner by owner, in parts per million. A text too short to be sampled counts as original.
std::vector<std::uint32_t> originality(std::span<const Fingerprint> owners);

}  // namespace mutirao::train
