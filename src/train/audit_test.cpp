#include "train/audit.hpp"

#include <gtest/gtest.h>
#include <map>
#include <set>
#include <vector>

namespace mutirao::train {
namespace {

RoundValue value(std::uint8_t base) {
    RoundValue out;
    out.base.bytes.fill(base);
    for (const std::uint32_t worker : {0u, 2u, 3u}) out.members.push_back({worker, {}});
    return out;
}

TEST(Audit, every_worker_is_looked_at_by_others_only_and_about_as_often_as_said) {
    std::map<std::uint32_t, int> looked_at;
    int audits = 0;
    for (int later = 0; later < 200; ++later)
        for (std::uint32_t auditor = 0; auditor < 4; ++auditor) {
            const auto whom = audited(value(static_cast<std::uint8_t>(later)), auditor, 4, 4);
            if (!whom) continue;
            EXPECT_NE(*whom, auditor);
            ++looked_at[*whom];
            ++audits;
        }
    EXPECT_EQ(looked_at.size(), 4u);
    EXPECT_GT(audits, 140);  // of 800 / 4
    EXPECT_LT(audits, 260);
    EXPECT_FALSE(audited(value(2), 0, 4, 0));
    EXPECT_FALSE(audited(value(2), 0, 1, 1));
}

TEST(Audit, in_the_last_round_every_worker_is_looked_at_by_one_other_whoever_that_is) {
    std::set<std::uint32_t> looks_at_0;
    for (int last = 0; last < 40; ++last) {
        const auto decided = value(static_cast<std::uint8_t>(last));
        std::set<std::uint32_t> all;
        for (std::uint32_t auditor = 0; auditor < 4; ++auditor) {
            const auto whom = audited_last(decided, auditor, 4).value();
            EXPECT_NE(whom, auditor);
            all.insert(whom);
            if (whom == 0) looks_at_0.insert(auditor);
        }
        EXPECT_EQ(all.size(), 4u);
    }
    EXPECT_EQ(looks_at_0, (std::set<std::uint32_t>{1, 2, 3}));
    EXPECT_FALSE(audited_last(value(1), 0, 1));
}

TEST(Audit, the_same_work_is_no_distance_away_and_other_work_is_far) {
    const std::size_t size = 512;
    std::vector<float> work(size), close(size), other(size);
    for (std::size_t i = 0; i < size; ++i) {
        work[i] = 0.01f * static_cast<float>(static_cast<int>(i * 37 % 101) - 50);
        close[i] = work[i] * 1.02f;
        other[i] = 0.01f * static_cast<float>(static_cast<int>(i * 53 % 97) - 48);
    }
    EXPECT_EQ(relative_distance(work, work), 0);
    EXPECT_GT(relative_distance(close, work), 0);
    EXPECT_LT(relative_distance(close, work), kHonestDistance);
    EXPECT_GT(relative_distance(other, work), 2 * kHonestDistance);
    EXPECT_GT(relative_distance(std::vector<float>(size, 0.0f), work), 2 * kHonestDistance);
}

}  // namespace
}  // namespace mutirao::train
