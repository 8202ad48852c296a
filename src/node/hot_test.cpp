// The hot tier across nodes: whoever goes, whatever is evicted, no read fails and all bytes are
// right.
#include <gtest/gtest.h>
#include <set>
#include <shared_mutex>
#include <thread>

#include "base/memory_disk.hpp"
#include "hot/test_objects.hpp"
#include "mutirao/v1/hot.pb.h"
#include "mutirao/v1/publish.pb.h"
#include "node/hot_client.hpp"
#include "node/hot_service.hpp"
#include "node/wire/fields.hpp"
#include "publish/object.hpp"

namespace mutirao::node {
namespace {

using wire::to_field;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint32_t kShards = 12;

// Shards whose names are those of a real manifest, in which all blocks but the last are full ones;
// what is read here is smaller, so that tests are quick.
class ManifestObject final : public hot::TestObject {
  public:
    ManifestObject() : TestObject(kShards, 3 * kPage) {
        for (std::uint32_t i = 0; i < kShards; ++i)
            manifest_.blocks.push_back(
                {block(i), i + 1 < kShards ? publish::kBlockPlainMax : size(i)});
    }
    Digest content() const override { return manifest_.content(); }
    Result<Bytes> manifest() const override { return manifest_.encode(); }

  private:
    publish::Manifest manifest_;
};

// Calls are function calls, to nodes that may come and go at any time.
class TestNetwork final : public Network {
  public:
    Result<Bytes> call(const std::string& peer, std::string_view method, ByteSpan request,
                       Duration) override {
        const std::shared_lock lock(mutex_);  // a node that goes finishes its calls
        ++calls[peer];
        const auto at = nodes_.find(peer);
        if (at == nodes_.end()) return Error{ErrorKind::unavailable, peer + " is not there"};
        return at->second(method, request);
    }
    void set(const std::string& name, Serve serve) {
        const std::unique_lock lock(mutex_);
        nodes_[name] = std::move(serve);
    }
    void remove(const std::string& name) {
        const std::unique_lock lock(mutex_);
        nodes_.erase(name);
    }
    std::map<std::string, std::atomic<int>> calls{};

  private:
    std::shared_mutex mutex_;  // guards nodes_
    std::map<std::string, Serve> nodes_;
};

class ThreadlessExecutor final : public Executor {
  public:
    void post(std::function<void()> task) override { task(); }
};

HotMember member_of(std::uint8_t number, bool gateway = false) {
    HotMember out;
    out.node.bytes[0] = number;
    out.endpoint = "node-" + std::to_string(number);
    out.gateway = gateway;
    return out;
}

// Nodes 1 .. n over one object; 9 is a gateway that has no hot tier, only Publish.
class Cluster {
  public:
    Cluster()
        : members([this]() -> Result<std::vector<HotMember>> {
              const std::lock_guard lock(mutex_);
              return members_;
          }) {
        for (std::uint8_t number = 1; number <= 9; ++number) network.calls[name(number)] = 0;
    }
    static std::string name(std::uint8_t number) { return "node-" + std::to_string(number); }

    struct NodeState {
        MemoryDisk disk;
        SeededRandom random{1};
        std::unique_ptr<HotService> service;
    };
    // A fresh node, which has forgotten every read. `listed`: members know of it.
    void start(std::uint8_t number, std::uint64_t memory_max = 8 * 4 * kPage) {
        auto state = std::make_shared<NodeState>();
        HotLimits limits;
        limits.store.memory_max = memory_max;
        limits.disk_max = 64 * kPage;
        const auto member = member_of(number);
        state->service = HotService::open({memory, state->disk, clock, state->random, executor,
                                           opener, members, member.node, member.box_key},
                                          limits)
                             .value();
        network.set(name(number), [state](auto method, auto request) {
            return state->service->serve(method, request);
        });
        list(member);
    }
    void stop(std::uint8_t number) { network.remove(name(number)); }
    void list(const HotMember& member) {
        const std::lock_guard lock(mutex_);
        unlist_locked(member.node);
        members_.push_back(member);
        std::ranges::sort(members_, {}, &HotMember::node);
    }
    void unlist(std::uint8_t number) {
        const std::lock_guard lock(mutex_);
        unlist_locked(member_of(number).node);
    }
    void start_gateway() {
        network.set(name(9), [this](auto method, ByteSpan request) -> Result<Bytes> {
            if (method == "/mutirao.v1.Publish/OpenRead") {
                v1::OpenReadReply out;
                out.set_read("cold");
                out.set_manifest(to_field(object->manifest().value()));
                return wire::serialize(out);
            }
            if (method != "/mutirao.v1.Publish/ReadRange")
                return Error{ErrorKind::unimplemented, "no hot tier"};
            v1::ReadRangeRequest in;
            TRY_VOID(wire::parse(request, in));
            v1::ReadRangeReply out;
            out.set_data(
                to_field(ByteSpan(object->plain[in.index()]).subspan(in.offset(), in.size())));
            return wire::serialize(out);
        });
        list(member_of(9, true));
    }
    HotClient client(const std::string& credential = "licence") {
        return HotClient(network, clock, members, object->content(),
                         [credential](const auto&) { return to_bytes(as_bytes(credential)); });
    }

    hot::TestClock clock;
    HeapMemory memory;
    ThreadlessExecutor executor;
    std::shared_ptr<ManifestObject> object = std::make_shared<ManifestObject>();
    hot::TestOpener opener{object};
    TestNetwork network;
    HotMembers members;

  private:
    void unlist_locked(const Address& node) {
        std::erase_if(members_, [&](const auto& known) { return known.node == node; });
    }
    std::mutex mutex_;  // guards members_
    std::vector<HotMember> members_;
};

bool right(Cluster& cluster, HotClient& client, std::uint32_t index, std::uint64_t offset,
           std::uint64_t size) {
    const auto data = client.read(index, offset, size);
    if (!data.ok()) ADD_FAILURE() << data.error().message;
    return data.ok() &&
           std::ranges::equal(*data, ByteSpan(cluster.object->plain[index]).subspan(offset, size));
}

TEST(Hot, shards_are_read_at_their_homes_and_each_is_loaded_once) {
    Cluster cluster;
    for (std::uint8_t number : {1, 2, 3}) cluster.start(number);
    auto client = cluster.client(), other = cluster.client();
    for (std::uint32_t i = 0; i < kShards; ++i) {
        EXPECT_TRUE(right(cluster, client, i, i, 1000));
        EXPECT_TRUE(right(cluster, other, i, 0, 3 * kPage));
    }
    // What was brought in advance may have come to a second node.
    EXPECT_LE(cluster.object->cold_reads, 2 * static_cast<int>(kShards));
    for (std::uint8_t number : {1, 2, 3})
        EXPECT_GT(cluster.network.calls[Cluster::name(number)], 2);
    EXPECT_EQ(client.read(kShards, 0, 1).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(client.read(0, 3 * kPage, 1).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(client.read(0, ~std::uint64_t{0}, 2).error().kind, ErrorKind::invalid_argument);
}

TEST(Hot, whoever_has_another_way_reads_what_is_in_memory_and_brings_nothing_there) {
    Cluster cluster;
    for (std::uint8_t number : {1, 2, 3}) cluster.start(number);
    auto client = cluster.client();
    const auto manifest = *cluster.client().manifest().value();
    EXPECT_EQ(client.read_if_held(manifest, 1, 0, 10).error().kind, ErrorKind::unavailable);
    EXPECT_EQ(client.read_if_held(manifest, 1, 0, 10).error().kind, ErrorKind::unavailable);
    ASSERT_TRUE(right(cluster, client, 1, 3, 20));
    const auto held = client.read_if_held(manifest, 1, 3, 20);
    ASSERT_TRUE(held.ok()) << held.error().message;
    EXPECT_TRUE(std::ranges::equal(*held, ByteSpan(cluster.object->plain[1]).subspan(3, 20)));
}

TEST(Hot, without_a_licence_nothing_is_read_or_decrypted) {
    Cluster cluster;
    cluster.start(1);
    auto client = cluster.client("a guess");
    EXPECT_EQ(client.read(0, 0, 1).error().kind, ErrorKind::permission_denied);
    v1::HotReadRequest request;
    request.set_read(std::string(16, 'x'));
    const auto guessed = wire::call<v1::HotReadReply>(
        cluster.network, "node-1", "/mutirao.v1.Hot/Read", request, std::chrono::seconds(1));
    EXPECT_EQ(guessed.error().kind, ErrorKind::not_found);
    EXPECT_EQ(cluster.object->cold_reads, 0);
}

TEST(Hot, a_node_that_is_not_the_home_answers_and_says_who_is) {
    Cluster cluster;
    for (std::uint8_t number : {1, 2, 3}) cluster.start(number);
    v1::HotOpenRequest open;
    open.set_key_request("licence");
    const auto opened = wire::call<v1::HotOpenReply>(
        cluster.network, "node-1", "/mutirao.v1.Hot/Open", open, std::chrono::seconds(1));
    ASSERT_TRUE(opened.ok());
    const auto ring = cluster.members.now().value();
    std::set<std::string> homes;
    for (std::uint32_t i = 0; i < kShards; ++i) {
        v1::HotReadRequest request;
        request.set_read(opened->read()), request.set_index(i), request.set_size(10);
        const auto reply = wire::call<v1::HotReadReply>(
            cluster.network, "node-1", "/mutirao.v1.Hot/Read", request, std::chrono::seconds(1));
        ASSERT_TRUE(reply.ok());
        const auto& home = ring->members[ring->ring.home(cluster.object->name(i))];
        EXPECT_EQ(reply->home(), home.endpoint == "node-1" ? "" : home.endpoint);
        homes.insert(reply->home());
    }
    EXPECT_EQ(homes.size(), 3u);
}

TEST(Hot, an_expired_read_is_opened_again) {
    Cluster cluster;
    cluster.start(1);
    auto client = cluster.client();
    ASSERT_TRUE(right(cluster, client, 0, 0, 10));
    cluster.clock.sleep(hot::kReadLife);
    EXPECT_TRUE(right(cluster, client, 0, 0, 10));
}

TEST(Hot, the_gateways_cold_read_is_the_last_resort) {
    Cluster cluster;
    cluster.start(1);
    cluster.start_gateway();
    auto client = cluster.client();
    ASSERT_TRUE(right(cluster, client, 0, 0, 10));
    cluster.stop(1);
    for (std::uint32_t i = 0; i < kShards; ++i) EXPECT_TRUE(right(cluster, client, i, 7, 100));
    cluster.stop(9);
    EXPECT_EQ(client.read(0, 0, 1).error().kind, ErrorKind::unavailable);
}

TEST(Hot, no_read_fails_while_nodes_come_and_go_and_memory_is_tiny) {
    Cluster cluster;
    for (std::uint8_t number : {1, 2, 3}) cluster.start(number, 2 * 4 * kPage);
    cluster.start_gateway();
    auto client = cluster.client();
    std::atomic<bool> stop = false;
    std::atomic<int> wrong = 0, reads = 0;
    std::vector<std::thread> readers;
    for (std::uint64_t t = 0; t < 4; ++t)
        readers.emplace_back([&, t] {
            SeededRandom random(t);
            while (!stop) {
                const auto index = static_cast<std::uint32_t>(random.below(kShards));
                const auto offset = random.below(2 * kPage);
                wrong += !right(cluster, client, index, offset, 1 + random.below(kPage));
                ++reads;
            }
        });
    SeededRandom random(77);
    for (int change = 0; change < 120; ++change) {
        const auto number = static_cast<std::uint8_t>(1 + random.below(5));
        if (random.below(2) == 0) {
            cluster.start(number, 2 * 4 * kPage);
        } else {
            cluster.stop(number);  // dies first, and is unlisted later, or never
            if (random.below(2) == 0) cluster.unlist(number);
        }
        cluster.clock.sleep(std::chrono::milliseconds(500));
        const int before = reads;
        while (reads < before + 20) std::this_thread::yield();
    }
    stop = true;
    for (auto& reader : readers) reader.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_GE(reads, 120 * 20);
}

}  // namespace
}  // namespace mutirao::node
