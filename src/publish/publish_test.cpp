// Publishing against storage nodes in memory that really check and sign: what a disperser, a reader
// and a catalogue promise when nodes die, lie or come back.
#include <algorithm>
#include <gtest/gtest.h>

#include "base/test_threads.hpp"
#include "publish/owner_request.hpp"
#include "publish/test_nodes.hpp"

namespace mutirao::publish {
namespace {

bool verifies(const TestNetwork& network, const block::Certificate& certificate) {
    std::vector<crypto::BlsVerifiedKey> keys;
    for (const auto member :
         block::signers_in(certificate.signers, network.nodes.committee.size()).value())
        keys.push_back(network.nodes.committee.keys[member]);
    return block::verify_certificate(certificate, kTestChain, keys).ok();
}

std::uint32_t signers_of(const block::Certificate& certificate, std::uint32_t members) {
    return static_cast<std::uint32_t>(block::signers_in(certificate.signers, members)->size());
}

TEST(Publish, objects_of_every_small_size_read_back_exactly) {
    TestNetwork network(8);
    for (const std::size_t size : {0u, 1u, 127u, 4096u, 100000u}) {
        const auto bytes = random_bytes(size, size);
        const auto manifest = network.write(bytes).value();
        EXPECT_EQ(manifest.size(), size);
        EXPECT_EQ(network.read(manifest).value(), bytes);
    }
}

TEST(Publish, a_wide_block_reads_back_exactly_with_two_of_eight_nodes_dead) {
    TestNetwork network(8);
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
    TestNetwork network(8);
    network.nodes.kill(1);
    auto writer = network.writer();
    ASSERT_TRUE(writer.append(random_bytes(1000, 1)).ok());
    const auto manifest = writer.finish().value();
    ASSERT_EQ(writer.certificates().size(), 1u);
    const auto& certificate = writer.certificates()[0].certificate;
    EXPECT_EQ(certificate.id, manifest.blocks[0].id);
    EXPECT_GE(signers_of(certificate, 8), 5u);
    EXPECT_TRUE(verifies(network, certificate));
    EXPECT_LE(certificate.encode().size(), 300u);
}

TEST(Publish, a_node_that_signs_something_else_only_fails_itself) {
    TestNetwork network(8);
    network.nodes.nodes.begin()->second.forges = true;
    auto writer = network.writer();
    ASSERT_TRUE(writer.append(random_bytes(1000, 1)).ok());
    ASSERT_TRUE(writer.finish().ok());
    const auto& certificate = writer.certificates().at(0).certificate;
    EXPECT_FALSE(certificate.signed_by(0));
    EXPECT_TRUE(verifies(network, certificate));
}

TEST(Publish, a_strong_certificate_needs_more_weight_and_has_it) {
    TestNetwork network(8);
    auto writer = network.writer(Strength::strong);
    ASSERT_TRUE(writer.append(random_bytes(1000, 1)).ok());
    ASSERT_TRUE(writer.finish().ok());
    const auto& certificate = writer.certificates().at(0).certificate;
    const auto held = network.nodes.committee.placement->slots_held(certificate.id);
    std::uint32_t slots = 0;
    for (const auto member : block::signers_in(certificate.signers, 8).value())
        slots += held[member];
    EXPECT_GE(slots, 214u);
    EXPECT_TRUE(verifies(network, certificate));

    network.nodes.kill(2);  // enough for the other kind
    auto weak = network.writer();
    ASSERT_TRUE(weak.append(random_bytes(1000, 2)).ok());
    EXPECT_TRUE(weak.finish().ok());
    auto strong = network.writer(Strength::strong);
    ASSERT_TRUE(strong.append(random_bytes(1000, 3)).ok());
    EXPECT_EQ(strong.finish().error().kind, ErrorKind::unavailable);
}

TEST(Publish, a_silent_node_delays_nobody_and_is_left_alone_afterwards) {
    TestNetwork network(8);
    auto& silent = network.nodes.node(2);
    silent.silent = true;
    ASSERT_TRUE(network.write(random_bytes(300000, 1)).ok());
    EXPECT_EQ(silent.puts, 1u);
    network.nodes.release();  // its call times out
    ASSERT_TRUE(network.write(random_bytes(300000, 2)).ok());
    EXPECT_EQ(silent.puts, 1u) << "it rests";
    network.clock.sleep(std::chrono::seconds(1));
    ASSERT_TRUE(network.write(random_bytes(300000, 3)).ok());
    EXPECT_EQ(silent.puts, 2u) << "and is tried again later";
}

TEST(Publish, nodes_that_fail_once_are_tried_again_when_there_is_no_quorum_without_them) {
    TestNetwork network(8);
    for (std::uint32_t member = 0; member < 6; ++member) network.nodes.node(member).failures = 1;
    const auto bytes = random_bytes(300000, 1);
    const auto manifest = network.write(bytes);
    ASSERT_TRUE(manifest.ok()) << manifest.error().message;
    EXPECT_EQ(network.read(*manifest).value(), bytes);
}

// What a silent node is still owed is given up when later blocks need the memory.
TEST(Publish, blocks_that_wait_for_a_silent_node_do_not_pile_up) {
    TestNetwork network(8);
    network.nodes.node(3).silent = true;
    std::vector<std::weak_ptr<const block::CodedBlock>> blocks;
    for (int i = 0; i < 12; ++i) {
        auto coded = network.memory.share(
            block::code_block(random_bytes(3 << 20, static_cast<std::uint64_t>(i)), {}).value());
        blocks.push_back(coded);
        ASSERT_TRUE(network.disperser.disperse(coded, network.nodes.committee).ok());
    }
    const auto alive = std::count_if(blocks.begin(), blocks.end(),
                                     [](const auto& block) { return !block.expired(); });
    // Two whose parts wait, and those whose parts are on their way: 8 MiB of 1.2 MiB each.
    EXPECT_LE(alive, 2 + 7);
    network.nodes.release();
    EXPECT_LE(std::count_if(blocks.begin(), blocks.end(),
                            [](const auto& block) { return !block.expired(); }),
              2 + 7);
}

TEST(Publish, a_disperser_may_go_while_a_node_still_holds_a_call) {
    TestNodes nodes(8);
    TestClock clock;
    NodeHealth health(clock);
    nodes.node(1).silent = true;
    {
        Disperser disperser(nodes, health, clock, {.chain_id = kTestChain});
        auto coded = std::make_shared<const block::CodedBlock>(
            block::code_block(random_bytes(20 << 20, 1), {}).value());
        ASSERT_TRUE(disperser.disperse(coded, nodes.committee).ok());
    }
    nodes.release();
}

TEST(Publish, signatures_over_something_else_count_for_nothing) {
    for (const int forgers : {4, 8}) {
        TestNetwork network(8);
        auto node = network.nodes.nodes.begin();
        for (int i = 0; i < forgers; ++i) (node++)->second.forges = true;
        const auto result = network.write(random_bytes(1000, 1));
        ASSERT_FALSE(result.ok());
        EXPECT_EQ(result.error().kind, ErrorKind::unavailable);
    }
}

// Across the borders of encrypted segments, in pieces that fit none of them.
TEST(Publish, an_object_that_comes_in_odd_pieces_reads_back_exactly) {
    TestNetwork network(4);
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
    TestNetwork network(8);
    network.nodes.kill(4);
    const auto result = network.write(random_bytes(1000, 1));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind, ErrorKind::unavailable);
    EXPECT_NE(result.error().message.find("no quorum"), std::string::npos);
}

TEST(Publish, a_writer_that_lost_a_block_refuses_to_go_on) {
    TestNetwork network(8);
    auto writer = network.writer();
    ASSERT_TRUE(writer.append(random_bytes(10, 1)).ok());
    network.nodes.kill(8);
    EXPECT_FALSE(writer.finish().ok());
    EXPECT_FALSE(writer.append(random_bytes(10, 1)).ok());
    EXPECT_FALSE(writer.finish().ok());
}

TEST(Publish, rows_of_lying_nodes_are_dropped_and_reported) {
    TestNetwork network(8);
    const auto bytes = random_bytes(500000, 4);
    const auto manifest = network.write(bytes).value();
    network.nodes.nodes.begin()->second.lies = true;
    const auto got = network.retriever.read(manifest.blocks[0].id, network.nodes.committee).value();
    ASSERT_EQ(got.failures.size(), 1u);
    EXPECT_EQ(got.failures[0].error.kind, ErrorKind::corrupt);
    const auto served = network.nodes.node(0).rows_served;
    EXPECT_EQ(network.read(manifest).value(), bytes);
    EXPECT_EQ(network.nodes.node(0).rows_served, served) << "the liar is not asked again";
}

TEST(Publish, a_silent_node_is_read_around) {
    TestNetwork network(8);
    const auto bytes = random_bytes(3 << 20, 4);
    const auto manifest = network.write(bytes).value();
    for (std::uint32_t member : {1u, 4u}) network.nodes.node(member).silent = true;
    EXPECT_EQ(network.read(manifest).value(), bytes);
    EXPECT_GT(network.parity_rows, 0u);
}

TEST(Publish, whatever_k_rows_are_left_give_the_block) {
    TestNetwork network(9);
    const auto bytes = random_bytes(400000, 4);
    const auto manifest = network.write(bytes).value();
    SeededRandom random(5);
    const auto k = 256u;
    for (int round = 0; round < 20; ++round) {
        auto survivors = network.nodes.nodes;
        // Rows disappear by whole slots, 3 rows each, until barely k are left.
        std::vector<std::uint32_t> slots(block::kSlotCount);
        for (std::uint32_t i = 0; i < slots.size(); ++i) slots[i] = i;
        for (std::size_t i = slots.size(); i > 1; --i)
            std::swap(slots[i - 1], slots[random.below(i)]);
        slots.resize(slots.size() - (k + 2) / 3);
        for (auto& [address, node] : network.nodes.nodes)
            for (const auto slot : slots) node.slots.erase({manifest.blocks[0].id, slot});
        EXPECT_EQ(network.read(manifest).value(), bytes) << round;
        network.nodes.nodes = std::move(survivors);
    }
}

// Four of eight nodes are gone, one has lost a slot and one does not answer the first time: what
// they still have is needed.
TEST(Publish, a_node_that_fails_one_call_still_gives_its_other_rows) {
    TestNetwork network(8);
    const auto bytes = random_bytes(400000, 6);
    const auto manifest = network.write(bytes).value();
    const auto share = network.nodes.committee.placement->slots_of(manifest.blocks[0].id, 0);
    network.nodes.node(0).damaged = {share[1], share[2]};
    network.nodes.node(1).busy = 1;
    for (std::uint32_t member = 4; member < 8; ++member) network.nodes.node(member).dead = true;
    EXPECT_EQ(network.read(manifest).value(), bytes);
    network.nodes.node(0).damaged.insert(share.begin(), share.end());
    network.nodes.node(1).dead = network.nodes.node(2).dead = true;
    EXPECT_EQ(network.read(manifest).error().kind, ErrorKind::unavailable);
}

TEST(Publish, a_range_is_read_from_the_rows_that_hold_it_alone) {
    TestNetwork network(8);
    const auto bytes = random_bytes((5 << 20) + 333, 4);
    const auto manifest = network.write(bytes).value();
    const auto served = [&] {
        std::uint64_t rows = 0;
        for (const auto& [address, node] : network.nodes.nodes) rows += node.rows_served;
        return rows;
    };
    SeededRandom random(3);
    for (int round = 0; round < 30; ++round) {
        const auto offset = random.below(bytes.size() + 1);
        const auto size = random.below(std::min<std::uint64_t>(bytes.size() - offset, 70000) + 1);
        const auto before = served();
        const auto got = read_block_range(network.retriever, network.nodes.committee, manifest, 0,
                                          offset, size, network.key)
                             .value();
        EXPECT_EQ(got.plain, Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                                   bytes.begin() + static_cast<std::ptrdiff_t>(offset + size)));
        // At most two encrypted segments of 1 MiB, in rows of 5.1 KiB.
        EXPECT_LE(served() - before, 2 * ((1 << 20) / 5120) + 3u);
    }
    EXPECT_EQ(read_block_range(network.retriever, network.nodes.committee, manifest, 0,
                               bytes.size(), 1, network.key)
                  .error()
                  .kind,
              ErrorKind::invalid_argument);
    network.nodes.kill(2);  // some of the rows are gone: the block is decoded
    EXPECT_EQ(read_block_range(network.retriever, network.nodes.committee, manifest, 0, 100, 5000,
                               network.key)
                  ->plain,
              Bytes(bytes.begin() + 100, bytes.begin() + 5100));
}

// A busy machine's answers come late: the whole block, many times as much, would come later yet.
TEST(Publish, a_range_waits_for_late_rows_and_not_forever) {
    TestNetwork network(8);
    const auto bytes = random_bytes(5 << 20, 6);
    const auto manifest = network.write(bytes).value();
    const auto rows_for_a_range = [&](Duration late) {
        std::uint64_t rows = 0;
        for (auto& [address, node] : network.nodes.nodes) {
            rows -= node.rows_served;
            node.on_rows = [&network, late] { network.clock.sleep(late); };
        }
        const auto got = read_block_range(network.retriever, network.nodes.committee, manifest, 0,
                                          1000, 5000, network.key);
        EXPECT_EQ(got->plain, Bytes(bytes.begin() + 1000, bytes.begin() + 6000));
        for (const auto& [address, node] : network.nodes.nodes) rows += node.rows_served;
        return rows;
    };
    const auto at_once = rows_for_a_range(Duration(0));
    EXPECT_EQ(rows_for_a_range(std::chrono::milliseconds(100)), at_once);
    EXPECT_GT(rows_for_a_range(std::chrono::seconds(30)), 3 * at_once);
}

TEST(Publish, small_objects_share_a_block_and_each_opens_with_its_own_key_only) {
    ThreadExecutor executor;
    TestNetwork network(8);
    Packer packer(network.publishing(), {.linger = std::chrono::milliseconds(200)});
    constexpr std::size_t kObjects = 40;
    std::vector<crypto::Key> keys;
    std::vector<Bytes> contents;
    SeededRandom random(4);
    for (std::size_t i = 0; i < kObjects; ++i) {
        keys.push_back(random.fixed<crypto::Key>());
        contents.push_back(random_bytes(i * 37, i));
    }
    std::vector<std::optional<Manifest>> manifests(kObjects);
    std::vector<PaidCertificate> certificates(kObjects);
    {
        ThreadExecutor threads;
        for (std::size_t i = 0; i < kObjects; ++i)
            threads.post([&, i] {
                ObjectWriter writer(network.publishing(), packer, keys[i]);
                if (!writer.append(contents[i]).ok()) return;
                if (auto manifest = writer.finish(); manifest.ok()) {
                    manifests[i] = *manifest;
                    certificates[i] = writer.certificates().at(0);
                }
            });
    }
    std::set<BlockId> blocks;
    for (std::size_t i = 0; i < kObjects; ++i) {
        ASSERT_TRUE(manifests[i].has_value());
        blocks.insert(manifests[i]->blocks[0].id);
        EXPECT_TRUE(verifies(network, certificates[i].certificate));
        EXPECT_EQ(certificates[i].part, crypto::sealed_size(contents[i].size()));
        EXPECT_EQ(Manifest::decode(manifests[i]->encode()).value(), *manifests[i]);
        EXPECT_EQ(read_block(network.retriever, network.nodes.committee, *manifests[i], 0, keys[i])
                      ->plain,
                  contents[i]);
        EXPECT_EQ(read_block(network.retriever, network.nodes.committee, *manifests[i], 0,
                             keys[(i + 1) % kObjects])
                      .error()
                      .kind,
                  ErrorKind::permission_denied);
    }
    EXPECT_LE(blocks.size(), 5u);
}

// Several blocks under way on real threads, with a node that dies in the middle.
TEST(Publish, a_long_object_is_written_block_after_block_and_reads_back_exactly) {
    ThreadExecutor executor;
    TestNetwork network(8, &executor);
    const auto bytes = random_bytes(2 * kBlockPlainMax + 54321, 8);
    auto writer = network.writer();
    ASSERT_TRUE(writer.append(ByteSpan(bytes).first(kBlockPlainMax + 5)).ok());
    {
        const std::lock_guard lock(network.nodes.mutex);
        network.nodes.node(0).dead = true;
    }
    ASSERT_TRUE(writer.append(ByteSpan(bytes).subspan(kBlockPlainMax + 5)).ok());
    const auto manifest = writer.finish();
    ASSERT_TRUE(manifest.ok()) << manifest.error().message;
    ASSERT_EQ(manifest->blocks.size(), 3u);
    for (const auto& paid : writer.certificates()) EXPECT_TRUE(verifies(network, paid.certificate));
    EXPECT_EQ(network.read(*manifest).value(), bytes);
}

TEST(BlockMemory, waits_for_room_and_gives_buffers_again) {
    BlockMemory memory(100);
    auto first = std::make_unique<BlockMemory::Lease>(memory.acquire(60));
    std::atomic<bool> got = false;
    {
        ThreadExecutor threads;
        threads.post([&] {
            const auto second = memory.acquire(1000);  // counts as all
            got = true;
        });
        EXPECT_FALSE(got);
        first.reset();
    }
    EXPECT_TRUE(got);
    auto buffer = memory.take_buffer();
    buffer.resize(crypto::sealed_size(100));
    const auto* const where = buffer.data();
    memory.share(block::code_in_place(std::move(buffer), {}).value()).reset();
    EXPECT_EQ(memory.take_buffer().data(), where);
}

TEST(Publish, reading_with_too_few_nodes_says_how_many_fragments_there_were) {
    TestNetwork network(8);
    const auto manifest = network.write(random_bytes(5000, 4)).value();
    network.nodes.kill(7);
    const auto result = network.read(manifest);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind, ErrorKind::unavailable);
    EXPECT_NE(result.error().message.find("good fragments of the 256 needed"), std::string::npos);
}

TEST(Publish, a_wrong_key_opens_nothing) {
    TestNetwork network(4);
    const auto manifest = network.write(random_bytes(5000, 4)).value();
    network.key.bytes[0] ^= 1;
    const auto result = network.read(manifest);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind, ErrorKind::permission_denied);
}

TEST(Publish, manifests_have_one_encoding) {
    TestNetwork network(4);
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
    request.sign(key, kTestChain);
    const auto decoded = OwnerRequest::decode(request.encode()).value();
    EXPECT_EQ(decoded.owner(kTestChain, 1000).value(), key.address());
    EXPECT_NE(decoded.owner(kTestChain + 1, 1000).value(), key.address());
    EXPECT_EQ(decoded.owner(kTestChain, 600001).error().kind, ErrorKind::permission_denied);
    auto renamed = decoded;
    renamed.name = "provas.txt";
    const auto other = renamed.owner(kTestChain, 1000);
    EXPECT_TRUE(!other.ok() || *other != key.address());
}

TEST(OwnerRequest, many_names_are_signed_as_a_whole) {
    SeededRandom random(2);
    const Naming a{"a", random.fixed<Digest>()}, b{"b", random.fixed<Digest>()};
    const std::vector<Naming> both{a, b}, turned{b, a}, crossed{{"a", b.content}, {"b", a.content}};
    EXPECT_EQ(digest_names(both), digest_names(both));
    EXPECT_NE(digest_names(both), digest_names(turned));
    EXPECT_NE(digest_names(both), digest_names(crossed));
    EXPECT_NE(digest_names(both), digest_names({{a}}));
    const auto key = crypto::AccountKey::generate(random);
    OwnerRequest request{OwnerAction::name_many, "", digest_names(both), 600000, {}};
    request.sign(key, kTestChain);
    EXPECT_EQ(OwnerRequest::decode(request.encode())->owner(kTestChain, 1000).value(),
              key.address());
    request.action = OwnerAction::name;  // one signature is not good for another action
    const auto other = request.owner(kTestChain, 1000);
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
