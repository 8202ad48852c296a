// For tests: storage nodes in memory that really check and sign, and misbehave on demand.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "base/random.hpp"
#include "block/certificate.hpp"
#include "publish/object.hpp"

namespace mutirao::publish {

inline constexpr std::uint64_t kTestChain = 8021;

class InlineExecutor final : public Executor {
  public:
    void post(std::function<void()> task) override { task(); }
};

// Each look at it takes five milliseconds, so that whoever waits for time to pass need not.
class TestClock final : public Clock {
  public:
    Duration monotonic() override { return Duration(now_ += kStep); }
    std::uint64_t unix_ms() override { return 0; }
    void sleep(Duration duration) override { now_ += duration.count(); }

  private:
    static constexpr Duration::rep kStep = 5'000'000;
    std::atomic<Duration::rep> now_ = 0;
};

struct TestNode {
    explicit TestNode(crypto::BlsSecretKey secret) : key(std::move(secret)) {}
    crypto::BlsSecretKey key;
    std::map<BlockId, Bytes> statements;
    std::map<std::pair<BlockId, std::uint32_t>, std::vector<Bytes>> slots;
    bool dead = false;
    bool silent = false;              // answers only when released
    bool lies = false;                // flips a bit of every row that it serves
    bool forges = false;              // signs something else
    int failures = 0;                 // so many puts fail before it works
    int busy = 0;                     // so many calls for rows fail before it works
    std::set<std::uint32_t> damaged;  // a call for rows of these slots fails
    std::function<void()> on_rows;    // told of each call for rows, before its answer
    std::uint32_t puts = 0;
    std::uint64_t rows_served = 0;
};

class TestNodes final : public StorageCalls {
  public:
    explicit TestNodes(std::uint32_t count) {
        SeededRandom random(7);
        std::set<Address> addresses;
        while (addresses.size() < count) addresses.insert(random.fixed<Address>());
        placement::Membership membership{3, {}};
        for (const auto& address : addresses) {
            membership.members.push_back({address, 1, ""});
            const auto seed = random.fixed<Digest>();
            auto key = crypto::BlsSecretKey::generate(seed.span()).value();
            committee.keys.push_back(
                crypto::BlsVerifiedKey::possession_shown(key.public_key()).value());
            nodes.emplace(address, TestNode(std::move(key)));
        }
        committee.placement = std::make_shared<const placement::Placement>(
            placement::Placement::make(std::move(membership)).value());
    }
    ~TestNodes() override { release(); }

    void put(const Address& address, SharePart part, Stored done) override {
        const std::lock_guard lock(mutex);
        auto& node = nodes.at(address);
        ++node.puts;
        if (node.silent) {
            held.push_back([done = std::move(done)] {
                done(Error{ErrorKind::timeout, "no answer"});
            });
            return;
        }
        done(stored(node, part));
    }
    void statement(const Address& address, const BlockId& id, Stated done) override {
        const std::lock_guard lock(mutex);
        auto& node = nodes.at(address);
        if (node.silent) {
            held.push_back([done = std::move(done)] {
                done(Error{ErrorKind::timeout, "no answer"});
            });
            return;
        }
        if (node.dead) return done(Error{ErrorKind::unavailable, "connection refused"});
        if (!node.statements.contains(id))
            return done(Error{ErrorKind::not_found, "no such block"});
        done(node.statements.at(id));
    }
    void rows(const Address& address, const BlockId& id, std::vector<std::uint32_t> indexes,
              Served done) override {
        const std::lock_guard lock(mutex);
        auto& node = nodes.at(address);
        if (node.silent) {
            held.push_back([done = std::move(done)] {
                done(Error{ErrorKind::timeout, "no answer"});
            });
            return;
        }
        if (node.on_rows) node.on_rows();
        done(served(node, id, indexes));
    }

    // All calls that silent nodes hold fail now.
    void release() {
        std::vector<std::function<void()>> all;
        {
            const std::lock_guard lock(mutex);
            all.swap(held);
        }
        for (auto& call : all) call();
    }
    // Kills the first `count` nodes.
    void kill(std::uint32_t count) {
        for (auto& [address, node] : nodes)
            if (count-- > 0)
                node.dead = true;
            else
                break;
    }
    TestNode& node(std::uint32_t member) { return nodes.at(committee.node(member)); }

    std::recursive_mutex mutex;  // guards the nodes while calls run on several threads
    std::map<Address, TestNode> nodes;
    std::vector<std::function<void()>> held;
    Committee committee;

  private:
    static Result<std::optional<crypto::BlsSignature>> stored(TestNode& node,
                                                              const SharePart& part) {
        if (node.dead) return Error{ErrorKind::unavailable, "connection refused"};
        if (node.failures > 0 && node.failures-- > 0)
            return Error{ErrorKind::unavailable, "connection reset"};
        if (!part.statement.empty()) node.statements[part.id] = to_bytes(part.statement);
        if (!node.statements.contains(part.id)) return Error{ErrorKind::not_found, "not open"};
        TRY(auto statement, block::Statement::decode(node.statements.at(part.id)));
        TRY(auto check, block::StatementCheck::open(part.id, statement));
        TRY_VOID(check.check_share(part.slots));
        for (const auto& slot : part.slots) {
            auto& rows = node.slots[{part.id, slot.slot}];
            rows.clear();
            for (const auto row : slot.rows) rows.push_back(to_bytes(row));
        }
        if (!part.sign) return std::optional<crypto::BlsSignature>{};
        if (node.forges) return std::optional(node.key.sign(as_bytes("something else")));
        return std::optional(node.key.sign(block::availability_message(
            kTestChain, block::certificate_for(statement, part.epoch))));
    }

    static Result<ServedRows> served(TestNode& node, const BlockId& id,
                                     const std::vector<std::uint32_t>& indexes) {
        if (node.dead) return Error{ErrorKind::unavailable, "connection refused"};
        if (node.busy > 0 && node.busy-- > 0) return Error{ErrorKind::timeout, "no answer"};
        if (!node.statements.contains(id)) return Error{ErrorKind::not_found, "no such block"};
        for (const auto index : indexes)
            if (node.damaged.contains(index % block::kSlotCount))
                return Error{ErrorKind::corrupt, "a slot is damaged on this node's disk"};
        auto bytes = std::make_shared<std::vector<Bytes>>();
        bytes->reserve(indexes.size());
        ServedRows out{{}, bytes};
        for (const auto index : indexes) {
            const auto slot = index % block::kSlotCount;
            if (!node.slots.contains({id, slot})) continue;
            const auto& rows = node.slots.at({id, slot});
            block::ServedMessage::Slot served{slot, {}, {}};
            for (const auto& row : rows) served.digests.push_back(block::row_digest(row));
            bytes->push_back(rows[index / block::kSlotCount]);
            if (node.lies) bytes->back()[5] ^= 4;
            served.rows.push_back({index, bytes->back()});
            out.slots.push_back(std::move(served));
            ++node.rows_served;
        }
        return out;
    }
};

// A gateway's publishing over such nodes.
struct TestNetwork {
    explicit TestNetwork(std::uint32_t count, Executor* with = nullptr)
        : nodes(count), executor(with != nullptr ? *with : inline_executor) {}

    ObjectWriter writer(Strength strength = Strength::available) {
        return ObjectWriter(publishing(), packer, key, strength);
    }
    Publishing publishing() {
        return {disperser, memory, executor, [this] { return Result<Committee>(nodes.committee); }};
    }
    Result<Manifest> write(ByteSpan bytes) {
        auto object = writer();
        TRY_VOID(object.append(bytes));
        return object.finish();
    }
    Result<Bytes> read(const Manifest& manifest) {
        Bytes out;
        for (std::uint32_t i = 0; i < manifest.blocks.size(); ++i) {
            TRY(auto got, read_block(retriever, nodes.committee, manifest, i, key));
            out.insert(out.end(), got.plain.begin(), got.plain.end());
            parity_rows += got.read.parity_rows_used;
        }
        return out;
    }

    TestNodes nodes;
    InlineExecutor inline_executor;
    Executor& executor;
    TestClock clock;
    NodeHealth health{clock};
    BlockMemory memory;
    Disperser disperser{nodes, health, clock, {.chain_id = kTestChain, .grace_max = Duration{0}}};
    Packer packer{publishing(), {.linger = Duration{0}}};
    Retriever retriever{nodes, health, clock};
    crypto::Key key = SeededRandom(9).fixed<crypto::Key>();
    std::uint32_t parity_rows = 0;
};

inline Bytes random_bytes(std::size_t size, std::uint64_t seed) {
    Bytes out(size);
    SeededRandom(seed).fill(out);
    return out;
}

}  // namespace mutirao::publish
