// Publishing against storage nodes in memory that really check and sign: what a disperser, a reader
// and a catalogue promise when nodes die, lie or come back.
#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "base/random.hpp"
#include "block/statement.hpp"
#include "publish/object.hpp"
#include "publish/owner_request.hpp"

namespace mutirao::publish {
namespace {

constexpr std::uint64_t kChain = 8021;

class InlineExecutor final : public Executor {
  public:
    void post(std::function<void()> task) override { task(); }
};

struct FakeNode {
    explicit FakeNode(crypto::BlsSecretKey secret) : key(std::move(secret)) {}
    crypto::BlsSecretKey key;
    std::map<BlockId, Bytes> statements;
    std::map<std::pair<BlockId, std::uint32_t>, Bytes> slots;
    bool dead = false;
    bool lies = false;    // flips a bit of every row that it serves
    bool forges = false;  // signs something else
};

class FakeNodes final : public StorageCalls {
  public:
    explicit FakeNodes(std::uint32_t count) {
        SeededRandom random(7);
        std::set<Address> addresses;
        while (addresses.size() < count) addresses.insert(random.fixed<Address>());
        placement::Membership membership{3, {}};
        for (const auto& address : addresses) {
            membership.members.push_back({address, 1, ""});
            const auto seed = random.fixed<Digest>();
            auto key = crypto::BlsSecretKey::generate(seed.span()).value();
            committee.keys.push_back(key.public_key());
            nodes.emplace(address, FakeNode(std::move(key)));
        }
        committee.placement = std::make_shared<const placement::Placement>(
            placement::Placement::make(std::move(membership)).value());
    }

    Status alive(const Address& node) const {
        if (nodes.at(node).dead) return Error{ErrorKind::unavailable, "connection refused"};
        return {};
    }
    Status open_block(const Address& node, const BlockId& id, std::uint64_t,
                      ByteSpan statement) override {
        TRY_VOID(alive(node));
        TRY(auto decoded, block::Statement::decode(statement));
        TRY(auto check, block::StatementCheck::open(id, std::move(decoded)));
        nodes.at(node).statements[id] = to_bytes(statement);
        return {};
    }
    Status put_slot(const Address& node, const BlockId& id, std::uint32_t slot,
                    ByteSpan rows) override {
        TRY_VOID(alive(node));
        nodes.at(node).slots[{id, slot}] = to_bytes(rows);
        return {};
    }
    Result<crypto::BlsSignature> sign(const Address& node, const BlockId& id,
                                      std::uint64_t epoch) override {
        TRY_VOID(alive(node));
        auto& state = nodes.at(node);
        TRY(auto statement, block::Statement::decode(state.statements.at(id)));
        if (state.forges) return state.key.sign(as_bytes("something else"));
        return state.key.sign(
            block::availability_message(kChain, block::certificate_for(statement, epoch)));
    }
    Result<Bytes> statement(const Address& node, const BlockId& id) override {
        TRY_VOID(alive(node));
        const auto& known = nodes.at(node).statements;
        if (!known.contains(id)) return Error{ErrorKind::not_found, "no such block"};
        return known.at(id);
    }
    Result<std::vector<ServedSlot>> rows(const Address& node, const BlockId& id,
                                         std::span<const std::uint32_t> indexes) override {
        TRY_VOID(alive(node));
        const auto& state = nodes.at(node);
        TRY(auto statement, block::Statement::decode(state.statements.at(id)));
        const auto size = statement.header.row_size;
        std::vector<ServedSlot> out;
        for (const auto index : indexes) {
            const auto slot = index % block::kSlotCount;
            const ByteSpan all = state.slots.at({id, slot});
            ServedSlot served{slot, {}, {}};
            for (std::size_t at = 0; at < all.size(); at += size)
                served.digests.push_back(block::row_digest(all.subspan(at, size)));
            auto row = to_bytes(all.subspan(std::size_t{index / block::kSlotCount} * size, size));
            if (state.lies) row[5] ^= 4;
            served.rows.emplace_back(index, std::move(row));
            out.push_back(std::move(served));
        }
        return out;
    }
    // Kills the `count` nodes that hold the most of `id`: the worst case.
    void kill(std::uint32_t count) {
        for (auto& [address, node] : nodes)
            if (count-- > 0)
                node.dead = true;
            else
                break;
    }

    std::map<Address, FakeNode> nodes;
    Committee committee;
};

struct Fixture {
    explicit Fixture(std::uint32_t count) : nodes(count) {}

    ObjectWriter writer() {
        return ObjectWriter(
            disperser, [this] { return Result<Committee>(nodes.committee); }, key);
    }
    Result<Manifest> write(ByteSpan bytes) {
        auto object = writer();
        TRY_VOID(object.append(bytes));
        return object.finish();
    }
    Result<Bytes> read(const Manifest& manifest) {
        Bytes out;
        for (std::uint32_t i = 0; i < manifest.blocks.size(); ++i) {
            TRY(auto got, retriever.read(manifest.blocks[i].id, nodes.committee));
            TRY(auto plain, open_block_content(manifest, i, got.header, got.content, key));
            out.insert(out.end(), plain.begin(), plain.end());
            parity_rows += got.parity_rows_used;
        }
        return out;
    }

    FakeNodes nodes;
    InlineExecutor executor;
    Disperser disperser{nodes, executor, {kChain, std::chrono::milliseconds(0)}};
    Retriever retriever{nodes, executor};
    crypto::Key key = SeededRandom(9).fixed<crypto::Key>();
    std::uint32_t parity_rows = 0;
};

Bytes random_bytes(std::size_t size, std::uint64_t seed) {
    Bytes out(size);
    SeededRandom(seed).fill(out);
    return out;
}

TEST(Publish, objects_of_every_small_size_read_back_exactly) {
    Fixture network(8);
    for (const std::size_t size : {0u, 1u, 127u, 4096u, 100000u}) {
        const auto bytes = random_bytes(size, size);
        const auto manifest = network.write(bytes).value();
        EXPECT_EQ(manifest.size(), size);
        EXPECT_EQ(network.read(manifest).value(), bytes);
    }
}

TEST(Publish, a_wide_block_reads_back_exactly_with_two_of_eight_nodes_dead) {
    Fixture network(8);
    const auto bytes = random_bytes(1 << 20, 3);
    auto writer = network.writer();
    ASSERT_TRUE(writer.append(bytes).ok());
    const auto manifest = writer.finish().value();
    EXPECT_EQ(writer.fragments_per_block(), 3072u);
    network.nodes.kill(2);
    EXPECT_EQ(network.read(manifest).value(), bytes);
    EXPECT_GT(network.parity_rows, 0u);
}

TEST(Publish, the_certificate_verifies_against_its_signers_and_names_the_block) {
    Fixture network(8);
    network.nodes.kill(1);
    auto writer = network.writer();
    ASSERT_TRUE(writer.append(random_bytes(1000, 1)).ok());
    const auto manifest = writer.finish().value();
    ASSERT_EQ(writer.certificates().size(), 1u);
    const auto& certificate = writer.certificates()[0];
    EXPECT_EQ(certificate.id, manifest.blocks[0].id);
    std::vector<crypto::BlsPublicKey> keys;
    for (const auto member : block::signers_in(certificate.signers, 8).value())
        keys.push_back(network.nodes.committee.keys[member]);
    EXPECT_EQ(keys.size(), 7u);
    EXPECT_TRUE(crypto::verify_aggregate(keys, block::availability_message(kChain, certificate),
                                         certificate.signature));
    EXPECT_LE(certificate.encode().size(), 300u);
}

TEST(Publish, a_node_that_signs_something_else_only_fails_itself) {
    Fixture network(8);
    network.nodes.nodes.begin()->second.forges = true;
    auto writer = network.writer();
    ASSERT_TRUE(writer.append(random_bytes(1000, 1)).ok());
    ASSERT_TRUE(writer.finish().ok());
    const auto& certificate = writer.certificates().at(0);
    std::vector<crypto::BlsPublicKey> keys;
    for (const auto member : block::signers_in(certificate.signers, 8).value()) {
        EXPECT_NE(member, 0u);
        keys.push_back(network.nodes.committee.keys[member]);
    }
    EXPECT_EQ(keys.size(), 7u);
    EXPECT_TRUE(crypto::verify_aggregate(keys, block::availability_message(kChain, certificate),
                                         certificate.signature));
}

TEST(Publish, signatures_over_something_else_count_for_nothing) {
    for (const int forgers : {4, 8}) {
        Fixture network(8);
        auto node = network.nodes.nodes.begin();
        for (int i = 0; i < forgers; ++i) (node++)->second.forges = true;
        const auto result = network.write(random_bytes(1000, 1));
        ASSERT_FALSE(result.ok());
        EXPECT_EQ(result.error().kind, ErrorKind::unavailable);
    }
}

// Across the borders of encrypted segments, in pieces that fit none of them.
TEST(Publish, an_object_that_comes_in_odd_pieces_reads_back_exactly) {
    Fixture network(4);
    const auto bytes = random_bytes((2 << 20) + 777, 6);
    auto writer = network.writer();
    ByteSpan rest(bytes);
    for (std::size_t step = 1; !rest.empty(); step = step * 3 + 1) {
        const auto piece = rest.first(std::min(step, rest.size()));
        ASSERT_TRUE(writer.append(piece).ok());
        rest = rest.subspan(piece.size());
    }
    const auto manifest = writer.finish().value();
    EXPECT_EQ(writer.received(), bytes.size());
    EXPECT_EQ(network.read(manifest).value(), bytes);
}

TEST(Publish, without_a_quorum_nothing_is_certified_and_the_error_says_so) {
    Fixture network(8);
    network.nodes.kill(4);
    const auto result = network.write(random_bytes(1000, 1));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind, ErrorKind::unavailable);
    EXPECT_NE(result.error().message.find("no quorum"), std::string::npos);
}

TEST(Publish, a_writer_that_lost_a_block_refuses_to_go_on) {
    Fixture network(8);
    auto writer = network.writer();
    ASSERT_TRUE(writer.append(random_bytes(10, 1)).ok());
    network.nodes.kill(8);
    EXPECT_FALSE(writer.finish().ok());
    EXPECT_FALSE(writer.append(random_bytes(10, 1)).ok());
    EXPECT_FALSE(writer.finish().ok());
}

TEST(Publish, rows_of_lying_nodes_are_dropped_and_reported) {
    Fixture network(8);
    const auto bytes = random_bytes(50000, 4);
    const auto manifest = network.write(bytes).value();
    network.nodes.nodes.begin()->second.lies = true;
    const auto got = network.retriever.read(manifest.blocks[0].id, network.nodes.committee).value();
    EXPECT_EQ(got.failures.size(), 1u);
    EXPECT_EQ(got.failures[0].error.kind, ErrorKind::corrupt);
    EXPECT_EQ(network.read(manifest).value(), bytes);
}

TEST(Publish, reading_with_too_few_nodes_says_how_many_fragments_there_were) {
    Fixture network(8);
    const auto manifest = network.write(random_bytes(5000, 4)).value();
    network.nodes.kill(7);
    const auto result = network.read(manifest);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind, ErrorKind::unavailable);
    EXPECT_NE(result.error().message.find("good fragments of the 256 needed"), std::string::npos);
}

TEST(Publish, a_wrong_key_opens_nothing) {
    Fixture network(4);
    const auto manifest = network.write(random_bytes(5000, 4)).value();
    network.key.bytes[0] ^= 1;
    const auto result = network.read(manifest);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind, ErrorKind::permission_denied);
}

TEST(Publish, manifests_have_one_encoding) {
    Fixture network(4);
    const auto manifest = network.write(random_bytes(5000, 4)).value();
    const auto bytes = manifest.encode();
    EXPECT_EQ(Manifest::decode(bytes).value(), manifest);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(Manifest::decode(ByteSpan(bytes).first(size)).ok());
    auto longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(Manifest::decode(longer).ok());
}

TEST(OwnerRequest, only_the_signer_is_the_owner_and_only_for_a_while) {
    SeededRandom random(1);
    const auto key = crypto::AccountKey::generate(random);
    OwnerRequest request{
        OwnerAction::name, "notas de aula.txt", random.fixed<Digest>(), 600000, {}};
    request.sign(key, kChain);
    const auto decoded = OwnerRequest::decode(request.encode()).value();
    EXPECT_EQ(decoded.owner(kChain, 1000).value(), key.address());
    EXPECT_NE(decoded.owner(kChain + 1, 1000).value(), key.address());
    EXPECT_EQ(decoded.owner(kChain, 600001).error().kind, ErrorKind::permission_denied);
    auto renamed = decoded;
    renamed.name = "provas.txt";
    const auto other = renamed.owner(kChain, 1000);
    EXPECT_TRUE(!other.ok() || *other != key.address());
}

TEST(OwnerRequest, names_with_spaces_and_accents_are_fine_and_broken_ones_are_not) {
    EXPECT_TRUE(check_name("anotações de história (2ª série).txt").ok());
    EXPECT_FALSE(check_name("").ok());
    EXPECT_FALSE(check_name(std::string(1025, 'a')).ok());
    EXPECT_FALSE(check_name("a\nb").ok());
    EXPECT_FALSE(check_name("\xc3").ok());
    EXPECT_FALSE(check_name("\xed\xa0\x80").ok());
    EXPECT_FALSE(check_name("\xc0\xaf").ok());
}

}  // namespace
}  // namespace mutirao::publish
