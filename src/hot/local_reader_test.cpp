// Local readers against a door, in one process and across real ones.
#include "hot/local_reader.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "hot/local_door.hpp"
#include "hot/test_objects.hpp"
#include "os/clock.hpp"
#include "os/local_socket.hpp"
#include "os/shared_memory.hpp"
#include "os/test_folder.hpp"

namespace mutirao::hot {
namespace {

constexpr std::uint64_t kPage = 4096;

// Everything a node has, behind a real socket.
struct ServingNode {
    explicit ServingNode(const std::string& path, std::uint64_t memory_max = 16 * kPage,
                         DoorLimits limits = {})
        : store(memory, nullptr, executor, {.memory_max = memory_max}),
          opener(object),
          reads(opener, store, clock, random),
          door(reads, LocalHello{{{7}}}, limits),
          path(path),
          server(os::LocalServer::start(path, door).value()) {}
    std::unique_ptr<LocalReader> reader() {
        return LocalReader::greet(os::connect_local(path).value(), clock).value();
    }
    TestClock clock;
    SeededRandom random{1};
    os::MemfdMemory memory;
    HeldExecutor executor;
    std::shared_ptr<TestObject> object = std::make_shared<TestObject>(6, kPage - 1);
    ShardStore store;
    TestOpener opener;
    ReadTable reads;
    LocalDoor door;
    const std::string path;
    std::unique_ptr<os::LocalServer> server;
};

TEST(LocalReader, maps_shards_in_place_after_showing_a_licence) {
    os::TestFolder folder;
    ServingNode node(folder.file("hot.sock"));
    const auto reader = node.reader();
    EXPECT_EQ(reader->box_key().bytes[0], 7);
    EXPECT_EQ(reader->open(as_bytes("a guess")).error().kind, ErrorKind::permission_denied);
    EXPECT_EQ(reader->open(Bytes(5000)).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(node.object->cold_reads, 0);  // nothing was decrypted before the licence
    const auto object = reader->open(as_bytes("licence")).value();
    EXPECT_EQ(object->shards(), 6u);
    EXPECT_EQ(object->size(), 6 * (kPage - 1) + 1);
    EXPECT_EQ(object->shard_size(), kPage - 1);
    for (std::uint32_t i = 0; i < 6; ++i)
        EXPECT_EQ(to_bytes(object->map(i).value().bytes()), node.object->plain[i]);
    EXPECT_EQ(object->map(0)->bytes().data(), object->map(0)->bytes().data());
    EXPECT_EQ(object->map(6).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(node.object->cold_reads, 6);
}

TEST(MappedShard, copies_any_part_of_itself) {
    SeededRandom random(5);
    Bytes all(100'001);
    random.fill(all);
    HeapMemory memory;
    const MappedShard shard(memory
                                .make(all.size(),
                                      [&](MutableByteSpan out) -> Status {
                                          std::copy(all.begin(), all.end(), out.begin());
                                          return {};
                                      })
                                .value());
    for (const std::size_t size : {0, 1, 255, 4096, 8191, 8192, 8193, 32768, 70'003, 100'001}) {
        const auto offset = random.below(all.size() - size + 1);
        Bytes out(size);
        ASSERT_TRUE(shard.copy(offset, out).ok());
        ASSERT_TRUE(std::equal(out.begin(), out.end(), all.begin() + static_cast<long>(offset)));
    }
    Bytes out(2);
    EXPECT_EQ(shard.copy(100'000, out).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(shard.copy(~std::size_t{0}, out).error().kind, ErrorKind::invalid_argument);
}

TEST(LocalReader, a_connection_maps_only_what_it_opened_itself) {
    os::TestFolder folder;
    ServingNode node(folder.file("hot.sock"));
    const auto reader = node.reader();
    const auto object = reader->open(as_bytes("licence")).value();
    const auto stranger = os::connect_local(node.path).value();
    const auto answer =
        stranger->call(LocalRequest{LocalVerb::map, 1, 0, {}}.encode(), std::chrono::seconds(10));
    EXPECT_EQ(decode_answer(answer->bytes).error().kind, ErrorKind::not_found);
    EXPECT_EQ(answer->memory, nullptr);
    EXPECT_FALSE(stranger->call(as_bytes("garbage"), std::chrono::seconds(10)).ok());
    EXPECT_TRUE(object->map(0).ok());  // others go on
}

TEST(LocalReader, what_readers_map_counts_and_is_bounded_and_comes_back) {
    os::TestFolder folder;
    ServingNode node(folder.file("hot.sock"), 16 * kPage, {.leased_max = 3 * kPage});
    const auto reader = node.reader(), other = node.reader();
    const auto object = reader->open(as_bytes("licence")).value();
    std::vector<MappedShard> used;
    for (std::uint32_t i = 0; i < 3; ++i) used.push_back(object->map(i).value());
    EXPECT_EQ(node.door.leased(), 3 * (kPage - 1));
    EXPECT_EQ(object->map(3).error().kind, ErrorKind::resource_exhausted);
    auto theirs = other->open(as_bytes("licence")).value();
    EXPECT_EQ(theirs->map(0).error().kind, ErrorKind::resource_exhausted);
    used.pop_back();  // shard 2 is now mapped, but not used: it makes room
    EXPECT_TRUE(object->map(3).ok());
    EXPECT_EQ(node.door.leased(), 3 * (kPage - 1));
    EXPECT_EQ(to_bytes(used[0].bytes()), node.object->plain[0]);
    object->release(3);
    EXPECT_EQ(node.door.leased(), 2 * (kPage - 1));
}

TEST(LocalReader, a_reader_that_goes_gives_everything_back) {
    os::TestFolder folder;
    ServingNode node(folder.file("hot.sock"));
    {
        const auto reader = node.reader();
        const auto object = reader->open(as_bytes("licence")).value();
        for (std::uint32_t i = 0; i < 4; ++i) ASSERT_TRUE(object->map(i).ok());
        EXPECT_GT(node.door.leased(), 0u);
    }
    EXPECT_EQ(node.door.leased(), 0u);  // the object said so before it went
    {
        const auto line = os::connect_local(node.path).value();  // this one says nothing
        ASSERT_TRUE(
            line->call(LocalRequest{LocalVerb::open, 0, 0, to_bytes(as_bytes("licence"))}.encode(),
                       std::chrono::seconds(10))
                .ok());
        ASSERT_TRUE(
            line->call(LocalRequest{LocalVerb::map, 1, 0, {}}.encode(), std::chrono::seconds(10))
                .ok());
        EXPECT_GT(node.door.leased(), 0u);
    }
    while (node.server->clients() > 0) std::this_thread::yield();
    EXPECT_EQ(node.door.leased(), 0u);
}

TEST(LocalReader, an_evicted_shard_goes_on_being_read) {
    os::TestFolder folder;
    ServingNode node(folder.file("hot.sock"));
    const auto reader = node.reader();
    const auto object = reader->open(as_bytes("licence")).value();
    const auto mapped = object->map(0).value();
    node.store.drop(node.object->name(0));
    EXPECT_EQ(to_bytes(mapped.bytes()), node.object->plain[0]);
    EXPECT_TRUE(object->map(0).ok());
    EXPECT_EQ(node.store.stats().memory, kPage);  // known as long as it is mapped
}

TEST(LocalReader, after_fifteen_minutes_the_licence_is_asked_for_again) {
    os::TestFolder folder;
    ServingNode node(folder.file("hot.sock"));
    const auto reader = node.reader();
    const auto object = reader->open(as_bytes("licence")).value();
    const auto mapped = object->map(0).value();
    node.clock.sleep(kReadLife);
    EXPECT_EQ(object->map(0).error().kind, ErrorKind::permission_denied);
    EXPECT_EQ(object->map(1).error().kind, ErrorKind::permission_denied);
    EXPECT_EQ(to_bytes(mapped.bytes()), node.object->plain[0]);  // what was seen was seen
    EXPECT_TRUE(reader->open(as_bytes("licence")).value()->map(1).ok());
}

// The node decides, not its reader's clock.
TEST(LocalReader, the_node_ends_reads_too) {
    os::TestFolder folder;
    ServingNode node(folder.file("hot.sock"));
    os::SystemClock readers_clock;
    const auto reader =
        LocalReader::greet(os::connect_local(node.path).value(), readers_clock).value();
    const auto object = reader->open(as_bytes("licence")).value();
    node.clock.sleep(kReadLife);
    EXPECT_EQ(object->map(0).error().kind, ErrorKind::not_found);
}

TEST(LocalReader, threads_read_while_shards_are_evicted_and_mapped_again) {
    os::TestFolder folder;
    ServingNode node(folder.file("hot.sock"), 16 * kPage);
    const auto reader = node.reader();
    const auto object = reader->open(as_bytes("licence")).value();
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            SeededRandom random(t);
            for (int i = 0; i < 300; ++i) {
                const auto index = static_cast<std::uint32_t>(random.below(6));
                const auto mapped = object->map(index);
                ASSERT_TRUE(mapped.ok());
                EXPECT_TRUE(std::ranges::equal(mapped->bytes(), node.object->plain[index]));
                if (i % 5 == 0) node.store.drop(node.object->name(index));
                if (i % 7 == 0) object->release(index);
            }
        });
    for (auto& thread : threads) thread.join();
}

TEST(LocalReader, goes_on_reading_what_it_mapped_when_the_node_is_killed) {
    os::TestFolder folder;
    const auto path = folder.file("hot.sock");
    std::array<int, 2> ready{};
    ASSERT_EQ(::pipe(ready.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ServingNode node(path);
        static_cast<void>(!::write(ready[1], "r", 1));
        for (;;) ::pause();
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    os::SystemClock clock;
    const auto reader = LocalReader::greet(os::connect_local(path).value(), clock).value();
    const auto object = reader->open(as_bytes("licence")).value();
    const auto expected = TestObject(6, kPage - 1).plain;  // the same seed as the child's
    const auto held = object->map(1).value();
    std::atomic<bool> stop = false;
    std::atomic<int> rounds = 0;
    std::thread reading([&] {
        while (!stop) {
            EXPECT_TRUE(std::ranges::equal(object->map(1).value().bytes(), expected[1]));
            ++rounds;
        }
    });
    while (rounds < 100) std::this_thread::yield();
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    const int before = rounds;
    while (rounds < before + 100) std::this_thread::yield();
    stop = true;
    reading.join();
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_TRUE(std::ranges::equal(held.bytes(), expected[1]));
    EXPECT_EQ(object->map(2).error().kind, ErrorKind::unavailable);
    ServingNode next(path);  // another node takes its place, at the same socket
    const auto again = next.reader()->open(as_bytes("licence")).value();
    EXPECT_TRUE(std::ranges::equal(again->map(2).value().bytes(), expected[2]));
    ::close(ready[0]);
    ::close(ready[1]);
}

}  // namespace
}  // namespace mutirao::hot
