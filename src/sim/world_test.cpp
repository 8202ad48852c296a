// The real nodes in a simulated world: what is certified is never lost within the faults that the
// network claims to survive, what failed is never reported as stored, and a seed replays exactly.
#include <gtest/gtest.h>

#include "mutirao/v1/publish.pb.h"
#include "mutirao/v1/storage.pb.h"
#include "node/ledger_client.hpp"
#include "node/wire/fields.hpp"
#include "publish/owner_request.hpp"
#include "rights/key_request.hpp"
#include "sim/test_person.hpp"

namespace mutirao::sim {
namespace {

using node::wire::to_field;

// Stores, breaks and reads for one seed; returns the ledger's state hash at the end.
Digest run_history(std::uint64_t seed) {
    const auto key = founder_key();
    auto made = World::make(seed, 8, key.address());
    EXPECT_TRUE(made.ok()) << made.error().message;
    auto& world = **made;
    Person person(world, key);
    std::map<Digest, Bytes> stored;
    for (int step = 0; step < 3; ++step) {
        // Any two of eight nodes may be down at a time: within what the certificate survives.
        const auto first = "storage-" + std::to_string(1 + world.random().below(8));
        const auto second = "storage-" + std::to_string(1 + world.random().below(8));
        world.network().set_down(first, true);
        world.network().set_down(second, true);
        const auto bytes = random_bytes(world.random().below(20'000), world.random());
        auto content = person.put(bytes);
        EXPECT_TRUE(content.ok()) << "seed " << seed << ": " << content.error().message;
        if (content.ok()) stored[*content] = bytes;
        world.network().set_down(first, false);
        world.network().set_down(second, false);
        EXPECT_TRUE(world.restart(first).ok());
        world.network().set_down(second, true);
        for (const auto& [id, expected] : stored) {
            auto back = person.get(id);
            EXPECT_TRUE(back.ok()) << "seed " << seed << ": " << back.error().message;
            EXPECT_TRUE(back.ok() && *back == expected) << "seed " << seed;
        }
        world.network().set_down(second, false);
        world.clock().sleep(std::chrono::seconds(1));
    }
    return world.state_hash().value();
}

TEST(World, what_is_certified_survives_faults_within_the_tolerance) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) run_history(seed);
}

TEST(World, the_same_seed_is_the_same_run) {
    EXPECT_EQ(run_history(7), run_history(7));
    EXPECT_NE(run_history(7), run_history(8));
}

TEST(World, beyond_the_tolerance_nothing_is_reported_as_stored) {
    const auto key = founder_key();
    auto world = World::make(3, 8, key.address()).value();
    Person person(*world, key);
    SeededRandom random(1);
    const auto bytes = random_bytes(5000, random);
    const auto content = person.put(bytes).value();
    for (const auto* name : {"storage-1", "storage-2", "storage-3", "storage-4"})
        world->network().set_down(name, true);
    const auto refused = person.put(bytes);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
    for (const auto* name : {"storage-1", "storage-2", "storage-3", "storage-4"})
        world->network().set_down(name, false);
    EXPECT_EQ(person.get(content).value(), bytes);
}

TEST(World, a_full_disk_refuses_and_the_others_still_certify) {
    const auto key = founder_key();
    auto world = World::make(5, 8, key.address()).value();
    Person person(*world, key);
    world->disk("storage-4").set_capacity(1000);
    SeededRandom random(2);
    const auto bytes = random_bytes(9000, random);
    const auto content = person.put(bytes);
    ASSERT_TRUE(content.ok()) << content.error().message;
    EXPECT_EQ(person.get(*content).value(), bytes);
}

TEST(World, what_nobody_certifies_is_forgotten_after_two_hours_and_the_rest_is_not) {
    const auto key = founder_key();
    auto world = World::make(9, 8, key.address()).value();
    Person person(*world, key);
    SeededRandom random(2);
    const auto bytes = random_bytes(300'000, random);
    const auto paid = person.put(bytes).value();
    ASSERT_TRUE(person.put(random_bytes(300'000, random), false).ok());
    const auto blocks = [&] {
        const auto usage = node::wire::call<v1::UsageReply>(
            world->network(), "storage-1", "/mutirao.v1.Storage/Usage", v1::UsageRequest{},
            std::chrono::seconds(1));
        return usage.ok() ? usage->blocks() : 99;
    };
    EXPECT_EQ(blocks(), 2u);
    for (int minute = 0; minute < 112; minute += 7) {
        ASSERT_TRUE(world->tend("storage-1").ok());
        world->clock().sleep(std::chrono::minutes(7));
    }
    EXPECT_EQ(blocks(), 2u);
    for (int i = 0; i < 3; ++i) {
        world->clock().sleep(std::chrono::minutes(7));
        ASSERT_TRUE(world->tend("storage-1").ok());
    }
    EXPECT_EQ(blocks(), 1u);
    EXPECT_EQ(person.get(paid).value(), bytes);
}

// Whoever can reach a node can send it anything: each method answers with an error, or ignores it,
// and what was stored is still there.
TEST(World, garbage_to_every_method_harms_nobody) {
    const auto key = founder_key();
    auto world = World::make(6, 8, key.address()).value();
    Person person(*world, key);
    SeededRandom random(3);
    const auto bytes = random_bytes(4000, random);
    const auto content = person.put(bytes).value();
    const std::map<std::string, std::vector<std::string>> methods{
        {"ledger",
         {"Ledger/Submit", "Ledger/Receipt", "Ledger/Read", "Ledger/Scan", "Ledger/Status",
          "Ledger/Blocks"}},
        {"storage-1",
         {"Storage/OpenBlock", "Storage/PutSlot", "Storage/Sign", "Storage/Statement",
          "Storage/Rows", "Storage/Drop", "Storage/Usage", "Storage/Audit", "Keeper/Keep",
          "Keeper/Manifest", "Keeper/Release", "Keeper/Forget"}},
        {"gateway",
         {"Publish/Hello", "Publish/OpenUpload", "Publish/Append", "Publish/Finish", "Publish/Name",
          "Publish/List", "Publish/Remove", "Publish/OpenRead", "Publish/ReadBlock"}}};
    for (const auto& [peer, names] : methods)
        for (const auto& name : names)
            for (int i = 0; i < 40; ++i) {
                auto garbage = random_bytes(random.below(300), random);
                // Half of them are a bytes field of a plausible size: past the protobuf parser.
                if (i % 2 == 0) {
                    garbage.resize(34);
                    garbage[0] = 0x0a;
                    garbage[1] = 32;
                }
                (void)world->network().call(peer, "/mutirao.v1." + name, garbage,
                                            std::chrono::seconds(1));
            }
    EXPECT_EQ(world->network().call("gateway", "/mutirao.v1.No/Such", {}, Duration(0)).error().kind,
              ErrorKind::unimplemented);
    EXPECT_EQ(person.get(content).value(), bytes);
}

}  // namespace
}  // namespace mutirao::sim
