#include "cli/named_cheaters.hpp"

#include <gtest/gtest.h>

namespace mutirao::cli {
namespace {

std::set<std::uint32_t> named(const std::vector<std::vector<std::uint32_t>>& said) {
    std::vector<v1::ProgressReply> workers(said.size());
    for (std::size_t i = 0; i < said.size(); ++i)
        for (const auto cheater : said[i]) workers[i].add_cheaters(cheater);
    return named_cheaters(workers);
}

TEST(NamedCheaters, more_than_half_of_the_others_must_have_seen_it) {
    using Set = std::set<std::uint32_t>;
    EXPECT_EQ(named({{}, {}, {}, {}}), Set{});
    EXPECT_EQ(named({{2}, {}, {}, {}}), Set{});
    EXPECT_EQ(named({{2}, {2}, {}, {}}), Set{2});
    EXPECT_EQ(named({{2}, {2}, {0, 1, 3}, {2}}), Set{2});  // its own word counts for one
    EXPECT_EQ(named({{2}, {}, {2}}), Set{});               // of two, one is no more than half
    EXPECT_EQ(named({{1}, {0}}), (Set{0, 1}));             // nobody else is there to ask
    EXPECT_EQ(named({{2, 2}, {}, {}, {}}), Set{});
    EXPECT_EQ(named({{9}, {9}, {9}}), Set{});
    EXPECT_EQ(named({}), Set{});
}

}  // namespace
}  // namespace mutirao::cli
