#include "train/sampler.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <string>

#include "base/random.hpp"

namespace mutirao::train {

namespace {

constexpr std::size_t kPeriodBlocks = 10;  // the last of each ten blocks is held out
constexpr std::size_t kBlockWindows = 4;   // that examples are made of

std::uint64_t mix(std::uint64_t value) { return SeededRandom(value).next_u64(); }

// Positions in a stretch of `size` bytes where a window fits.
std::uint64_t starts_in(std::size_t size, std::size_t window) {
    return size < window ? 0 : size - window + 1;
}

std::vector<std::uint32_t> owners_of(const auto& windows) {
    std::vector<std::uint32_t> owners;
    for (const auto& window : windows) owners.push_back(window.owner);
    return owners;
}

Error refused(std::string reason) { return {ErrorKind::invalid_argument, std::move(reason)}; }

Status check_data(std::uint64_t size, std::size_t owner, const model::ExampleShape& shape,
                  std::uint64_t item_size) {
    const auto whose = "the data of owner " + std::to_string(owner);
    const auto wanted = kPeriodBlocks * shape.size();
    if (size < wanted)
        return refused(whose + " have " + std::to_string(size) +
                       " bytes; training wants at least " + std::to_string(wanted));
    if (size % item_size != 0)
        return refused(whose + " are no whole number of items of " + std::to_string(item_size) +
                       " bytes");
    return {};
}

std::uint64_t divided_up(std::uint64_t value, std::uint64_t by) { return (value + by - 1) / by; }

// A permutation of 0 to count - 1 that `key` chooses, one value at a time: a Feistel network of
// four rounds over the next even number of bits, walked along until it is within (Black and Rogaway
// 2002, "Ciphers with Arbitrary Finite Domains").
std::uint64_t shuffled(std::uint64_t value, std::uint64_t count, std::uint64_t key) {
    const int half = (std::bit_width(count - 1) + 1) / 2;
    const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
    do {
        std::uint64_t left = value >> half, right = value & mask;
        for (std::uint64_t round = 0; round < 4; ++round) {
            const auto next = left ^ (mix(mix(key + round) + right) & mask);
            left = right;
            right = next;
        }
        value = left << half | right;
    } while (value >= count);
    return value;
}

}  // namespace

Result<Sampler> Sampler::make(std::vector<Corpus> owners, const model::ExampleShape& shape,
                              std::uint64_t seed) {
    std::vector<ByteSpan> data;
    std::vector<std::uint32_t> weights;
    for (const auto& [text, weight] : owners) {
        data.push_back(text);
        if ((weight != 0) != (owners[0].weight != 0))
            return refused("either all owners have a weight or none");
        if (weight != 0) weights.push_back(weight);
    }
    // In memory a worker may draw from all of it.
    return make(data_in_memory(std::move(data)), weights, shape, seed,
                Shards{.bytes = 1 << 20, .drawn = std::numeric_limits<std::uint64_t>::max()}, {});
}

Result<Sampler> Sampler::make(std::shared_ptr<DataSource> source, const model::ExampleShape& shape,
                              std::uint64_t seed, const Shards& shards, Windows windows) {
    return make(std::move(source), {}, shape, seed, shards, std::move(windows));
}

Result<Sampler> Sampler::make(std::shared_ptr<DataSource> source,
                              std::span<const std::uint32_t> weights,
                              const model::ExampleShape& shape, std::uint64_t seed,
                              const Shards& shards, Windows windows) {
    if (source->owners() == 0 || source->owners() > kOwnersMax)
        return refused("training needs data of 1 to " + std::to_string(kOwnersMax) + " owners");
    if (shape.item_size == 0 || shape.items == 0 || (shape.item_size == 1 && shape.items == 1))
        return refused("an example must have an answer");
    const bool is_made = windows.make != nullptr;
    const std::uint64_t item_size = is_made ? 1 : shape.item_size;
    std::uint64_t total = 0;
    for (std::uint32_t i = 0; i < source->owners(); ++i) total += source->size(i);
    std::vector<Owner> made;
    for (std::uint32_t i = 0; i < source->owners(); ++i) {
        const auto size = source->size(i);
        TRY_VOID(check_data(size, i, shape, item_size));
        Owner owner;
        owner.items = size / item_size;
        const auto tenth = owner.items / kPeriodBlocks;
        owner.window = is_made ? std::min<std::uint64_t>(windows.bytes, tenth) : shape.items;
        owner.block = std::min(std::max(kHeldOutBlock / item_size,
                                        is_made ? kBlockWindows * owner.window : owner.window),
                               tenth);
        owner.weight = weights.empty() ? size : weights[i];
        const auto period = kPeriodBlocks * owner.block, trained = period - owner.block;
        const auto per_period = starts_in(trained, owner.window);
        owner.starts = owner.items / period * per_period +
                       starts_in(std::min(owner.items % period, trained), owner.window);
        const auto periods = std::max<std::uint64_t>(1, shards.bytes / (period * item_size));
        owner.shard_items = periods * period;
        owner.shard_starts = periods * per_period;
        owner.shards = divided_up(owner.starts, owner.shard_starts);
        // All of them when all data are small enough, else in proportion.
        const auto share = static_cast<double>(size) / static_cast<double>(total);
        const auto bytes = std::max(shards.bytes, owner.shard_items * item_size);
        const auto part = share * static_cast<double>(shards.drawn / bytes);
        owner.drawn =
            total <= shards.drawn
                ? owner.shards
                : std::clamp<std::uint64_t>(static_cast<std::uint64_t>(part), 1, owner.shards);
        made.push_back(owner);
    }
    return Sampler(std::move(source), std::move(made), shape, seed, std::move(windows));
}

Sampler::Sampler(std::shared_ptr<DataSource> source, std::vector<Owner> owners,
                 const model::ExampleShape& shape, std::uint64_t seed, Windows windows)
    : source_(std::move(source)),
      owners_(std::move(owners)),
      shape_(shape),
      seed_(seed),
      windows_(std::move(windows)),
      tokens_used_(owners_.size(), 0) {
    for (const auto& owner : owners_) weight_total_ += owner.weight;
}

// One shard further each time that as many of the owner's bytes as it has were trained on.
std::uint64_t Sampler::first_shard(const Owner& owner, std::uint64_t step,
                                   std::uint32_t rows) const {
    if (owner.drawn == owner.shards) return 0;
    const auto share = static_cast<double>(owner.weight) / static_cast<double>(weight_total_);
    const std::uint64_t used = windows_.make ? windows_.used : shape_.items;
    const auto a_step = share * static_cast<double>(rows * used);
    const auto steps = static_cast<double>(owner.shard_items) / a_step;
    return step / std::max<std::uint64_t>(1, static_cast<std::uint64_t>(steps));
}

std::uint64_t Sampler::shard_at(std::uint32_t owner, std::uint32_t worker,
                                std::uint64_t nth) const {
    const auto count = owners_[owner].shards;
    if (owners_[owner].drawn == count) return nth;
    const auto key = mix(mix(mix(seed_ + owner) + worker) + nth / count);
    return shuffled(nth % count, count, key);
}

std::vector<Sampler::Window> Sampler::drawn(std::uint32_t worker, std::uint64_t step,
                                            std::uint32_t rows) const {
    SeededRandom random(mix(mix(mix(seed_) + worker) + step));
    std::vector<Window> windows;
    windows.reserve(rows);
    for (std::uint32_t row = 0; row < rows; ++row) {
        std::uint64_t share = random.below(weight_total_);
        std::uint32_t index = 0;
        while (share >= owners_[index].weight) share -= owners_[index++].weight;
        const auto& owner = owners_[index];

        const std::uint64_t period = kPeriodBlocks * owner.block;
        const std::uint64_t per_period = starts_in(period - owner.block, owner.window);
        std::uint64_t start = 0;
        if (owner.drawn == owner.shards) {
            start = random.below(owner.starts);
        } else {
            const auto nth = first_shard(owner, step, rows) + random.below(owner.drawn);
            const auto first = shard_at(index, worker, nth) * owner.shard_starts;
            start = first + random.below(std::min(owner.shard_starts, owner.starts - first));
        }
        // The rest after the last whole period is a shorter stretch that begins the same way.
        const std::uint64_t whole =
            std::min<std::uint64_t>(start / per_period, owner.items / period);
        windows.push_back({index, whole * period + (start - whole * per_period)});
    }
    return windows;
}

std::vector<Stretch> Sampler::shards_of(std::uint32_t worker, std::uint64_t step,
                                        std::uint32_t rows) const {
    std::vector<Stretch> now, next;
    for (std::uint32_t i = 0; i < owners_.size(); ++i) {
        const auto& owner = owners_[i];
        const auto first = first_shard(owner, step, rows);
        const auto count = owner.drawn == owner.shards ? owner.shards : owner.drawn + 1;
        for (std::uint64_t n = 0; n < count; ++n) {
            const auto item = shard_at(i, worker, first + n) * owner.shard_items;
            const auto items = std::min(owner.shard_items, owner.items - item);
            (n < owner.drawn ? now : next).push_back({i, item * item_size(), items * item_size()});
        }
    }
    now.insert(now.end(), next.begin(), next.end());
    return now;
}

std::vector<Sampler::Window> Sampler::spread(std::uint32_t rows) const {
    auto windows_of = [&](const Owner& owner) {
        return owner.items / (kPeriodBlocks * owner.block) * (owner.block / owner.window);
    };
    std::uint64_t total = 0;
    for (const auto& owner : owners_) total += windows_of(owner);
    const std::uint64_t count = std::min<std::uint64_t>(rows, total);
    std::vector<Window> windows;
    for (std::uint64_t i = 0; i < count; ++i) {
        std::uint64_t nth = i * total / count;
        std::uint32_t index = 0;
        while (nth >= windows_of(owners_[index])) nth -= windows_of(owners_[index++]);
        const auto& owner = owners_[index];
        const std::uint64_t per_block = owner.block / owner.window;
        const std::uint64_t block_start =
            (nth / per_block * kPeriodBlocks + kPeriodBlocks - 1) * owner.block;
        windows.push_back({index, block_start + nth % per_block * owner.window});
    }
    return windows;
}

Result<Bytes> Sampler::examples_of(std::span<const Window> windows) const {
    Bytes out(windows.size() * shape_.size()), window;
    auto left = MutableByteSpan(out);
    for (const auto& [owner, item] : windows) {
        const auto example = left.first(shape_.size());
        if (windows_.make) window.resize(owners_[owner].window);
        TRY_VOID(source_->read(owner, item * item_size(),
                               windows_.make ? MutableByteSpan(window) : example));
        if (windows_.make) windows_.make(window, example);
        left = left.subspan(shape_.size());
    }
    return out;
}

Result<Bytes> Sampler::read_batch(std::uint32_t worker, std::uint64_t step, std::uint32_t rows) {
    source_->expect(shards_of(worker, step, rows));
    const auto windows = drawn(worker, step, rows);
    TRY(auto batch, examples_of(windows));
    const auto answers = std::max<std::uint64_t>(1, shape_.items - 1);
    for (const auto& window : windows) tokens_used_[window.owner] += answers;
    return batch;
}

Result<Bytes> Sampler::read_held_out(std::uint32_t rows) const { return examples_of(spread(rows)); }

std::vector<std::uint32_t> Sampler::training_owners(std::uint32_t worker, std::uint64_t step,
                                                    std::uint32_t rows) const {
    return owners_of(drawn(worker, step, rows));
}

std::vector<std::uint32_t> Sampler::held_out_owners(std::uint32_t rows) const {
    return owners_of(spread(rows));
}

}  // namespace mutirao::train
