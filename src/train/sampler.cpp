#include "train/sampler.hpp"

#include <algorithm>
#include <string>

#include "base/random.hpp"

namespace mutirao::train {

namespace {

constexpr std::size_t kPeriodBlocks = 10;  // the last of each ten blocks is held out

std::uint64_t mix(std::uint64_t value) { return SeededRandom(value).next_u64(); }

// Positions in a stretch of `size` bytes where a window fits.
std::uint64_t starts_in(std::size_t size, std::size_t window) {
    return size < window ? 0 : size - window + 1;
}

}  // namespace

Result<Sampler> Sampler::make(std::vector<Corpus> owners, std::uint32_t context,
                              std::uint64_t seed) {
    const std::size_t window = std::size_t{context} + 1;
    if (owners.empty() || owners.size() > kOwnersMax)
        return Error{ErrorKind::invalid_argument,
                     "training needs texts of 1 to " + std::to_string(kOwnersMax) + " owners"};
    if (context == 0 || window > kHeldOutBlock)
        return Error{ErrorKind::invalid_argument, "a context of " + std::to_string(context) +
                                                      " bytes, not 1 to " +
                                                      std::to_string(kHeldOutBlock - 1)};
    const bool weighted = owners[0].weight != 0;
    std::vector<Owner> made;
    for (std::size_t i = 0; i < owners.size(); ++i) {
        const auto& [text, weight] = owners[i];
        if ((weight != 0) != weighted)
            return Error{ErrorKind::invalid_argument, "either all owners have a weight or none"};
        if (text.size() < kPeriodBlocks * window)
            return Error{ErrorKind::invalid_argument, "the text of owner " + std::to_string(i) +
                                                          " has " + std::to_string(text.size()) +
                                                          " bytes; training wants at least " +
                                                          std::to_string(kPeriodBlocks * window)};
        const std::size_t block = std::min(kHeldOutBlock, text.size() / kPeriodBlocks);
        const std::size_t period = kPeriodBlocks * block, trained = period - block;
        const std::uint64_t starts = text.size() / period * starts_in(trained, window) +
                                     starts_in(std::min(text.size() % period, trained), window);
        made.push_back({text, block, starts, weighted ? weight : text.size()});
    }
    return Sampler(std::move(made), context, seed);
}

Sampler::Sampler(std::vector<Owner> owners, std::uint32_t context, std::uint64_t seed)
    : owners_(std::move(owners)),
      window_(std::size_t{context} + 1),
      seed_(seed),
      tokens_used_(owners_.size(), 0) {
    for (const auto& owner : owners_) weight_total_ += owner.weight;
}

Bytes Sampler::training_batch(std::uint32_t worker, std::uint64_t step, std::uint32_t rows) {
    SeededRandom random(mix(mix(mix(seed_) + worker) + step));
    Bytes batch;
    batch.reserve(rows * window_);
    for (std::uint32_t row = 0; row < rows; ++row) {
        std::uint64_t share = random.below(weight_total_);
        std::size_t index = 0;
        while (share >= owners_[index].weight) share -= owners_[index++].weight;
        const auto& owner = owners_[index];

        const std::size_t period = kPeriodBlocks * owner.block;
        const std::uint64_t per_period = starts_in(period - owner.block, window_);
        const std::uint64_t start = random.below(owner.starts);
        // The rest after the last whole period is a shorter stretch that begins the same way.
        const std::uint64_t whole =
            std::min<std::uint64_t>(start / per_period, owner.text.size() / period);
        const auto from =
            owner.text.subspan(whole * period + (start - whole * per_period), window_);
        batch.insert(batch.end(), from.begin(), from.end());
        tokens_used_[index] += window_ - 1;
    }
    return batch;
}

Bytes Sampler::held_out(std::uint32_t rows) const {
    auto windows_of = [&](const Owner& owner) {
        return owner.text.size() / (kPeriodBlocks * owner.block) * (owner.block / window_);
    };
    std::uint64_t total = 0;
    for (const auto& owner : owners_) total += windows_of(owner);
    const std::uint64_t count = std::min<std::uint64_t>(rows, total);
    Bytes batch;
    for (std::uint64_t i = 0; i < count; ++i) {
        std::uint64_t nth = i * total / count;
        std::size_t index = 0;
        while (nth >= windows_of(owners_[index])) nth -= windows_of(owners_[index++]);
        const auto& owner = owners_[index];
        const std::uint64_t per_block = owner.block / window_;
        const std::size_t block_start =
            (nth / per_block * kPeriodBlocks + kPeriodBlocks - 1) * owner.block;
        const auto from = owner.text.subspan(block_start + nth % per_block * window_, window_);
        batch.insert(batch.end(), from.begin(), from.end());
    }
    return batch;
}

}  // namespace mutirao::train
