// Whole workers side by side in one process (test_crew.hpp).
#include "node/training_job.hpp"

#include <gtest/gtest.h>

#include "base/memory_disk.hpp"
#include "crypto/hash.hpp"
#include "model/checkpoint.hpp"
#include "node/test_crew.hpp"
#include "node/test_plain_words.hpp"
#include "train/contribution.hpp"
#include "train/fixed_point.hpp"

namespace mutirao::node {
namespace {

TEST(TrainingJob, workers_end_with_the_same_bits_and_say_so) {
    auto settings = small_settings();
    settings.quorum = 0;
    Crew crew(3, settings);
    crew.all_start();
    ASSERT_TRUE(crew.finish({0, 1, 2}));
    for (std::uint32_t i = 0; i < 3; ++i) {
        EXPECT_EQ(crew.reported(i).size(), settings.rounds);
        EXPECT_EQ(crew.job(i).progress().left_out, 0u);
        // Of a run that asked for none along the way, the finished one.
        ASSERT_EQ(crew.job(i).checkpoints().names().size(), 1u);
        EXPECT_EQ(crew.job(i).checkpoints().names(), crew.job(0).checkpoints().names());
    }
    const auto& checkpoints = crew.job(0).checkpoints();
    const auto [round, blob] = checkpoints.names().front();
    EXPECT_EQ(round, settings.rounds_total());
    train::BlobFetch fetch(blob);
    ASSERT_TRUE(fetch.offer({}, checkpoints.list(blob).value()).ok());
    for (std::uint32_t i = 0; i < fetch.list().hashes.size(); ++i)
        ASSERT_TRUE(fetch.offer(i, checkpoints.chunk(blob, i).value()).ok());
    const auto file = fetch.take();
    EXPECT_TRUE(model::decode_checkpoint(file).ok());
    EXPECT_EQ(checkpoints.chunk(blob, 1000).error().kind, ErrorKind::not_found);
    EXPECT_EQ(checkpoints.list({}).error().kind, ErrorKind::not_found);
}

TEST(TrainingJob, the_latest_checkpoints_along_the_way_are_the_same_at_all_workers) {
    auto settings = small_settings();
    settings.quorum = 0;
    Crew crew(3, settings, {text()}, 2);
    crew.all_start();
    ASSERT_TRUE(crew.finish({0, 1, 2}));
    const auto names = crew.job(0).checkpoints().names();
    ASSERT_EQ(names.size(), kCheckpointsKept);
    // Every second round has one, and the end.
    EXPECT_EQ(names.front().round, (settings.rounds_total() - 1) / 2 * 2);
    EXPECT_EQ(names.back().round, settings.rounds_total());
    EXPECT_NE(names.front().blob, names.back().blob);
    EXPECT_EQ(crew.job(1).checkpoints().names(), names);
    EXPECT_EQ(crew.job(2).checkpoints().names(), names);
}

TEST(TrainingJob, a_worker_that_nobody_can_call_takes_part) {
    auto settings = small_settings();
    settings.quorum = 0;  // its payloads are needed
    Crew crew(3, settings);
    crew.cannot_be_called(1);
    crew.all_start();
    ASSERT_TRUE(crew.finish({0, 1, 2}));
}

TEST(TrainingJob, a_sender_that_dies_in_the_middle_of_its_payload_stops_nobody) {
    auto settings = small_settings();
    settings.rounds = 3;
    std::atomic<int> chunks = 0;
    Crew crew(4, settings);
    crew.network().fault = [&](const std::string& peer, std::string_view method) {
        if (peer != "worker-1") return false;
        if (method == "/mutirao.v1.Train/Chunk") ++chunks;
        return chunks > 3;  // its list was given, its chunk was not
    };
    crew.all_start();
    ASSERT_TRUE(crew.finish({0, 2, 3}));
    EXPECT_GT(chunks, 3);
}

TEST(TrainingJob, a_worker_that_comes_late_goes_on_from_the_others_state) {
    auto settings = small_settings();
    settings.rounds = 12;
    Crew crew(3, settings);
    crew.start(0);
    crew.start(1);
    // Nobody has the first rounds' payloads any more.
    while (crew.job(0).progress().round < 6) std::this_thread::sleep_for(5ms);
    crew.start(2);
    ASSERT_TRUE(crew.finish({0, 1, 2}));
    EXPECT_GE(crew.job(2).progress().healed, 1u);
}

TEST(TrainingJob, a_state_that_came_in_part_before_a_crash_is_gone_on_with) {
    auto settings = small_settings();
    settings.model = model::GptConfig{.layers = 2, .width = 128, .heads = 2, .context = 16};
    settings.local_steps = 1;
    settings.rounds = 12;  // more than others keep payloads of: who comes late takes the state
    std::atomic<bool> is_late = false;  // worker 2 comes
    std::mutex mutex;
    std::map<std::uint32_t, int> given;  // chunks of the state, to it
    std::atomic<std::size_t> most = 10;
    Crew crew(3, settings);
    crew.network().tap = [&](std::string_view method, ByteSpan in, const Result<Bytes>& reply) {
        v1::ChunkRequest request;
        if (!is_late || method != "/mutirao.v1.Train/Chunk" || !reply.ok() ||
            !wire::parse(in, request).ok() || request.list())
            return;
        const std::lock_guard lock(mutex);
        ++given[request.chunk()];
    };
    crew.network().fault = [&](const std::string&, std::string_view method) {
        const std::lock_guard lock(mutex);
        return method == "/mutirao.v1.Train/Chunk" && given.size() >= most;
    };
    crew.start(0);
    crew.start(1);
    ASSERT_TRUE(crew.finish({0, 1}));
    is_late = true;
    crew.start(2);
    const auto until = std::chrono::steady_clock::now() + 60s;
    for (std::size_t came = 0; came < most;) {
        ASSERT_LT(std::chrono::steady_clock::now(), until) << came << " chunks came";
        std::this_thread::sleep_for(5ms);
        const std::lock_guard lock(mutex);
        came = given.size();
    }
    crew.stop(2);
    const auto most_before = most.exchange(1000);
    crew.start(2);
    ASSERT_TRUE(crew.finish({0, 1, 2}));
    EXPECT_GE(given.size(), most_before);
    std::uint32_t twice = 0;
    for (const auto& [chunk, times] : given) twice += times > 1;
    EXPECT_LE(twice, 2 * train::kAsksEach);  // given, and not yet kept
}

// One owner's held-out text does not speak for itself: each of the two texts does for the other.
TEST(TrainingJob, workers_agree_what_each_object_contributed_and_noise_did_next_to_nothing) {
    auto settings = small_settings();
    settings.quorum = 0;
    settings.contributions_every = 2;
    std::string other;
    for (int i = 0; i < 400; ++i) other += "folha " + std::to_string(i) + ": quem colhe planta.\n";
    Bytes noise(text().size());
    SeededRandom(7).fill(noise);
    Crew crew(3, settings, {text(), noise, to_bytes(as_bytes(other))});
    crew.all_start();
    ASSERT_TRUE(crew.finish({0, 1, 2}));
    ASSERT_EQ(crew.weights(0).size(), settings.rounds);
    EXPECT_EQ(crew.weights(0), crew.weights(1));
    EXPECT_EQ(crew.weights(0), crew.weights(2));
    std::vector<std::uint64_t> sums(3, 0);
    for (const auto& round : crew.weights(0)) {
        ASSERT_EQ(round.size(), 3u);
        EXPECT_EQ(round[0] + round[1] + round[2], train::kMillion);
        for (std::size_t i = 0; i < 3; ++i) sums[i] += round[i];
    }
    EXPECT_LT(sums[1], settings.rounds * std::uint64_t{train::kMillion} / 20);
    EXPECT_GT(sums[0], settings.rounds * std::uint64_t{train::kMillion} / 5);
    EXPECT_GT(sums[2], settings.rounds * std::uint64_t{train::kMillion} / 5);
}

// The builder's own examples, which are of the second owner's kind. Nobody trains on them.
TEST(TrainingJob, a_judge_of_the_builders_says_what_contributed) {
    const auto leaves = [](int first) {
        std::string out;
        for (int i = first; i < first + 400; ++i)
            out += "folha " + std::to_string(i) + ": quem reparte tem.\n";
        return to_bytes(as_bytes(out));
    };
    const auto judge = leaves(1000);
    auto settings = small_settings();
    settings.quorum = 0;
    settings.contributions_every = 2;
    settings.judge = crypto::blake3(judge);
    Crew crew(2, settings, {text(), judge, leaves(0)});
    crew.all_start();
    ASSERT_TRUE(crew.finish({0, 1}));
    EXPECT_EQ(crew.weights(0), crew.weights(1));
    std::vector<std::uint64_t> sums(3, 0);
    for (const auto& round : crew.weights(0)) {
        ASSERT_EQ(round.size(), 3u);
        for (std::size_t i = 0; i < 3; ++i) sums[i] += round[i];
    }
    EXPECT_EQ(sums[1], 0u);
    EXPECT_GT(sums[2], sums[0] + sums[0] / 4);
    const auto tokens = crew.job(0).progress().asset_tokens;
    EXPECT_EQ(tokens[1], 0u);

    settings.judge->bytes[0] ^= 1;
    Crew without(2, settings, {text(), leaves(0)});
    without.all_start();
    while (!without.job(0).progress().ended()) std::this_thread::sleep_for(1ms);
    EXPECT_NE(without.job(0).progress().error.find("judge"), std::string::npos);
}

train::RunSettings masked_settings() {
    auto settings = small_settings();
    settings.codec.kind = train::CodecKind::fixed32;
    settings.secure_sum = true;
    settings.quorum = 3;
    return settings;
}

TEST(TrainingJob, of_a_secure_sum_nothing_but_the_sum_crosses_the_wire) {
    auto settings = masked_settings();
    settings.quorum = 0;
    PlainWords seen;
    Crew crew(4, settings);
    seen.watch(crew.network());
    crew.all_start();
    ASSERT_TRUE(crew.finish({0, 1, 2, 3}));
    EXPECT_GE(seen.payloads, 3 * std::size_t{settings.rounds});
    seen.expect_random();
    EXPECT_EQ(crew.job(1).progress().left_out, 0u);
}

TEST(TrainingJob, a_secure_sum_outlives_a_worker_and_takes_it_back) {
    auto settings = masked_settings();
    settings.rounds = 7;
    Crew crew(4, settings);
    crew.all_start();
    while (crew.job(0).progress().round < 2) std::this_thread::sleep_for(5ms);
    crew.stop(1);
    while (crew.job(0).progress().round < 4) std::this_thread::sleep_for(5ms);
    crew.start(1);
    ASSERT_TRUE(crew.finish({0, 1, 2, 3}));
}

TEST(TrainingJob, secure_sums_go_on_from_the_disks_when_all_were_stopped) {
    auto settings = masked_settings();
    settings.quorum = 0;  // so that nobody's part may be lost
    Crew crew(3, settings);
    crew.all_start();
    while (crew.job(0).progress().round < 2) std::this_thread::sleep_for(1ms);
    for (std::uint32_t i = 0; i < 3; ++i) crew.stop(i);
    crew.all_start();
    ASSERT_TRUE(crew.finish({0, 1, 2}));
}

TEST(TrainingJob, a_worker_that_nobody_can_call_has_its_part_in_a_secure_sum) {
    auto settings = masked_settings();
    settings.quorum = 0;
    settings.rounds = 2;
    Crew crew(3, settings);
    crew.cannot_be_called(1);
    crew.all_start();
    ASSERT_TRUE(crew.finish({0, 1, 2}));
    EXPECT_EQ(crew.job(1).progress().left_out, 0u);
}

TEST(TrainingJob, delayed_rounds_in_pieces_have_secure_sums_too) {
    auto settings = masked_settings();
    settings.quorum = 0;
    settings.schedule = train::Schedule::delay_keep;
    settings.fragments = 2;
    Crew crew(3, settings);
    crew.all_start();
    ASSERT_TRUE(crew.finish({0, 1, 2}));
    EXPECT_EQ(crew.job(0).progress().left_out, 0u);
}

TEST(TrainingJob, what_is_not_measured_has_no_weights) {
    auto settings = small_settings();
    settings.rounds = 1;
    Crew crew(2, settings);
    crew.all_start();
    ASSERT_TRUE(crew.finish({0, 1}));
    EXPECT_EQ(crew.weights(0), std::vector<std::vector<std::uint32_t>>(1));
}

TEST(RunStore, keeps_a_rounds_secret_as_long_as_the_round) {
    MemoryDisk disk;
    train::RunId run;
    run.bytes.fill(9);
    SeededRandom random(1);
    const auto secret = RunStore::open(disk, run).value()->sum_secret(6, random).value();
    auto store = RunStore::open(disk, run).value();
    EXPECT_EQ(store->sum_secret(6, random).value(), secret);
    EXPECT_NE(store->sum_secret(7, random).value(), secret);
    ASSERT_TRUE(store->forget(7, {}).ok());
    EXPECT_NE(store->sum_secret(6, random).value(), secret);
}

TEST(RunStore, keeps_what_was_said_and_drops_what_a_crash_cut_off) {
    MemoryDisk disk;
    train::RunId run;
    run.bytes.fill(9);
    const std::vector<Bytes> messages{Bytes(70, 1), Bytes(90, 2)};
    WorkDone work{7, {}, {}, 100, 200, 1.5, {60, 40}};
    Digest kept, old;
    {
        auto store = RunStore::open(disk, run).value();
        ASSERT_TRUE(store->keep_plan(as_bytes("plan")).ok());
        old = store->put(1, Bytes(300'000, 4)).value();
        const auto dropped = store->put(7, Bytes(10, 6)).value();
        ASSERT_TRUE(store->drop(dropped).ok());
        EXPECT_TRUE(store->drop(dropped).ok());
        EXPECT_FALSE(store->has(dropped));
        kept = store->put(7, Bytes(600'000, 5)).value();
        ASSERT_TRUE(store->keep_work(work).ok());
        ASSERT_TRUE(store->say(messages).ok());
        ASSERT_TRUE(store->forget(5, std::span(messages).first(1)).ok());
        ASSERT_TRUE(store->say(std::span(messages).last(1)).ok());
        auto file = disk.open("runs/" + run.hex() + "/said").value();
        ASSERT_TRUE(file->append(Bytes{90, 0, 0, 0, 1, 2, 3}).ok());
    }
    EXPECT_EQ(RunStore::unfinished(disk).value(), std::vector<train::RunId>{run});
    auto store = RunStore::open(disk, run).value();
    EXPECT_EQ(store->said(), messages);
    EXPECT_EQ(store->work().value(), work);
    EXPECT_FALSE(store->has(old));
    ASSERT_TRUE(store->has(kept));
    EXPECT_EQ(store->chunk(kept, 2).value(), Bytes(600'000 - 2 * train::kChunkBytes, 5));
    EXPECT_EQ(store->chunk(kept, 3).error().kind, ErrorKind::not_found);
    EXPECT_EQ(store->list(old).error().kind, ErrorKind::not_found);
    ASSERT_TRUE(store->finish().ok());
    EXPECT_TRUE(RunStore::unfinished(disk).value().empty());
}

// Its loop does not run: what others send waits for it, and is no more than a trainer can hold.
TEST(RunMember, holds_only_so_much_of_what_others_send) {
    MemoryDisk disk;
    FastClock clock;
    Calls network;
    SeededRandom random(1);
    const auto key = crypto::AccountKey::generate(random);
    const auto store = RunStore::open(disk, {}).value();
    RunMember member({.run = {}, .trainers = {key.address()}, .endpoints = {"here"}},
                     {clock, random, network, *store, key, {}}, 0);
    v1::GiveRequest give;
    give.set_blob(std::string(Digest::kSize, 1));
    std::size_t taken = 0;
    while (taken < 10'000 && member.give(give).ok()) ++taken;
    EXPECT_GT(taken, 100u);
    EXPECT_LT(taken, 10'000u);
    EXPECT_EQ(member.give(give).error().kind, ErrorKind::resource_exhausted);
    EXPECT_EQ(member.exchange({}).error().kind, ErrorKind::resource_exhausted);
    std::thread loop([&] { member.loop(); });
    while (!member.give(give).ok()) std::this_thread::sleep_for(1ms);
    member.cancel();
    loop.join();
}

}  // namespace
}  // namespace mutirao::node
