// Hot shards of a whole network: what an owner stored is read through the gateway's hot tier, from
// memory the second time, and nobody else reads it.
#include <gtest/gtest.h>

#include "mutirao/v1/hot.pb.h"
#include "node/licensed_object.hpp"
#include "sim/test_person.hpp"

namespace mutirao::sim {
namespace {

using node::wire::to_field;

Result<v1::HotOpenReply> open_hot(Person& reader, const Digest& content) {
    TRY(auto hello, reader.ask<v1::HotHelloReply>("/mutirao.v1.Hot/Hello", v1::HotHelloRequest{}));
    TRY(const auto request, reader.key_request(content, hello.box_key()));
    v1::HotOpenRequest open;
    open.set_key_request(to_field(request.encode()));
    return reader.ask<v1::HotOpenReply>("/mutirao.v1.Hot/Open", open);
}

TEST(Hot, owners_read_their_objects_from_memory_and_strangers_do_not) {
    SeededRandom random(98);
    const auto world = World::make(7, 4, founder_key().address()).value();
    Person owner(*world, founder_key()), stranger(*world, crypto::AccountKey::generate(random));
    for (const std::size_t size : {1000u, 300'000u, 1'500'000u}) {  // packed, and blocks of its own
        const auto bytes = random_bytes(size, random);
        const auto content = owner.put(bytes).value();
        EXPECT_EQ(open_hot(stranger, content).error().kind, ErrorKind::permission_denied);
        const auto opened = open_hot(owner, content).value();
        for (const bool again : {false, true}) {
            v1::HotReadRequest request;
            request.set_read(opened.read());
            request.set_offset(17);
            request.set_size(size - 17);
            const auto calls = world->network().calls();
            const auto reply = owner.ask<v1::HotReadReply>("/mutirao.v1.Hot/Read", request).value();
            EXPECT_TRUE(std::ranges::equal(as_bytes(reply.data()), ByteSpan(bytes).subspan(17)));
            // The second time no storage node is asked; the ledger may be, for the members.
            if (again) {
                EXPECT_LE(world->network().calls() - calls, 2u);
            }
        }
    }
    const auto stats =
        owner.ask<v1::HotStatsReply>("/mutirao.v1.Hot/Stats", v1::HotStatsRequest{}).value();
    EXPECT_EQ(stats.cold_loads(), 3u);
    EXPECT_EQ(stats.hits(), 3u);
    EXPECT_GT(stats.disk(), 1'800'000u);
}

// A reader with the parts that a trainer reads its data with.
struct Reader {
    Reader(World& world, const node::Identity& identity)
        : ledger(world.network(), "ledger"),
          directory(ledger, world.clock()),
          calls(world.network(), world.network(), executor, directory.find_endpoint()),
          keys(world.network(), world.random(), executor, directory.find_endpoint()),
          health(world.clock()),
          retriever(calls, health, world.clock()),
          objects(directory, keys, retriever, world.clock()),
          members(node::hot_members_of(directory)),
          ports{world.clock(), world.network(), objects, members},
          identity(identity) {}
    Result<std::shared_ptr<node::RunObject>> open(const Digest& content) {
        return node::LicensedObject::open(ports, identity, content, {});
    }
    InlineExecutor executor;
    node::LedgerClient ledger;
    node::Directory directory;
    node::NetworkStorageCalls calls;
    node::KeyShares keys;
    publish::NodeHealth health;
    publish::Retriever retriever;
    node::ObjectAccess objects;
    node::HotMembers members;
    node::LicensedPorts ports;
    const node::Identity& identity;
};

v1::HotStatsReply hot_stats(Person& person) {
    return person.ask<v1::HotStatsReply>("/mutirao.v1.Hot/Stats", v1::HotStatsRequest{}).value();
}

TEST(Hot, a_run_reads_stretches_from_memory_where_they_are_hot_and_brings_nothing_there) {
    SeededRandom random(98);
    const auto identity = node::Identity::derive(random.fixed<Digest>()).value();
    const auto world = World::make(8, 4, identity.address()).value();
    Person owner(*world, identity.account);
    const auto bytes = random_bytes(1'500'000, random);
    const auto content = owner.put(bytes).value();
    Reader reader(*world, identity);
    const auto object = reader.open(content).value();
    ASSERT_EQ(object->size(), bytes.size());
    const auto reads = [&](std::uint64_t offset, std::uint64_t size) {
        const auto read = object->read(offset, size);
        if (!read.ok()) ADD_FAILURE() << read.error().message;
        return read.ok() && std::ranges::equal(*read, ByteSpan(bytes).subspan(offset, size));
    };
    EXPECT_TRUE(reads(700'001, 65'000));
    EXPECT_TRUE(reads(0, bytes.size()));
    EXPECT_EQ(hot_stats(owner).cold_loads(), 0u);

    v1::HotReadRequest request;
    request.set_read(open_hot(owner, content).value().read());
    request.set_size(1);
    ASSERT_TRUE(owner.ask<v1::HotReadReply>("/mutirao.v1.Hot/Read", request).ok());
    EXPECT_TRUE(reads(5, 100));  // not asked for again yet
    EXPECT_EQ(hot_stats(owner).hits(), 0u);
    world->clock().sleep(std::chrono::seconds(61));
    EXPECT_TRUE(reads(700'001, 65'000));
    EXPECT_EQ(hot_stats(owner).hits(), 1u);
    EXPECT_EQ(hot_stats(owner).cold_loads(), 1u);
    EXPECT_EQ(object->read(bytes.size() - 1, 2).error().kind, ErrorKind::invalid_argument);

    const auto stranger = node::Identity::derive(random.fixed<Digest>()).value();
    Reader other(*world, stranger);
    EXPECT_EQ(other.open(content).error().kind, ErrorKind::permission_denied);
}

}  // namespace
}  // namespace mutirao::sim
