#include "train/sampler.hpp"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <set>

namespace mutirao::train {
namespace {

// Every four bytes hold their own position, so a window tells where it came from.
Bytes numbered(std::size_t size, std::uint8_t owner = 0) {
    Bytes text(size);
    for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<std::uint8_t>(i % 4 == 3 ? owner : i / 4 >> (8 * (i % 4)));
    return text;
}

// Position of a window (of at least 8 bytes) in numbered text, or npos: read its first whole number
// at each of the four alignments.
std::size_t position(ByteSpan text, ByteSpan window) {
    for (std::size_t skip = 0; skip < 4; ++skip) {
        const std::size_t number =
            window[skip] | window[skip + 1] << 8 | static_cast<std::size_t>(window[skip + 2]) << 16;
        const std::size_t at = 4 * number - skip;
        if (at <= text.size() - window.size() &&
            std::equal(window.begin(), window.end(), text.subspan(at).begin()))
            return at;
    }
    return std::string::npos;
}

constexpr std::uint32_t kContext = 31;
constexpr std::size_t kWindow = kContext + 1;

TEST(Sampler, never_trains_on_a_held_out_byte_and_reaches_all_others) {
    const auto text = numbered(3 * 40960 + 20000);
    auto sampler = Sampler::make({{text}}, kContext, 1).value();
    std::vector<bool> trained(text.size(), false);
    for (std::uint64_t step = 0; step < 400; ++step) {
        const auto batch = sampler.training_batch(0, step, 64);
        ASSERT_EQ(batch.size(), 64 * kWindow);
        for (std::size_t row = 0; row < 64; ++row) {
            const auto at = position(text, ByteSpan(batch).subspan(row * kWindow, kWindow));
            ASSERT_NE(at, std::string::npos);
            std::fill_n(trained.begin() + static_cast<std::ptrdiff_t>(at), kWindow, true);
        }
    }
    std::size_t reached = 0, trainable = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool held_out = i / kHeldOutBlock % 10 == 9;
        ASSERT_FALSE(held_out && trained[i]) << i;
        trainable += !held_out;
        reached += trained[i];
    }
    EXPECT_GT(reached, trainable * 99 / 100);
}

TEST(Sampler, first_and_last_trainable_window_can_be_drawn) {
    // The smallest text: ten windows. Only positions 0 to 8 windows are allowed.
    const auto text = numbered(10 * kWindow);
    auto sampler = Sampler::make({{text}}, kContext, 5).value();
    std::set<std::size_t> seen;
    for (std::uint64_t step = 0; step < 100; ++step) {
        const auto batch = sampler.training_batch(0, step, 64);
        for (std::size_t row = 0; row < 64; ++row)
            seen.insert(position(text, ByteSpan(batch).subspan(row * kWindow, kWindow)));
    }
    EXPECT_EQ(*seen.begin(), 0u);
    EXPECT_EQ(*seen.rbegin(), 8 * kWindow);
    EXPECT_EQ(seen.size(), 8 * kWindow + 1);
}

TEST(Sampler, is_a_function_of_seed_worker_and_step) {
    const auto text = numbered(100000);
    auto a = Sampler::make({{text}}, kContext, 1).value();
    auto b = Sampler::make({{text}}, kContext, 1).value();
    (void)b.training_batch(0, 0, 8);
    EXPECT_EQ(a.training_batch(1, 7, 8), b.training_batch(1, 7, 8));
    EXPECT_NE(a.training_batch(1, 7, 8), a.training_batch(0, 7, 8));
    EXPECT_NE(a.training_batch(1, 7, 8), a.training_batch(1, 8, 8));
    auto c = Sampler::make({{text}}, kContext, 2).value();
    EXPECT_NE(a.training_batch(1, 7, 8), c.training_batch(1, 7, 8));
}

TEST(Sampler, counts_bytes_to_their_owners_by_weight_or_by_size) {
    const auto large = numbered(300000, 1), small = numbered(100000, 2);
    auto by_size = Sampler::make({{large}, {small}}, kContext, 1).value();
    auto by_weight = Sampler::make({{large, 1}, {small, 9}}, kContext, 1).value();
    for (std::uint64_t step = 0; step < 100; ++step) {
        (void)by_size.training_batch(0, step, 100);
        (void)by_weight.training_batch(0, step, 100);
    }
    // 10,000 windows of 31 predicted bytes; the deviation is about 45 windows at most.
    EXPECT_EQ(by_size.tokens_used()[0] + by_size.tokens_used()[1], 310000u);
    EXPECT_NEAR(static_cast<double>(by_size.tokens_used()[0]), 0.75 * 310000, 0.02 * 310000);
    EXPECT_NEAR(static_cast<double>(by_weight.tokens_used()[0]), 0.1 * 310000, 0.02 * 310000);
}

TEST(Sampler, held_out_windows_lie_in_held_out_blocks_of_every_owner_without_overlap) {
    const auto first = numbered(3 * 40960, 1), second = numbered(2 * 40960 + 999, 2);
    const auto sampler = Sampler::make({{first}, {second}}, kContext, 1).value();
    const auto all = sampler.held_out(1000000);
    EXPECT_EQ(all.size(), 5 * kHeldOutBlock / kWindow * kWindow);
    const auto some = sampler.held_out(20);
    ASSERT_EQ(some.size(), 20 * kWindow);
    EXPECT_EQ(some, sampler.held_out(20));
    std::set<std::pair<bool, std::size_t>> seen;
    for (std::size_t row = 0; row < 20; ++row) {
        const auto window = ByteSpan(some).subspan(row * kWindow, kWindow);
        const bool from_first = position(first, window) != std::string::npos;
        const auto at = position(from_first ? first : second, window);
        ASSERT_NE(at, std::string::npos);
        EXPECT_EQ(at / kHeldOutBlock % 10, 9u);
        EXPECT_EQ((at + kWindow - 1) / kHeldOutBlock % 10, 9u);
        seen.insert({from_first, at});
    }
    EXPECT_EQ(seen.size(), 20u);
    EXPECT_TRUE(std::any_of(seen.begin(), seen.end(), [](auto s) { return s.first; }));
    EXPECT_TRUE(std::any_of(seen.begin(), seen.end(), [](auto s) { return !s.first; }));
}

TEST(Sampler, cuts_items_of_several_bytes_whole) {
    // Records of 37 bytes that begin with their number; the data are 25 of them.
    constexpr std::uint32_t kRecord = 37;
    Bytes data;
    for (std::uint8_t i = 0; i < 25; ++i) data.insert(data.end(), kRecord, i);
    auto sampler = Sampler::make({{data}}, model::ExampleShape{kRecord, 1}, 1).value();
    std::set<std::uint8_t> seen, held_out;
    const auto batch = sampler.training_batch(0, 0, 500), kept = sampler.held_out(100);
    const auto collect = [](ByteSpan records, std::set<std::uint8_t>& into) {
        for (std::size_t at = 0; at < records.size(); at += kRecord) {
            const auto record = records.subspan(at, kRecord);
            EXPECT_EQ(std::set<std::uint8_t>(record.begin(), record.end()).size(), 1u);
            into.insert(record[0]);
        }
    };
    collect(batch, seen);
    collect(kept, held_out);
    EXPECT_EQ(held_out, (std::set<std::uint8_t>{18, 19}));
    EXPECT_EQ(seen.size(), 23u);
    for (const auto record : held_out) EXPECT_FALSE(seen.contains(record));
    EXPECT_EQ(sampler.tokens_used()[0], 500u);
    data.pop_back();
    EXPECT_FALSE(Sampler::make({{data}}, model::ExampleShape{kRecord, 1}, 1).ok());
}

TEST(Sampler, cuts_windows_of_two_byte_tokens_at_whole_tokens) {
    Bytes data;
    for (std::uint32_t i = 0; i < 60000; ++i) {
        data.push_back(static_cast<std::uint8_t>(i));
        data.push_back(static_cast<std::uint8_t>(i >> 8));
    }
    auto sampler = Sampler::make({{data}}, model::ExampleShape{2, 9}, 1).value();
    const auto batch = sampler.training_batch(0, 0, 300);
    for (std::size_t row = 0; row < 300; ++row) {
        const auto window = ByteSpan(batch).subspan(row * 18, 18);
        const auto first = window[0] | window[1] << 8;
        for (std::size_t i = 0; i < 9; ++i)
            ASSERT_EQ(window[2 * i] | window[2 * i + 1] << 8, first + static_cast<int>(i));
        ASSERT_NE(first / 2048 % 10, 9);
    }
    EXPECT_EQ(sampler.tokens_used()[0], 300u * 8);
}

TEST(Sampler, refuses_texts_that_are_too_short_and_mixed_weights) {
    const auto text = numbered(10 * kWindow);
    auto kind = [](std::vector<Corpus> owners, std::uint32_t context = kContext) {
        const auto sampler = Sampler::make(std::move(owners), context, 1);
        return sampler.ok() ? "made" : sampler.error().message;
    };
    EXPECT_EQ(kind({{text}}), "made");
    EXPECT_NE(kind({{text}, {ByteSpan(text).first(text.size() - 1)}}).find("owner 1"),
              std::string::npos);
    EXPECT_NE(kind({}), "made");
    EXPECT_NE(kind({{{}}}), "made");
    EXPECT_NE(kind({{text, 1}, {text}}), "made");
    EXPECT_NE(kind({{text}}, 0), "made");
    EXPECT_NE(kind({{text}}, kHeldOutBlock), "made");
}

TEST(Sampler, names_the_owner_of_every_window) {
    const auto first = numbered(40960, 1), second = numbered(81920, 2);
    auto sampler = Sampler::make({{first}, {second}}, kContext, 3).value();
    const auto expect_owners = [](ByteSpan batch, const std::vector<std::uint32_t>& owners) {
        ASSERT_EQ(batch.size(), owners.size() * kWindow);
        // One byte in four says whose it is, and no other byte at its place is 1 or 2 as often.
        for (std::size_t row = 0; row < owners.size(); ++row) {
            const auto window = batch.subspan(row * kWindow, kWindow);
            EXPECT_GE(std::ranges::count(window, owners[row] + 1), 8) << row;
        }
    };
    expect_owners(sampler.training_batch(1, 2, 50), sampler.training_owners(1, 2, 50));
    expect_owners(sampler.held_out(50), sampler.held_out_owners(50));
    // Asking for names counts nothing.
    EXPECT_EQ(sampler.tokens_used()[0] + sampler.tokens_used()[1], 50u * kContext);
}

// Data that only their positions tell, and what is read of them.
class Counted final : public DataSource {
  public:
    explicit Counted(std::vector<std::uint64_t> sizes) : sizes_(std::move(sizes)) {}
    std::uint32_t owners() const override { return static_cast<std::uint32_t>(sizes_.size()); }
    std::uint64_t size(std::uint32_t owner) const override { return sizes_[owner]; }
    Status read(std::uint32_t owner, std::uint64_t offset, MutableByteSpan out) override {
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] = static_cast<std::uint8_t>((offset + i) * 2654435761u >> 16);
        reads.push_back({owner, offset, out.size()});
        return {};
    }
    void expect(std::span<const Stretch> shards) override {
        expected.assign(shards.begin(), shards.end());
    }
    bool is_expected(const Stretch& read) const {
        return std::ranges::any_of(expected, [&](const Stretch& shard) {
            return shard.owner == read.owner && shard.offset <= read.offset &&
                   read.offset + read.size <= shard.offset + shard.size;
        });
    }
    std::vector<Stretch> reads, expected;

  private:
    const std::vector<std::uint64_t> sizes_;
};

constexpr Shards kSmallShards{.bytes = 100'000, .drawn = 500'000};
const model::ExampleShape kShape{1, kContext + 1};

TEST(Sampler, data_that_fit_are_drawn_from_as_if_they_lay_in_memory) {
    const auto source = std::make_shared<Counted>(std::vector<std::uint64_t>{300'000, 150'000});
    std::vector<Bytes> texts{Bytes(300'000), Bytes(150'000)};
    for (std::uint32_t i = 0; i < 2; ++i) ASSERT_TRUE(source->read(i, 0, texts[i]).ok());
    auto whole = Sampler::make({{texts[0]}, {texts[1]}}, kContext, 3).value();
    auto by_shards = Sampler::make(source, kShape, 3, kSmallShards).value();
    for (std::uint64_t step = 0; step < 20; ++step)
        EXPECT_EQ(by_shards.read_batch(1, step, 16).value(), whole.training_batch(1, step, 16));
    EXPECT_EQ(by_shards.read_held_out(40).value(), whole.held_out(40));
}

TEST(Sampler, a_step_of_large_data_draws_from_few_shards_and_the_run_from_all) {
    const std::uint64_t large = 10'000'000;
    const auto source = std::make_shared<Counted>(std::vector<std::uint64_t>{large, 200'000});
    auto sampler = Sampler::make(source, kShape, 3, kSmallShards).value();
    std::set<std::uint64_t> shards;
    std::size_t changes = 0;
    std::vector<Stretch> before;
    // As many steps as train on so many bytes as there are.
    const auto steps = (large + 200'000) / (512 * kWindow);
    for (std::uint64_t step = 0; step < steps; ++step) {
        source->reads.clear();
        ASSERT_TRUE(sampler.read_batch(0, step, 512).ok());
        for (const auto& read : source->reads) {
            ASSERT_TRUE(source->is_expected(read)) << step;
            const auto end = (read.offset + read.size - 1) / kHeldOutBlock;
            for (auto block = read.offset / kHeldOutBlock; block <= end; ++block)
                ASSERT_NE(block % 10, 9u);
        }
        std::uint64_t bytes = 0;
        for (const auto& shard : source->expected) {
            bytes += shard.size;
            if (shard.owner == 0) shards.insert(shard.offset);
        }
        ASSERT_LE(bytes, kSmallShards.drawn + 3 * kSmallShards.bytes);
        changes += source->expected != before;
        before = source->expected;
    }
    EXPECT_EQ(shards.size(), (large + 81'919) / 81'920);  // two runs of ten blocks each
    EXPECT_LE(changes, shards.size() + 4);                // each is fetched once
    EXPECT_GT(sampler.tokens_used()[1], 0u);
}

TEST(Sampler, shards_follow_from_the_step_and_differ_between_workers) {
    const auto source = std::make_shared<Counted>(std::vector<std::uint64_t>{10'000'000});
    auto sampler = Sampler::make(source, kShape, 3, kSmallShards).value();
    auto again = Sampler::make(source, kShape, 3, kSmallShards).value();
    for (std::uint64_t step = 0; step < 300; ++step)
        ASSERT_TRUE(sampler.read_batch(2, step, 64).ok());
    EXPECT_EQ(again.read_batch(2, 300, 64).value(), sampler.read_batch(2, 300, 64).value());
    EXPECT_NE(again.shards_of(1, 300, 64), again.shards_of(2, 300, 64));
    EXPECT_NE(again.shards_of(2, 0, 64), again.shards_of(2, 300, 64));
}

// Examples of 16 bytes, the first of windows of 256.
const model::ExampleShape kMadeShape{2, 8};
Windows first_bytes() {
    return {256, 16, [](ByteSpan window, MutableByteSpan example) {
                for (std::size_t i = 0; i < example.size(); ++i)
                    example[i] = window[i % window.size()];
            }};
}

TEST(Sampler, makes_examples_of_windows_and_none_of_held_out_bytes) {
    const std::uint64_t large = 3'000'001, small = 500;
    const auto source = std::make_shared<Counted>(std::vector<std::uint64_t>{large, small});
    auto sampler = Sampler::make(source, kMadeShape, 3, kSmallShards, first_bytes()).value();
    std::size_t of_small = 0, near_held_out = 0;
    for (std::uint64_t step = 0; step < 1000; ++step) {
        source->reads.clear();
        const auto batch = sampler.read_batch(0, step, 64).value();
        const auto owners = sampler.training_owners(0, step, 64);
        ASSERT_EQ(batch.size(), 64 * kMadeShape.size());
        ASSERT_EQ(source->reads.size(), 64u);
        for (std::size_t row = 0; row < 64; ++row) {
            const auto read = source->reads[row];
            ASSERT_EQ(read.owner, owners[row]);
            ASSERT_TRUE(source->is_expected(read));
            ASSERT_EQ(read.size, read.owner == 0 ? 256u : 50u);
            const std::uint64_t block = read.owner == 0 ? kHeldOutBlock : 50;
            ASSERT_NE(read.offset / block % 10, 9u);
            ASSERT_NE((read.offset + read.size - 1) / block % 10, 9u);
            of_small += read.owner;
            near_held_out += read.owner == 0 && (read.offset + 2 * 256) / block % 10 == 9;
            Bytes there(kMadeShape.size());
            ASSERT_TRUE(source->read(read.owner, read.offset, there).ok());
            source->reads.pop_back();
            ASSERT_TRUE(std::ranges::equal(ByteSpan(batch).subspan(row * 16, 16), there));
        }
    }
    EXPECT_GT(near_held_out, 0u);
    EXPECT_EQ(sampler.tokens_used()[0] + sampler.tokens_used()[1], 64'000u * 7);
    EXPECT_EQ(sampler.tokens_used()[1], of_small * 7);
    source->reads.clear();
    EXPECT_EQ(sampler.read_held_out(100)->size(), 100 * kMadeShape.size());
    for (const auto& read : source->reads)
        EXPECT_EQ(read.offset / (read.owner == 0 ? kHeldOutBlock : 50) % 10, 9u);
}

TEST(Sampler, shards_wander_as_fast_as_examples_use_bytes) {
    const auto changes = [](std::uint32_t used) {
        const auto source = std::make_shared<Counted>(std::vector<std::uint64_t>{10'000'000});
        auto windows = first_bytes();
        windows.used = used;
        auto sampler = Sampler::make(source, kMadeShape, 3, kSmallShards, windows).value();
        std::size_t count = 0;
        std::vector<Stretch> before;
        for (std::uint64_t step = 0; step < 1000; ++step) {
            const auto shards = sampler.shards_of(0, step, 64);
            count += shards != before;
            before = shards;
        }
        return count;
    };
    // 1000 steps of 64 examples, in shards of 81,920 bytes.
    EXPECT_NEAR(static_cast<double>(changes(16)), 1000.0 * 64 * 16 / 81'920, 2);
    EXPECT_NEAR(static_cast<double>(changes(128)), 1000.0 * 64 * 128 / 81'920, 2);
}

TEST(Sampler, long_windows_make_shards_longer_and_not_more_memory) {
    auto windows = first_bytes();
    windows.bytes = 20'000;  // runs of ten blocks are 800 kB
    const auto source = std::make_shared<Counted>(std::vector<std::uint64_t>{50'000'000});
    const Shards shards{.bytes = 100'000, .drawn = 2'000'000};
    auto sampler = Sampler::make(source, kMadeShape, 3, shards, windows).value();
    std::uint64_t bytes = 0;
    for (const auto& shard : sampler.shards_of(0, 0, 64)) bytes += shard.size;
    EXPECT_EQ(bytes, 3 * 800'000u);
}

}  // namespace
}  // namespace mutirao::train
