#include "train/agreement.hpp"

#include <deque>
#include <gtest/gtest.h>
#include <tuple>

#include "base/random.hpp"

namespace mutirao::train {
namespace {

using namespace std::chrono_literals;

Digest digest(std::uint8_t value) {
    Digest out;
    out.bytes.fill(value);
    return out;
}

constexpr Patience kPatience{.grace = 2s, .view = 10s, .away = 30s};

// Workers whose messages arrive at once, unless they are named as deaf.
struct Table {
    std::vector<Agreement> workers;
    std::set<std::uint32_t> deaf;
    std::vector<Message> said;
    Duration now{0};

    Table(std::uint32_t count, std::uint32_t quorum, std::uint32_t witnesses = 0) {
        for (std::uint32_t i = 0; i < count; ++i)
            workers.emplace_back(
                Agreement::Settings{
                    .worker = i, .workers = count, .quorum = quorum, .witnesses = witnesses},
                kPatience, now);
    }
    void pass(std::uint32_t from, const Messages& messages) {
        for (const auto& message : messages) {
            said.push_back(message);
            if (deaf.contains(from)) continue;
            for (std::uint32_t to = 0; to < workers.size(); ++to)
                if (to != from && !deaf.contains(to)) pass(to, workers[to].receive(message, now));
        }
    }
    // The payload of worker w in any round is digest(100 + w), and reaches all who can hear.
    void ready(std::uint32_t worker, std::uint32_t round = 0, std::uint8_t base = 1) {
        pass(worker, workers[worker].ready(round, digest(base), payload(worker), now));
        for (std::uint32_t to = 0; to < workers.size(); ++to)
            if (!deaf.contains(to)) pass(to, workers[to].stored(payload(worker), now));
    }
    void wait(Duration time) {
        const auto until = now + time;
        while (now < until) {
            now += 500ms;
            for (std::uint32_t i = 0; i < workers.size(); ++i)
                if (!deaf.contains(i)) pass(i, workers[i].tick(now));
        }
    }
    static Digest payload(std::uint32_t worker) {
        return digest(static_cast<std::uint8_t>(100 + worker));
    }
    std::vector<std::uint32_t> decided(std::uint32_t at, std::uint32_t round = 0) const {
        std::vector<std::uint32_t> out;
        if (const auto* value = workers[at].decision(round))
            for (const auto& member : value->members) out.push_back(member.worker);
        return out;
    }
};

using Set = std::vector<std::uint32_t>;

TEST(Agreement, all_count_at_once_when_all_are_ready) {
    Table table(4, 2);
    for (std::uint32_t i = 0; i < 4; ++i) table.ready(i);
    for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(table.decided(i), (Set{0, 1, 2, 3}));
}

TEST(Agreement, whose_machine_refuses_calls_is_not_waited_for_until_it_is_heard_of) {
    Table table(4, 2);
    for (const std::uint32_t i : {0u, 1u, 2u}) table.workers[i].refused(3);
    table.wait(1s);
    for (const std::uint32_t i : {0u, 1u, 2u}) table.ready(i);
    EXPECT_EQ(table.decided(0), Set{});  // it spoke a second ago
    table.wait(500ms);
    EXPECT_EQ(table.decided(0), (Set{0, 1, 2}));
    EXPECT_FALSE(table.workers[0].away(3, table.now));

    Table back(4, 2);
    for (const std::uint32_t i : {0u, 1u, 2u}) back.workers[i].refused(3);
    back.wait(1500ms);
    for (const std::uint32_t i : {0u, 1u, 2u}) back.workers[i].heard(3, back.now);
    for (const std::uint32_t i : {0u, 1u, 2u}) back.ready(i);
    back.wait(1500ms);
    EXPECT_EQ(back.decided(0), Set{});
    back.ready(3);
    EXPECT_EQ(back.decided(0), (Set{0, 1, 2, 3}));
}

TEST(Agreement, one_worker_agrees_with_itself) {
    Table table(1, 0);
    table.ready(0);
    EXPECT_EQ(table.decided(0), Set{0});
}

TEST(Agreement, two_workers_and_a_witness_go_on_when_any_one_of_them_dies) {
    for (std::uint32_t dead = 0; dead < 3; ++dead) {
        SCOPED_TRACE(dead);
        Table table(3, 1, 1);
        table.ready(0);
        table.ready(1);
        table.ready(2);  // a witness has no payload, whatever it says
        for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(table.decided(i), (Set{0, 1}));
        table.deaf = {dead};
        for (const std::uint32_t i : {0u, 1u})
            if (i != dead) table.pass(i, table.workers[i].stand(1, digest(9), table.now));
        if (dead != 2) table.pass(2, table.workers[2].go_to(1, table.now));
        for (const std::uint32_t i : {0u, 1u})
            if (i != dead) table.ready(i, 1);
        table.wait(60s);
        const auto wanted = dead == 0 ? Set{1} : dead == 1 ? Set{0} : Set{0, 1};
        for (std::uint32_t i = 0; i < 3; ++i)
            if (i != dead) {
                EXPECT_EQ(table.decided(i, 1), wanted);
            }
    }
}

TEST(Agreement, a_quorum_waits_for_the_grace_window_only) {
    Table table(4, 2);
    table.ready(0);
    table.wait(60s);
    EXPECT_EQ(table.decided(0), Set{});  // one is no quorum
    table.ready(2);
    table.wait(1500ms);
    EXPECT_EQ(table.decided(0), Set{});
    EXPECT_TRUE(table.workers[1].hurry(0));
    table.wait(1s);
    EXPECT_EQ(table.decided(0), (Set{0, 2}));
    table.ready(1);  // late
    EXPECT_EQ(table.decided(3), (Set{0, 2}));
}

TEST(Agreement, a_dead_coordinator_is_replaced_and_later_passed_over) {
    Table table(4, 2);
    table.deaf = {0};
    for (std::uint32_t i = 1; i < 4; ++i) table.ready(i);
    table.wait(5s);
    EXPECT_EQ(table.decided(1), Set{});
    table.wait(15s);
    for (std::uint32_t i = 1; i < 4; ++i) EXPECT_EQ(table.decided(i), (Set{1, 2, 3}));
    // By round 4, which it would coordinate, it is away: nobody waits for its view.
    table.wait(20s);
    for (std::uint32_t i = 1; i < 4; ++i) {
        table.workers[i].stand(4, digest(9), table.now);
        for (std::uint32_t j = 1; j < 4; ++j) table.workers[i].heard(j, table.now);
    }
    for (std::uint32_t i = 1; i < 4; ++i) table.ready(i, 4);
    table.wait(1s);
    EXPECT_EQ(table.decided(1, 4), (Set{1, 2, 3}));
}

TEST(Agreement, without_a_majority_nothing_is_decided) {
    Table table(4, 1);
    table.deaf = {2, 3};
    table.ready(0);
    table.ready(1);
    table.wait(120s);
    EXPECT_EQ(table.decided(0), Set{});
    table.deaf = {3};
    for (const auto& message : std::vector<Message>(table.said))
        table.pass(2, table.workers[2].receive(message, table.now));
    for (std::uint32_t i : {0u, 1u})
        table.pass(2, table.workers[2].stored(Table::payload(i), table.now));
    table.wait(600s);
    EXPECT_EQ(table.decided(2), (Set{0, 1}));
}

TEST(Agreement, what_a_majority_accepted_outlives_its_coordinator) {
    Table table(3, 1);
    // Only worker 0's payload is ready; all but the last vote get lost with worker 0.
    auto ready = table.workers[0].ready(0, digest(1), Table::payload(0), table.now);
    for (const auto& message : ready) table.workers[1].receive(message, table.now);
    table.now += 3s;
    auto proposed = table.workers[0].tick(table.now);
    ASSERT_FALSE(proposed.empty());
    table.workers[1].stored(Table::payload(0), table.now);
    Messages vote;
    for (const auto& message : proposed) {
        auto more = table.workers[1].receive(message, table.now);
        vote.insert(vote.end(), more.begin(), more.end());
    }
    ASSERT_NE(table.workers[1].decision(0), nullptr);  // with the coordinator's own vote
    table.deaf = {0};
    for (const auto& known : {ready, proposed, vote})
        for (const auto& message : known) table.workers[2].receive(message, table.now);
    table.ready(2);
    table.ready(1);
    table.wait(60s);
    EXPECT_EQ(table.decided(1), Set{0});
    EXPECT_EQ(table.decided(2), Set{0});
    const auto wanted = table.workers[2].wanted();  // to apply it
    ASSERT_EQ(wanted.size(), 1u);
    EXPECT_EQ(wanted.at(0), (std::vector<Member>{{0, Table::payload(0)}}));
}

TEST(Agreement, a_worker_that_restarts_keeps_its_word) {
    Table table(3, 1);
    std::vector<Message> said;
    for (const auto& m : table.workers[0].ready(0, digest(1), Table::payload(0), table.now))
        said.push_back(m);
    table.now += 3s;
    for (const auto& m : table.workers[0].tick(table.now)) said.push_back(m);
    ASSERT_EQ(said.size(), 3u);  // ready, proposal, vote
    Agreement again({.worker = 0, .workers = 3, .quorum = 1}, kPatience, table.now);
    for (const auto& message : said) again.recall(message);
    ASSERT_NE(again.own_ready(0), nullptr);
    EXPECT_TRUE(again.ready(0, digest(1), digest(55), table.now).empty());
    again.stored(Table::payload(1), table.now);
    for (const auto& m : again.tick(table.now + 3s))
        EXPECT_FALSE(std::holds_alternative<Proposal>(m.body));
    const auto later = again.tick(table.now + 60s);
    ASSERT_FALSE(later.empty());
    EXPECT_EQ(std::get<Promise>(later[0].body).accepted_views, 1u);
}

TEST(Agreement, payloads_from_other_parameters_do_not_count) {
    Table table(3, 2);
    table.ready(0, 0, 2);
    table.ready(1);
    table.ready(2);
    table.wait(5s);
    EXPECT_EQ(table.decided(0), (Set{1, 2}));
}

TEST(Agreement, who_signs_two_payloads_for_a_round_is_named_and_left_out) {
    Table table(4, 2);
    table.pass(3, {Message{{}, 0, 3, Ready{digest(1), digest(77)}}});
    table.pass(3, {Message{{}, 0, 3, Ready{digest(1), digest(78)}}});
    for (std::uint32_t i = 0; i < 3; ++i) {
        table.ready(i);
    }
    table.wait(5s);
    EXPECT_EQ(table.decided(0), (Set{0, 1, 2}));
    EXPECT_EQ(table.workers[1].liars(), std::set<std::uint32_t>{3});
}

TEST(Agreement, whoever_lags_or_differs_learns_where_enough_others_stand) {
    Agreement one({.worker = 3, .workers = 4, .quorum = 2}, kPatience, 0s);
    one.stand(5, digest(1), 0s);
    const auto hears = [&](std::uint32_t worker, std::uint32_t round, std::uint8_t state) {
        one.receive({{}, round, worker, Standing{digest(state)}}, 0s);
    };
    hears(0, 5, 2);
    EXPECT_FALSE(one.elsewhere(5, 2));  // one may lie
    hears(1, 5, 2);
    ASSERT_TRUE(one.elsewhere(5, 2));
    EXPECT_EQ(one.elsewhere(5, 2)->state, digest(2));
    hears(0, 6, 3);
    hears(1, 6, 4);
    hears(2, 6, 4);
    EXPECT_EQ(one.elsewhere(5, 2)->round, 5u);
    ASSERT_TRUE(one.elsewhere(5, 1));
    EXPECT_EQ(one.elsewhere(5, 1)->round, 6u);
    EXPECT_EQ(one.elsewhere(5, 1)->holders, (Set{1, 2}));
    hears(0, 1000, 1);  // a lie crowds nothing out
    for (std::uint32_t round = 2000; round < 2100; ++round) hears(0, round, 1);
    EXPECT_EQ(one.elsewhere(5, 1)->round, 6u);
    one.stand(6, digest(4), 0s);
    EXPECT_FALSE(one.elsewhere(6, 1));
}

// It speaks to all and can be asked by nobody: it proposes its own payload, too, and accepts that.
TEST(Agreement, a_coordinator_whose_payload_nobody_gets_stops_nobody) {
    Table table(4, 2);
    table.pass(0, table.workers[0].ready(0, digest(1), Table::payload(0), table.now));
    for (std::uint32_t i = 1; i < 4; ++i) table.ready(i);
    table.wait(5s);
    EXPECT_EQ(table.decided(1), Set{});
    table.wait(60s);
    for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(table.decided(i), (Set{1, 2, 3}));
}

TEST(Agreement, who_is_left_out_does_not_get_in_by_coordinating) {
    Table table(4, 2);
    for (std::uint32_t i = 1; i < 4; ++i) table.workers[i].leave_out(0);
    for (std::uint32_t i = 0; i < 4; ++i) table.ready(i);
    table.wait(5s);
    for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(table.decided(i), (Set{1, 2, 3})) << i;
}

// One that alone believes that another cheated does not stop the rest.
TEST(Agreement, whoever_leaves_out_alone_gives_way_to_the_majority) {
    Table table(4, 2);
    table.workers[3].leave_out(0);
    for (std::uint32_t i = 0; i < 4; ++i) table.ready(i);
    table.wait(60s);
    for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(table.decided(i), table.decided(0)) << i;
    EXPECT_GE(table.decided(0).size(), 3u);
}

// Every message takes `delay`, worker 0 says nothing. How long until all others have decided a
// round, or `at_most`.
Duration time_to_decide(std::vector<Agreement>& workers, std::uint32_t number, Duration& now,
                        Duration delay, Duration at_most) {
    std::deque<std::tuple<Duration, std::uint32_t, Message>> under_way;
    const auto began = now;
    const auto say = [&](const Messages& messages) {
        for (const auto& message : messages)
            for (std::uint32_t to = 1; to < workers.size(); ++to)
                if (to != message.worker) under_way.emplace_back(now + delay, to, message);
    };
    for (std::uint32_t i = 1; i < workers.size(); ++i) {
        say(workers[i].stand(number, digest(9), now));
        say(workers[i].ready(number, digest(1), Table::payload(i), now));
    }
    for (; now - began < at_most; now += 20ms) {
        while (!under_way.empty() && std::get<0>(under_way.front()) <= now) {
            const auto [at, to, message] = under_way.front();
            under_way.pop_front();
            say(workers[to].receive(message, now));
        }
        bool all = true;
        for (std::uint32_t i = 1; i < workers.size(); ++i) {
            for (std::uint32_t of = 1; of < workers.size(); ++of)
                say(workers[i].stored(Table::payload(of), now));
            say(workers[i].tick(now));
            all = all && workers[i].decision(number) != nullptr;
        }
        if (all) break;
    }
    return now - began;
}

// Machines that are busy, lines that are slow: the patience must find out.
TEST(Agreement, messages_that_take_longer_than_the_patience_delay_a_decision_and_prevent_none) {
    constexpr Patience kShort{.grace = 100ms, .view = 400ms, .away = 600ms};
    for (const Duration delay : {Duration(50ms), Duration(500ms), Duration(5s), Duration(60s)}) {
        std::vector<Agreement> workers;
        Duration now{0};
        for (std::uint32_t i = 0; i < 4; ++i)
            workers.emplace_back(Agreement::Settings{.worker = i, .workers = 4, .quorum = 2},
                                 kShort, now);
        const auto first = time_to_decide(workers, 0, now, delay, 100 * delay + 10s);
        EXPECT_LT(first, 30 * delay + 5s) << delay / 1ms;
        // What it took is known then, though worker 0 would coordinate round 4, too.
        const auto changes = workers[1].views_changed();
        for (std::uint32_t number = 1; number < 5; ++number)
            EXPECT_LT(time_to_decide(workers, number, now, delay, 100 * delay + 10s),
                      20 * delay + 5s)
                << delay / 1ms << " " << number;
        EXPECT_LE(workers[1].views_changed() - changes, 8u) << delay / 1ms;
    }
}

TEST(Agreement, whoever_was_cut_off_for_hours_decides_soon_after) {
    Table table(4, 2);
    table.deaf = {0, 2};
    table.ready(1);
    table.ready(3);
    table.wait(3h);
    EXPECT_EQ(table.decided(1), Set{});
    table.deaf = {0};
    for (const auto& message : std::vector<Message>(table.said))
        table.pass(2, table.workers[2].receive(message, table.now));
    for (std::uint32_t i : {1u, 3u})
        table.pass(2, table.workers[2].stored(Table::payload(i), table.now));
    table.wait(60s);
    for (std::uint32_t i = 1; i < 4; ++i) EXPECT_EQ(table.decided(i), (Set{1, 3}));
}

// Messages that get lost, come late or twice, workers that restart: never two decisions.
TEST(Agreement, never_decides_twice_whatever_gets_lost) {
    int decisions = 0;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        SeededRandom random(seed);
        const auto count = static_cast<std::uint32_t>(2 + random.below(4));
        const Agreement::Settings base{.workers = count, .quorum = 1};
        std::vector<Agreement> workers;
        std::vector<std::vector<Message>> said(count);
        std::vector<std::pair<std::uint32_t, Message>> under_way;
        for (std::uint32_t i = 0; i < count; ++i) {
            auto own = base;
            own.worker = i;
            workers.emplace_back(own, kPatience, 0s);
        }
        const auto say = [&](std::uint32_t from, const Messages& messages) {
            for (const auto& message : messages) {
                said[from].push_back(message);
                for (std::uint32_t to = 0; to < count; ++to)
                    if (to != from) under_way.emplace_back(to, message);
            }
        };
        Duration now{0};
        std::optional<Digest> decided;
        for (std::uint32_t i = 0; i < count; ++i)
            say(i, workers[i].ready(0, digest(1), Table::payload(i), now));
        for (int step = 0; step < 400; ++step) {
            const auto who = static_cast<std::uint32_t>(random.below(count));
            if (random.below(4) == 0) {
                now += std::chrono::milliseconds(random.below(3000));
                say(who, workers[who].tick(now));
            } else if (random.below(12) == 0) {
                const auto of = static_cast<std::uint32_t>(random.below(count));
                say(who, workers[who].stored(Table::payload(of), now));
            } else if (random.below(40) == 0) {
                auto own = base;
                own.worker = who;
                workers[who] = Agreement(own, kPatience, now);
                for (const auto& message : said[who]) workers[who].recall(message);
            } else if (!under_way.empty()) {
                const auto at = random.below(under_way.size());
                const auto [to, message] = under_way[at];
                if (random.below(4) != 0)
                    under_way.erase(under_way.begin() + static_cast<std::ptrdiff_t>(at));
                if (random.below(3) == 0) continue;
                if (std::holds_alternative<Proposal>(message.body)) said[to].push_back(message);
                say(to, workers[to].receive(message, now));
            }
            for (const auto& worker : workers) {
                const auto* value = worker.decision(0);
                if (value == nullptr) continue;
                if (!decided) decided = value->digest();
                ASSERT_EQ(*decided, value->digest()) << "seed " << seed;
            }
        }
        decisions += decided.has_value();
    }
    EXPECT_GT(decisions, 50);
}

}  // namespace
}  // namespace mutirao::train
