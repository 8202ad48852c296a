#include "train/secure_sum.hpp"

#include <algorithm>
#include <bit>
#include <gtest/gtest.h>
#include <set>

#include "base/random.hpp"

namespace mutirao::train {
namespace {

using Workers = std::set<std::uint32_t>;

// A sum of `count` workers, step by step; tests leave some out of each step.
struct Group {
    Group(std::uint32_t count, std::uint32_t threshold, std::size_t values, std::uint64_t seed = 1,
          std::uint32_t summed = 0)
        : settings{count, threshold, values, summed}, random(seed) {
        for (std::uint32_t i = 0; i < count; ++i) {
            sums.push_back(SecureSum::make({{}, 4, i}, settings, random).value());
            auto& own = inputs.emplace_back(values);
            for (auto& value : own) value = static_cast<std::uint32_t>(random.next_u64());
        }
    }

    // All four steps; a worker that is missing from one is missing from those after it, but from
    // the last alone.
    Result<std::vector<std::uint32_t>> run(const Workers& no_keys, const Workers& no_shares,
                                           const Workers& no_values, const Workers& no_reveal) {
        Workers here;
        for (std::uint32_t i = 0; i < settings.workers; ++i) here.insert(i);
        const auto leave = [&](const Workers& gone) {
            for (const auto i : gone) here.erase(i);
        };
        leave(no_keys);
        for (const auto i : here) said.keys.push_back(sums[i].keys());
        leave(no_shares);
        for (const auto i : here) {
            TRY(auto shares, sums[i].share(said.keys, random));
            said.shares.push_back(std::move(shares));
        }
        leave(no_values);
        for (const auto i : here) {
            TRY_VOID(sums[i].gather(said.shares));
            TRY(auto masked, sums[i].mask(inputs[i]));
            said.values.push_back(std::move(masked));
        }
        came.assign(here.begin(), here.end());
        leave(no_reveal);
        for (const auto i : here) {
            TRY(auto reveal, sums[i].reveal(came));
            said.reveals.push_back(std::move(reveal));
        }
        return unmasked_sum(settings, said);
    }

    std::vector<std::uint32_t> plain_sum() const {
        std::vector<std::uint32_t> sum(settings.values, 0);
        for (const auto i : came)
            for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += inputs[i][k];
        return sum;
    }

    SumSettings settings;
    SeededRandom random;
    std::vector<SecureSum> sums;
    std::vector<std::vector<std::uint32_t>> inputs;
    SumTranscript said;
    std::vector<std::uint32_t> came;
};

// `choice` in base five says at which of the four steps each worker leaves, or that it stays.
// Returns whether there was a sum.
bool sum_or_refusal(std::uint32_t workers, std::uint32_t threshold, std::uint32_t choice) {
    SCOPED_TRACE(std::to_string(workers) + " workers, choice " + std::to_string(choice));
    Workers gone[4];
    std::uint32_t came = workers, revealing = workers;
    for (std::uint32_t i = 0, rest = choice; i < workers; ++i, rest /= 5) {
        const auto step = rest % 5;
        if (step == 4) continue;
        gone[step].insert(i);
        --revealing;
        if (step < 3) --came;
    }
    Group group(workers, threshold, 3, choice);
    const auto sum = group.run(gone[0], gone[1], gone[2], gone[3]);
    const bool enough = came >= threshold && revealing >= threshold;
    EXPECT_EQ(sum.ok(), enough);
    if (sum.ok()) {
        EXPECT_EQ(*sum, group.plain_sum());
    } else {
        EXPECT_EQ(sum.error().kind, ErrorKind::unavailable);
    }
    return enough;
}

TEST(SecureSum, equals_the_plain_sum_whoever_leaves_at_any_step_down_to_the_threshold) {
    std::uint32_t sums = 0, tried = 0;
    for (std::uint32_t choice = 0; choice < 125; ++choice, ++tried)
        sums += sum_or_refusal(3, 2, choice);
    SeededRandom random(9);
    for (int i = 0; i < 40; ++i, ++tried)
        sums += sum_or_refusal(6, 4, static_cast<std::uint32_t>(random.below(15625)));
    EXPECT_GT(sums, 10u);
    EXPECT_GT(tried - sums, 10u);
}

TEST(SecureSum, is_of_many_values_and_many_workers_too) {
    Group group(20, 11, 40000);
    const auto sum = group.run({3}, {4}, {0, 19}, {7}).value();
    EXPECT_EQ(sum, group.plain_sum());
}

// Of four workers two have values; the others only open what takes the masks off.
TEST(SecureSum, may_be_of_fewer_values_than_the_shares_it_takes) {
    for (const std::uint32_t summed : {0, 2}) {
        Group group(4, 3, 5, 1, summed);
        for (const auto& sum : group.sums) group.said.keys.push_back(sum.keys());
        for (auto& sum : group.sums)
            group.said.shares.push_back(sum.share(group.said.keys, group.random).value());
        for (auto& sum : group.sums) ASSERT_TRUE(sum.gather(group.said.shares).ok());
        group.came = {1, 3};
        for (const auto i : group.came)
            group.said.values.push_back(group.sums[i].mask(group.inputs[i]).value());
        for (auto& sum : group.sums) {
            auto reveal = sum.reveal(group.came);
            ASSERT_EQ(reveal.ok(), summed == 2);
            if (reveal.ok()) group.said.reveals.push_back(std::move(reveal).value());
        }
        const auto sum = unmasked_sum(group.settings, group.said);
        ASSERT_EQ(sum.ok(), summed == 2);
        if (sum.ok()) {
            EXPECT_EQ(*sum, group.plain_sum());
        }
    }
    SeededRandom random(1);
    for (const std::uint32_t summed : {1, 4})
        EXPECT_FALSE(SecureSum::make({{}, 0, 0}, {4, 3, 1, summed}, random).ok());
}

TEST(SecureSum, masked_values_look_like_nothing) {
    Group group(3, 2, 30000);
    for (auto& input : group.inputs) std::ranges::fill(input, 5u);
    ASSERT_TRUE(group.run({}, {}, {}, {}).ok());
    for (const auto& masked : group.said.values) {
        double ones = 0;
        for (const auto value : masked.values) ones += std::popcount(value);
        // Of 960,000 fair bits half are 1; six standard deviations are 0.3 %.
        EXPECT_NEAR(ones / (32.0 * 30000), 0.5, 0.0031);
    }
    EXPECT_NE(group.said.values[0].values, group.said.values[1].values);
}

TEST(SecureSum, opens_one_set_and_never_another) {
    Group group(4, 3, 2);
    ASSERT_TRUE(group.run({}, {}, {}, {}).ok());
    const std::vector<std::uint32_t> same{3, 2, 1, 0}, other{0, 1, 2}, few{0, 1}, twice{0, 0, 1};
    EXPECT_TRUE(group.sums[0].reveal(same).ok());
    EXPECT_EQ(group.sums[0].reveal(other).error().kind, ErrorKind::permission_denied);
    Group fresh(4, 3, 2);
    ASSERT_FALSE(fresh.run({}, {}, {0, 1}, {}).ok());
    EXPECT_EQ(fresh.sums[2].reveal(few).error().kind, ErrorKind::unavailable);
    EXPECT_EQ(fresh.sums[2].reveal(twice).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(fresh.sums[0].reveal(other).error().kind, ErrorKind::invalid_argument);
}

TEST(SecureSum, whoever_gathered_the_shares_may_reveal_without_values_of_its_own) {
    Group group(4, 3, 2);
    ASSERT_TRUE(group.run({}, {}, {3}, {0}).error().kind == ErrorKind::unavailable);
    ASSERT_TRUE(group.sums[3].gather(group.said.shares).ok());
    EXPECT_EQ(check_reveals(group.settings, group.said).error().kind, ErrorKind::unavailable);
    group.said.reveals.push_back(group.sums[3].reveal(group.came).value());
    EXPECT_TRUE(check_reveals(group.settings, group.said).ok());
    EXPECT_EQ(unmasked_sum(group.settings, group.said).value(), group.plain_sum());
}

TEST(SecureSum, shares_that_do_not_fit_are_passed_over_while_enough_do) {
    Group group(5, 3, 4);
    ASSERT_TRUE(group.run({}, {}, {2}, {}).ok());
    for (auto& opened : group.said.reveals[0].opened) opened.share.bytes[5] ^= 1;
    EXPECT_EQ(unmasked_sum(group.settings, group.said).value(), group.plain_sum());
    for (auto& opened : group.said.reveals[1].opened) opened.share.bytes[5] ^= 1;
    const auto failed = unmasked_sum(group.settings, group.said);
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().kind, ErrorKind::corrupt);
}

TEST(SecureSum, refuses_messages_of_elsewhere_and_names_who_sent_them) {
    Group group(3, 2, 4);
    for (auto& sum : group.sums) group.said.keys.push_back(sum.keys());
    auto& own = group.sums[0];
    auto keys = group.said.keys;
    keys[1].place.round = 5;
    EXPECT_EQ(own.share(keys, group.random).error().kind, ErrorKind::corrupt);
    keys = {group.said.keys[1], group.said.keys[2]};
    EXPECT_EQ(own.share(keys, group.random).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(own.gather({}).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(own.mask(group.inputs[0]).error().kind, ErrorKind::invalid_argument);
    keys = group.said.keys;
    keys[2].mask_key = {};  // no point
    EXPECT_EQ(check_keys(keys[2]).error().kind, ErrorKind::corrupt);
    EXPECT_TRUE(check_keys(keys[1]).ok());
    for (auto& sum : group.sums)
        group.said.shares.push_back(sum.share(group.said.keys, group.random).value());
    auto shares = group.said.shares;
    shares[2].boxes[0].sealed[40] ^= 1;
    const auto failed = own.gather(shares);
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().kind, ErrorKind::corrupt);
    EXPECT_EQ(own.check(shares[2]).error().kind, ErrorKind::corrupt);
    EXPECT_TRUE(own.check(shares[1]).ok());
    EXPECT_NE(failed.error().message.find("worker 2"), std::string::npos);
    // What opens is no share of what worker 2 shows: it is of another of its secrets.
    auto twin = SecureSum::make({{}, 4, 2}, group.settings, group.random).value();
    auto twin_keys = group.said.keys;
    twin_keys[2] = twin.keys();
    const auto of_twin = twin.share(twin_keys, group.random).value();
    auto mixed = group.said.shares[2];
    mixed.boxes = of_twin.boxes;
    EXPECT_EQ(own.check(mixed).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(own.check(of_twin).error().kind, ErrorKind::corrupt);  // another mask key
    mixed = group.said.shares[2];
    mixed.seed_points.pop_back();
    mixed.mask_points.pop_back();
    EXPECT_EQ(own.check(mixed).error().kind, ErrorKind::corrupt);
    // It may go on without that worker.
    shares.pop_back();
    ASSERT_TRUE(own.gather(shares).ok());
    EXPECT_TRUE(own.mask(group.inputs[0]).ok());
    EXPECT_EQ(own.mask(group.inputs[0]).error().kind, ErrorKind::invalid_argument);
    for (const SumSettings settings : {SumSettings{1, 1, 1}, {4, 2, 1}, {3, 4, 1}, {256, 200, 1}})
        EXPECT_FALSE(SecureSum::make({{}, 0, 0}, settings, group.random).ok());
    EXPECT_FALSE(SecureSum::make({{}, 0, 3}, {3, 2, 1}, group.random).ok());
}

TEST(SecureSum, who_seals_bad_boxes_to_several_is_out_and_so_is_who_only_claims_it) {
    using Set = std::vector<std::uint32_t>;
    const auto said = [](std::vector<Set> of) {
        std::vector<SumOpened> out;
        for (std::uint32_t i = 0; i < of.size(); ++i) out.push_back({{{}, 4, i}, of[i]});
        return mutual(out);
    };
    EXPECT_EQ(said({{0, 1, 2, 3}, {0, 1, 2, 3}, {0, 1, 2, 3}, {0, 1, 2, 3}}), (Set{0, 1, 2, 3}));
    EXPECT_EQ(said({{0, 1, 3}, {0, 1, 3}, {0, 1, 2, 3}, {0, 1, 2, 3}}), (Set{0, 1, 3}));
    EXPECT_EQ(said({{0, 1, 2, 3}, {0, 1, 2, 3}, {0, 1, 2, 3}, {0, 1, 3}}), (Set{0, 1, 2}));
    EXPECT_EQ(said({{0, 1, 2, 3}, {0, 1, 2, 3}, {0, 1, 2, 3}, {}}), (Set{0, 1, 2}));
    EXPECT_EQ(said({}), Set{});
}

TEST(SecureSum, messages_have_one_encoding) {
    Group group(4, 3, 2);
    ASSERT_TRUE(group.run({}, {}, {1}, {}).ok());
    EXPECT_EQ(decode_sum_keys(encode(group.said.keys[1])).value(), group.said.keys[1]);
    EXPECT_EQ(decode_sum_shares(encode(group.said.shares[1])).value(), group.said.shares[1]);
    EXPECT_EQ(decode_sum_reveal(encode(group.said.reveals[1])).value(), group.said.reveals[1]);
    const SumOpened opened{{{}, 4, 1}, {0, 2, 3}};
    EXPECT_EQ(decode_sum_opened(encode(opened)).value(), opened);
    EXPECT_FALSE(decode_sum_opened(encode(SumOpened{{{}, 4, 1}, {2, 2}})).ok());
    auto reveal = group.said.reveals[1];
    std::swap(reveal.opened[0], reveal.opened[1]);
    EXPECT_FALSE(decode_sum_reveal(encode(reveal)).ok());
    auto shares = group.said.shares[1];
    shares.boxes[1].to = shares.boxes[0].to;
    EXPECT_FALSE(decode_sum_shares(encode(shares)).ok());
    EXPECT_FALSE(decode_sum_keys(encode(group.said.shares[1])).ok());
    auto longer = encode(group.said.keys[1]);
    longer.push_back(0);
    EXPECT_FALSE(decode_sum_keys(longer).ok());
    // What a corpus seed is made of.
    EXPECT_EQ(encode(group.said.keys[0]).size(), 2u + 1 + 32 + 4 + 4 + 32 + 48);
}

}  // namespace
}  // namespace mutirao::train
