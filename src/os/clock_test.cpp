#include "os/clock.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <set>

#include "os/random.hpp"
#include "os/thread_pool.hpp"

namespace mutirao::os {
namespace {

TEST(SystemClock, monotonic_time_passes_while_sleeping) {
    SystemClock clock;
    const Duration before = clock.monotonic();
    clock.sleep(std::chrono::milliseconds(2));
    EXPECT_GE(clock.monotonic() - before, std::chrono::milliseconds(2));
}

TEST(SystemClock, the_year_is_plausible) {
    SystemClock clock;
    constexpr std::uint64_t kYear2024 = 1704067200000;
    constexpr std::uint64_t kYear2100 = 4102444800000;
    EXPECT_GT(clock.unix_ms(), kYear2024);
    EXPECT_LT(clock.unix_ms(), kYear2100);
}

TEST(SystemRandom, fills_every_size_and_does_not_repeat) {
    SystemRandom random;
    random.fill({});
    std::set<Digest> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(random.fixed<Digest>());
    EXPECT_EQ(seen.size(), 1000u);
    // More than one getrandom(2) call returns; each 4 KiB page of it is touched.
    Bytes large((32 << 20) + 17);
    random.fill(large);
    for (std::size_t at = 0; at + 4096 <= large.size(); at += 4096)
        EXPECT_NE(Bytes(large.begin() + static_cast<std::ptrdiff_t>(at),
                        large.begin() + static_cast<std::ptrdiff_t>(at) + 32),
                  Bytes(32, 0));
}

TEST(ThreadPool, runs_everything_before_it_is_gone) {
    std::atomic<int> done = 0;
    {
        ThreadPool pool(3, 2);
        for (int i = 0; i < 500; ++i) pool.post([&] { ++done; });
    }
    EXPECT_EQ(done, 500);
}

}  // namespace
}  // namespace mutirao::os
