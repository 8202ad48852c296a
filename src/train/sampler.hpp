// Which examples of which owner each step reads: a pure function of (seed, worker, step) and of the
// data's sizes, so that a run can be replayed, gone on with and looked at, and every example
// counted to its owner.
//
// An owner's data are items of one size (bytes, tokens, pictures, rows of a table), an example is a
// window of some items that begins at any of them (model::ExampleShape). The data are cut into
// blocks of 4096 bytes (or one window, if that is larger; or a tenth of the data, if that is
// smaller). Every tenth block is held out: no training window touches it, and loss is measured
// there.
//
// Data that are larger than Shards::drawn in all are drawn from by shards: a worker's step draws
// from some shards of each owner only, and these wander over its data in a shuffled order, each
// worker in another one, as fast as training uses bytes. So a step needs a bounded part of the data
// at hand, and each byte is fetched about once for each time that it is trained on. Smaller data
// are drawn from as a whole.
//
// Where examples are made when they are read (Windows), a window is as many bytes as surely hold
// one. Blocks are four windows then, so that little is lost where a window ends at a held-out block
// and its example before.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "model/config.hpp"
#include "train/data_source.hpp"

namespace mutirao::train {

// One owner's data; the bytes are borrowed and must outlive the sampler.
struct Corpus {
    ByteSpan text;
    // Share of the windows; 0 = by size. Either all owners have one or none has.
    std::uint32_t weight = 0;
};

// The same for all workers of a run. Of each owner at least one shard is drawn from.
struct Shards {
    std::uint64_t bytes = 1 << 20;   // of one, about: whole runs of ten blocks, at least one
    std::uint64_t drawn = 32 << 20;  // of all owners together, about
};

// Data whose items are bytes, and of which examples are made.
struct Windows {
    std::uint32_t bytes = 0;  // that hold an example
    std::uint32_t used = 0;   // of these, about: shards wander by it
    // Fills `example`. Of an owner that has less than ten windows they are shorter: a tenth each.
    std::function<void(ByteSpan window, MutableByteSpan example)> make;  // none: bytes as they are
};

inline constexpr std::uint32_t kOwnersMax = 4096;
inline constexpr std::size_t kHeldOutBlock = 4096;

// One thread at a time. Copies share their source.
class Sampler {
  public:
    // invalid_argument when there is no owner, or when one's data are shorter than ten windows or
    // end within an item (the sentence names the owner's index and the bytes wanted). The shape is
    // the examples', which, with `windows`, the data need not have.
    static Result<Sampler> make(std::shared_ptr<DataSource> source,
                                const model::ExampleShape& shape, std::uint64_t seed,
                                const Shards& shards = {}, Windows windows = {});
    static Result<Sampler> make(std::vector<Corpus> owners, const model::ExampleShape& shape,
                                std::uint64_t seed);
    // Windows of context + 1 bytes.
    static Result<Sampler> make(std::vector<Corpus> owners, std::uint32_t context,
                                std::uint64_t seed) {
        return make(std::move(owners), model::ExampleShape{1, context + 1}, seed);
    }

    // `rows` windows, one after another, and counts them to their owners. Same arguments, same
    // bytes. Errors are the source's. `rows` is the same in all steps of a run.
    Result<Bytes> read_batch(std::uint32_t worker, std::uint64_t step, std::uint32_t rows);
    // Of data in memory, which cannot fail.
    Bytes training_batch(std::uint32_t worker, std::uint64_t step, std::uint32_t rows) {
        return read_batch(worker, step, rows).value();
    }
    // Whose windows training_batch() of the same arguments returns, one owner's index a row.
    std::vector<std::uint32_t> training_owners(std::uint32_t worker, std::uint64_t step,
                                               std::uint32_t rows) const;
    // What such a step draws from, and behind it what the next ones will: DataSource::expect().
    std::vector<Stretch> shards_of(std::uint32_t worker, std::uint64_t step,
                                   std::uint32_t rows) const;
    // At most `rows` windows spread evenly over all owners' held-out blocks; always the same.
    Result<Bytes> read_held_out(std::uint32_t rows) const;
    Bytes held_out(std::uint32_t rows) const { return read_held_out(rows).value(); }
    std::vector<std::uint32_t> held_out_owners(std::uint32_t rows) const;

    // Answers learnt from so far, owner by owner: all items of a window but the first, or the one.
    std::span<const std::uint64_t> tokens_used() const { return tokens_used_; }
    // Counts on from there; as many numbers as owners.
    void go_on(std::span<const std::uint64_t> tokens_used) {
        ENSURE(tokens_used.size() == tokens_used_.size());
        tokens_used_.assign(tokens_used.begin(), tokens_used.end());
    }

  private:
    struct Owner {
        std::uint64_t items = 0, window = 0, block = 0;  // both in items
        std::uint64_t starts = 0;  // positions where a training window may begin
        std::uint64_t weight = 0;
        std::uint64_t shard_items = 0, shard_starts = 0, shards = 0;
        std::uint64_t drawn = 0;  // shards at a time
    };
    struct Window {
        std::uint32_t owner = 0;
        std::uint64_t item = 0;
    };
    Sampler(std::shared_ptr<DataSource> source, std::vector<Owner> owners,
            const model::ExampleShape& shape, std::uint64_t seed, Windows windows);
    static Result<Sampler> make(std::shared_ptr<DataSource> source,
                                std::span<const std::uint32_t> weights,
                                const model::ExampleShape& shape, std::uint64_t seed,
                                const Shards& shards, Windows windows);
    // Bytes of one of the data's items.
    std::uint64_t item_size() const { return windows_.make ? 1 : shape_.item_size; }
    // The first shard of a step among those of the worker's order, and the nth of that order.
    std::uint64_t first_shard(const Owner& owner, std::uint64_t step, std::uint32_t rows) const;
    std::uint64_t shard_at(std::uint32_t owner, std::uint32_t worker, std::uint64_t nth) const;
    std::vector<Window> drawn(std::uint32_t worker, std::uint64_t step, std::uint32_t rows) const;
    std::vector<Window> spread(std::uint32_t rows) const;
    Result<Bytes> examples_of(std::span<const Window> windows) const;

    std::shared_ptr<DataSource> source_;
    std::vector<Owner> owners_;
    std::uint64_t weight_total_ = 0;
    model::ExampleShape shape_;
    std::uint64_t seed_;
    Windows windows_;
    std::vector<std::uint64_t> tokens_used_;
};

}  // namespace mutirao::train
