// Which bytes of which owner each step reads: a pure function of (seed, worker, step), so that a
// run can be replayed and every byte counted to its owner.
//
// Each owner's text is cut into blocks of 4096 bytes (a tenth of the text if that is smaller).
// Every tenth block is held out: no training window touches it, and loss is measured there.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao::train {

// One owner's text; the bytes are borrowed and must outlive the sampler.
struct Corpus {
    ByteSpan text;
    // Share of the windows; 0 = by size. Either all owners have one or none has.
    std::uint32_t weight = 0;
};

inline constexpr std::uint32_t kOwnersMax = 4096;
inline constexpr std::size_t kHeldOutBlock = 4096;

// One thread at a time.
class Sampler {
  public:
    // Windows have context + 1 bytes. invalid_argument when there is no owner, or when a text is
    // shorter than ten windows (the sentence names the owner's index and the bytes wanted).
    static Result<Sampler> make(std::vector<Corpus> owners, std::uint32_t context,
                                std::uint64_t seed);

    // `rows` windows, one after another, and counts them to their owners. Same arguments, same
    // bytes.
    Bytes training_batch(std::uint32_t worker, std::uint64_t step, std::uint32_t rows);
    // At most `rows` windows spread evenly over all owners' held-out blocks; always the same.
    Bytes held_out(std::uint32_t rows) const;

    // Bytes predicted in training so far, owner by owner.
    std::span<const std::uint64_t> tokens_used() const { return tokens_used_; }

  private:
    struct Owner {
        ByteSpan text;
        std::size_t block = 0;
        std::uint64_t starts = 0;  // positions where a training window may begin
        std::uint64_t weight = 0;
    };
    Sampler(std::vector<Owner> owners, std::uint32_t context, std::uint64_t seed);

    std::vector<Owner> owners_;
    std::uint64_t weight_total_ = 0;
    std::size_t window_ = 0;
    std::uint64_t seed_;
    std::vector<std::uint64_t> tokens_used_;
};

}  // namespace mutirao::train
