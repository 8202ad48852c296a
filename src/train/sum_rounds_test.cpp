#include "train/sum_rounds.hpp"

#include <algorithm>
#include <gtest/gtest.h>

#include "base/random.hpp"

namespace mutirao::train {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kValues = 20;
constexpr Patience kPatience{.grace = 2s, .view = 10s, .away = 30s};
using Set = std::vector<std::uint32_t>;

// Workers whose messages arrive at once, unless they are named as deaf; a test may change what they
// say on its way.
struct Table {
    Table(std::uint32_t count, std::uint32_t threshold) : threshold(threshold), said(count) {
        SeededRandom random(7);
        for (std::uint32_t i = 0; i < count; ++i) {
            secrets.push_back(random.fixed<crypto::Key>());
            auto& own = inputs.emplace_back(kValues);
            for (auto& value : own) value = static_cast<std::uint32_t>(random.next_u64());
        }
        for (std::uint32_t i = 0; i < count; ++i) workers.push_back(make(i));
    }
    SumRounds make(std::uint32_t worker) const {
        return {{.run = {},
                 .worker = worker,
                 .workers = static_cast<std::uint32_t>(secrets.size()),
                 .threshold = threshold,
                 .round = 0,
                 .values = [](std::uint32_t) { return kValues; }},
                kPatience,
                now};
    }
    void pass(std::uint32_t from, Messages messages) {
        for (auto& message : messages) {
            if (alter) alter(message);
            said[from].push_back(message);
            if (deaf.contains(from)) continue;
            for (std::uint32_t to = 0; to < workers.size(); ++to)
                if (to != from && !deaf.contains(to)) {
                    if (SumRounds::must_be_kept(message) ||
                        std::holds_alternative<Proposal>(message.body))
                        said[to].push_back(message);
                    pass(to, workers[to].receive(message, now));
                }
        }
    }
    void begin(std::uint32_t worker) {
        pass(worker, workers[worker].go_to(0, now));
        pass(worker, workers[worker].begin(0, secrets[worker], now));
    }
    void begin_all() {
        for (std::uint32_t i = 0; i < workers.size(); ++i)
            if (!deaf.contains(i)) begin(i);
    }
    void wait(Duration time) {
        const auto until = now + time;
        while (now < until) {
            now += 500ms;
            for (std::uint32_t i = 0; i < workers.size(); ++i)
                if (!deaf.contains(i)) pass(i, workers[i].tick(now));
        }
    }
    Set roster(std::uint32_t at) const {
        const auto* roster = workers[at].roster(0);
        return roster ? *roster : Set{};
    }
    void mask(const Set& which) {
        for (const auto i : which) masked[i] = workers[i].mask(0, inputs[i]).value();
    }
    // It is decided everywhere that these count.
    void came(const Set& which) {
        for (std::uint32_t i = 0; i < workers.size(); ++i)
            if (!deaf.contains(i)) pass(i, workers[i].came(0, which, now));
        for (const auto i : which) counted.push_back(masked.at(i));
    }
    // The sum as worker `at` computes it; empty when it cannot.
    std::vector<std::uint32_t> sum(std::uint32_t at) const {
        const auto transcript = workers[at].transcript(0);
        if (!transcript) return {};
        auto all = *transcript;
        all.values = counted;
        return unmasked_sum(workers[at].sum_settings(0), all).value();
    }
    std::vector<std::uint32_t> plain(const Set& which) const {
        std::vector<std::uint32_t> out(kValues, 0);
        for (const auto i : which)
            for (std::size_t k = 0; k < kValues; ++k) out[k] += inputs[i][k];
        return out;
    }

    const std::uint32_t threshold;
    std::vector<crypto::Key> secrets;
    std::vector<std::vector<std::uint32_t>> inputs;
    std::vector<SumRounds> workers;
    std::vector<std::vector<Message>> said;  // and kept, by each
    std::set<std::uint32_t> deaf;
    std::function<void(Message&)> alter;
    std::map<std::uint32_t, MaskedValues> masked;
    std::vector<MaskedValues> counted;
    Duration now{0};
};

TEST(SumRounds, all_workers_compute_the_sum_of_all) {
    Table table(4, 3);
    table.begin_all();
    for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(table.roster(i), (Set{0, 1, 2, 3}));
    table.mask({0, 1, 2, 3});
    table.came({0, 1, 2, 3});
    for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(table.sum(i), table.plain({0, 1, 2, 3}));
    // A second list under the same mask would give away its difference to the first.
    EXPECT_FALSE(table.workers[0].mask(0, table.inputs[0]).ok());
}

TEST(SumRounds, whoever_leaves_between_two_steps_stops_nobody) {
    for (int step = 0; step < 4; ++step) {
        SCOPED_TRACE(step);
        Table table(4, 3);
        const auto leaves = [&](int at) {
            if (step == at) table.deaf.insert(1);
        };
        leaves(0);  // before its keys
        for (std::uint32_t i = 0; i < 4; ++i)
            if (!table.deaf.contains(i)) {
                if (i == 3) leaves(1);  // its keys came, its shares do not
                table.begin(i);
            }
        table.wait(40s);
        const Set rest{0, 2, 3};
        EXPECT_EQ(table.roster(0), step < 2 ? rest : (Set{0, 1, 2, 3}));
        leaves(2);  // its values do not come
        table.mask(step < 3 ? rest : Set{0, 1, 2, 3});
        leaves(3);  // its reveal does not
        const Set all = step < 3 ? rest : Set{0, 1, 2, 3};
        table.came(all);
        table.wait(1s);
        for (const auto i : rest) EXPECT_EQ(table.sum(i), table.plain(all)) << i;
    }
}

TEST(SumRounds, below_the_threshold_nothing_is_ever_opened) {
    Table table(4, 3);
    table.begin_all();
    table.mask({0, 1, 2, 3});
    table.deaf = {2, 3};
    table.came({0, 1, 2, 3});
    table.wait(120s);
    EXPECT_TRUE(table.sum(0).empty());
    table.deaf = {3};
    table.pass(2, table.workers[2].came(0, {0, 1, 2, 3}, table.now));
    for (const auto i : {0u, 1u})
        for (const auto& message : std::vector(table.said[i]))
            table.pass(2, table.workers[2].receive(message, table.now));
    EXPECT_EQ(table.sum(0), table.plain({0, 1, 2, 3}));
    EXPECT_EQ(table.sum(2), table.plain({0, 1, 2, 3}));
}

TEST(SumRounds, whoever_is_on_the_roster_reveals_although_its_values_came_too_late) {
    Table table(4, 3);
    table.begin_all();
    table.mask({0, 1, 2, 3});
    table.deaf = {0};
    table.came({0, 1, 2});
    for (const std::uint32_t i : {1u, 2u, 3u}) EXPECT_EQ(table.sum(i), table.plain({0, 1, 2}));
}

TEST(SumRounds, a_worker_goes_on_with_a_sum_after_a_crash) {
    for (const bool before_masking : {true, false}) {
        SCOPED_TRACE(before_masking);
        Table table(3, 3);  // all are needed
        table.begin_all();
        const auto crash = [&] {
            table.workers[1] = table.make(1);
            for (const auto& message : table.said[1]) table.workers[1].recall(message);
            const auto before = table.said[1].size();
            table.begin(1);
            // What it said stands, so that it says nothing of its keys and shares again.
            for (auto at = before; at < table.said[1].size(); ++at)
                EXPECT_FALSE(SumRounds::must_be_kept(table.said[1][at]));
            for (const auto i : {0u, 2u})
                for (const auto& message : std::vector(table.said[i]))
                    table.pass(1, table.workers[1].receive(message, table.now));
        };
        if (before_masking) crash();
        EXPECT_EQ(table.roster(1), (Set{0, 1, 2}));
        table.mask({0, 1, 2});
        if (!before_masking) crash();
        table.came({0, 1, 2});
        for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(table.sum(i), table.plain({0, 1, 2}));
    }
}

TEST(SumRounds, a_worker_that_lost_its_secret_says_nothing_that_contradicts_it) {
    Table table(4, 3);
    table.begin_all();
    table.workers[1] = table.make(1);
    for (const auto& message : table.said[1]) table.workers[1].recall(message);
    table.secrets[1] = crypto::Key{};
    table.begin(1);
    EXPECT_FALSE(table.workers[1].takes_part(0));
    EXPECT_FALSE(table.workers[1].complaints().empty());
    for (const auto i : {0u, 2u, 3u})
        for (const auto& message : std::vector(table.said[i]))
            table.pass(1, table.workers[1].receive(message, table.now));
    table.mask({0, 2, 3});
    table.came({0, 2, 3});
    table.wait(1s);
    for (const auto i : {0u, 1u, 2u, 3u}) EXPECT_EQ(table.sum(i), table.plain({0, 2, 3}));
}

void spoil_box(SumShares& shares, std::uint32_t to) {
    for (auto& box : shares.boxes)
        if (box.to == to) box.sealed[40] ^= 1;
}

// Its digest is another one then, which its readiness must name: so it is spoilt in both.
struct Spoiler {
    Table& table;
    std::uint32_t worker;
    Set readers;
    std::optional<Digest> digest;
    bool shows_others = false;  // points, that what it shared does not fit

    void operator()(Message& message) {
        if (message.worker != worker) return;
        if (auto* shares = std::get_if<SumShares>(&message.body); shares && !digest) {
            for (const auto reader : readers) spoil_box(*shares, reader);
            SeededRandom random(5);
            if (shows_others)
                shares->seed_points.back() = crypto::point_of(crypto::random_scalar(random));
            digest =
                crypto::blake3_keyed(crypto::domain_key("secure sum message"), encode(*shares));
        }
        if (auto* ready = std::get_if<Ready>(&message.body);
            ready && message.subject == Subject::sum_shares)
            ready->payload = *digest;
        table.workers[worker].recall(message);
    }
};

TEST(SumRounds, a_worker_that_seals_bad_boxes_to_most_is_left_out_of_the_round) {
    Table table(4, 3);
    table.alter = Spoiler{table, 2, {0, 1, 3}, {}, false};
    table.begin_all();
    table.wait(200s);
    for (const auto i : {0u, 1u, 3u}) EXPECT_EQ(table.roster(i), (Set{0, 1, 3})) << i;
    EXPECT_NE(table.workers[0].complaints().at(0).find("worker 2"), std::string::npos);
    table.mask({0, 1, 3});
    table.came({0, 1, 3});
    for (const auto i : {0u, 1u, 3u}) EXPECT_EQ(table.sum(i), table.plain({0, 1, 3}));
}

// Its seed could not be found from what it shared, and its mask would stay on.
TEST(SumRounds, a_worker_that_shares_what_is_not_its_secret_is_left_out_of_the_round) {
    Table table(4, 3);
    table.alter = Spoiler{table, 2, {}, {}, true};
    table.begin_all();
    table.wait(200s);
    for (const auto i : {0u, 1u, 3u}) EXPECT_EQ(table.roster(i), (Set{0, 1, 3})) << i;
    EXPECT_NE(table.workers[0].complaints().at(0).find("not what it shows"), std::string::npos);
    table.mask({0, 1, 3});
    table.came({0, 1, 3});
    for (const auto i : {0u, 1u, 3u}) EXPECT_EQ(table.sum(i), table.plain({0, 1, 3}));
}

TEST(SumRounds, the_reader_of_the_only_bad_box_sits_out_and_still_learns_the_sum) {
    Table table(4, 3);
    table.alter = Spoiler{table, 2, {3}, {}, false};
    table.begin_all();
    table.wait(200s);
    for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(table.roster(i), (Set{0, 1, 2})) << i;
    EXPECT_FALSE(table.workers[3].takes_part(0));
    table.mask({0, 1, 2});
    table.came({0, 1, 2});
    for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(table.sum(i), table.plain({0, 1, 2})) << i;
}

TEST(SumRounds, keys_of_low_order_keep_nobody_from_sharing) {
    Table table(4, 3);
    table.alter = [](Message& message) {
        if (auto* keys = std::get_if<SumKeys>(&message.body); keys && message.worker == 1)
            keys->box_key = {};
    };
    table.begin_all();
    table.wait(200s);
    for (const auto i : {0u, 2u, 3u}) EXPECT_EQ(table.roster(i), (Set{0, 2, 3})) << i;
}

// Messages that come late, in any order or twice, workers that restart: whoever computes the
// round's sum computes the same one.
TEST(SumRounds, never_gives_two_sums_whatever_the_order) {
    int sums = 0;
    for (std::uint64_t seed = 1; seed <= 15; ++seed) {
        SCOPED_TRACE(seed);
        SeededRandom random(seed);
        Table table(4, 3);
        std::vector<std::pair<std::uint32_t, Message>> under_way;
        const auto say = [&](std::uint32_t from, const Messages& messages) {
            for (const auto& message : messages) {
                table.said[from].push_back(message);
                for (std::uint32_t to = 0; to < 4; ++to)
                    if (to != from) under_way.emplace_back(to, message);
            }
        };
        const auto start = [&](std::uint32_t i) {
            say(i, table.workers[i].go_to(0, table.now));
            say(i, table.workers[i].begin(0, table.secrets[i], table.now));
        };
        for (std::uint32_t i = 0; i < 4; ++i) start(i);
        Set came;
        for (int step = 0; step < 2000; ++step) {
            const auto who = static_cast<std::uint32_t>(random.below(4));
            if (random.below(6) == 0) {
                table.now += std::chrono::milliseconds(random.below(3000));
                say(who, table.workers[who].tick(table.now));
            } else if (random.below(100) == 0) {
                table.workers[who] = table.make(who);
                for (const auto& message : table.said[who]) table.workers[who].recall(message);
                start(who);
                // Others tell a worker that comes back all that they said.
                for (std::uint32_t i = 0; i < 4; ++i)
                    for (const auto& message : table.said[i])
                        if (i != who && message.worker == i) under_way.emplace_back(who, message);
            } else if (!under_way.empty()) {
                const auto at = random.below(under_way.size());
                const auto [to, message] = under_way[at];
                if (random.below(4) != 0)  // else it comes again
                    under_way.erase(under_way.begin() + static_cast<std::ptrdiff_t>(at));
                if (SumRounds::must_be_kept(message) ||
                    std::holds_alternative<Proposal>(message.body))
                    table.said[to].push_back(message);
                say(to, table.workers[to].receive(message, table.now));
            }
            if (table.workers[who].roster(0) && table.workers[who].takes_part(0) &&
                !table.masked.contains(who) && came.empty())
                table.mask({who});
            if (came.empty() && table.masked.size() >= 3) {
                for (const auto& [worker, values] : table.masked) {
                    came.push_back(worker);
                    table.counted.push_back(values);
                }
            }
            if (!came.empty()) say(who, table.workers[who].came(0, came, table.now));
        }
        for (std::uint32_t i = 0; i < 4; ++i) {
            const auto sum = table.sum(i);
            sums += !sum.empty();
            EXPECT_TRUE(sum.empty() || sum == table.plain(came));
        }
    }
    EXPECT_GT(sums, 20);
}

}  // namespace
}  // namespace mutirao::train
