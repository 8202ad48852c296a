// Nodes and Storage: membership, and certificates.
#include <gtest/gtest.h>
#include <numeric>

#include "block/test_leaves.hpp"
#include "ledger/abi.hpp"
#include "ledger/test_chain.hpp"

namespace mutirao::ledger {
namespace {

constexpr int kNodes = 8;

std::uint64_t epoch_of(const TestChain& chain) {
    return read_counter(chain.ledger.state(), key::current_epoch()).value();
}

class Membership : public ::testing::Test {
  protected:
    // All nodes join in one block.
    void join_all() {
        std::vector<Bytes> raw;
        for (const auto& node : nodes)
            raw.push_back(chain.signed_call(node.key, node.joins(Role::storage)));
        chain.block(raw);
    }
    static std::vector<TestNode> make() {
        std::vector<TestNode> out;
        for (int i = 0; i < kNodes; ++i) out.emplace_back(i);
        return out;
    }
    TestChain chain;
    std::vector<TestNode> nodes = make();
};

TEST_F(Membership, joins_of_one_block_make_one_epoch) {
    EXPECT_EQ(epoch_of(chain), 0u);
    join_all();
    EXPECT_EQ(epoch_of(chain), 1u);
    const auto epoch = chain.record<EpochRecord>(key::epoch(1));
    ASSERT_EQ(epoch.members.size(), nodes.size());
    EXPECT_TRUE(std::is_sorted(epoch.members.begin(), epoch.members.end(),
                               [](const auto& a, const auto& b) { return a.node < b.node; }));
    chain.block({});
    EXPECT_EQ(epoch_of(chain), 1u);
}

TEST_F(Membership, a_new_endpoint_is_no_new_epoch_and_a_new_weight_is) {
    join_all();
    auto record = nodes[0].record(Role::storage);
    record.endpoint = "[::1]:9001";
    ASSERT_TRUE(
        chain.send(nodes[0].key, register_node(record, nodes[0].bls.prove_possession())).ok());
    EXPECT_EQ(epoch_of(chain), 1u);
    EXPECT_EQ(chain.record<NodeRecord>(key::node(record.address)).endpoint, "[::1]:9001");
    ASSERT_TRUE(chain.send(nodes[0].key, nodes[0].joins(Role::storage, 2)).ok());
    EXPECT_EQ(epoch_of(chain), 2u);
}

TEST_F(Membership, who_leaves_is_in_no_later_epoch_and_may_come_back) {
    join_all();
    ASSERT_TRUE(chain.send(nodes[0].key, leave_network()).ok());
    EXPECT_EQ(chain.record<EpochRecord>(key::epoch(2)).members.size(), nodes.size() - 1);
    EXPECT_EQ(chain.record<EpochRecord>(key::epoch(1)).members.size(), nodes.size());
    EXPECT_FALSE(chain.send(nodes[0].key, leave_network()).ok());
    EXPECT_EQ(chain.send(wallet(12), leave_network()).error().kind, ErrorKind::not_found);
    ASSERT_TRUE(chain.send(nodes[0].key, nodes[0].joins(Role::storage)).ok());
    EXPECT_EQ(chain.record<EpochRecord>(key::epoch(3)).members.size(), nodes.size());
    ASSERT_TRUE(chain.send(nodes[0].key, nodes[0].joins(Role::compute)).ok());
    EXPECT_EQ(chain.record<EpochRecord>(key::epoch(4)).members.size(), nodes.size() - 1);
}

TEST_F(Membership, other_roles_make_no_epoch) {
    for (const auto role : {Role::compute, Role::gateway, Role::trainer})
        ASSERT_TRUE(chain.send(nodes[0].key, nodes[0].joins(role)).ok());
    EXPECT_EQ(epoch_of(chain), 0u);
}

TEST_F(Membership, refuses_what_is_no_node) {
    const auto& node = nodes[0];
    const auto send = [&](const NodeRecord& record, const crypto::BlsSignature& possession) {
        return chain.send(node.key, register_node(record, possession));
    };
    const auto good = node.record(Role::storage);
    EXPECT_EQ(send(good, nodes[1].bls.prove_possession()).error().kind,
              ErrorKind::permission_denied);
    EXPECT_EQ(send(good, node.bls.sign(good.bls_key.span())).error().kind,
              ErrorKind::permission_denied);
    auto bad = good;
    bad.weight = 0;
    EXPECT_FALSE(send(bad, node.bls.prove_possession()).ok());
    bad.weight = 1'000'001;
    EXPECT_FALSE(send(bad, node.bls.prove_possession()).ok());
    bad = good;
    bad.endpoint.assign(257, 'a');
    EXPECT_FALSE(send(bad, node.bls.prove_possession()).ok());
    bad = good;
    bad.role = Role::none;
    EXPECT_FALSE(send(bad, node.bls.prove_possession()).ok());
    EXPECT_EQ(epoch_of(chain), 0u);
}

TEST_F(Membership, a_domain_is_shown_and_makes_a_new_epoch_when_it_changes) {
    join_all();
    auto record = nodes[0].record(Role::storage);
    const auto send = [&](const std::string& domain) {
        record.domain = domain;
        return chain.send(nodes[0].key, register_node(record, nodes[0].bls.prove_possession()));
    };
    ASSERT_TRUE(send("São Paulo 1").ok());
    EXPECT_EQ(epoch_of(chain), 2u);
    EXPECT_EQ(chain.record<NodeRecord>(key::node(record.address)).domain, "São Paulo 1");
    const auto membership = chain.record<EpochRecord>(key::epoch(2)).membership();
    EXPECT_EQ(membership.members[*membership.find(record.address)].domain, "São Paulo 1");
    ASSERT_TRUE(send("São Paulo 1").ok());
    EXPECT_EQ(epoch_of(chain), 2u);
    for (const std::string bad : {"a\nb", "\x1b[31m", "\x7f", "\xc2\x85", "\xff"})
        EXPECT_FALSE(send(bad).ok());
    EXPECT_FALSE(send(std::string(65, 'a')).ok());
    EXPECT_TRUE(send(std::string(64, 'a')).ok());
    EXPECT_EQ(epoch_of(chain), 3u);
}

// The key and its proof stand on the ledger for everybody to copy.
TEST_F(Membership, a_bls_key_belongs_to_one_node) {
    join_all();
    auto copied = nodes[0].record(Role::storage);
    const auto status =
        chain.send(wallet(12), register_node(copied, nodes[0].bls.prove_possession()));
    EXPECT_EQ(status.error().kind, ErrorKind::permission_denied);
    EXPECT_EQ(status.error().message, "the BLS key belongs to another node");
}

class Certificates : public Membership {
  protected:
    void SetUp() override {
        join_all();
        epoch = chain.record<EpochRecord>(key::epoch(1));
        held = placement::Placement::make(epoch.membership()).value().slots_held(id);
    }
    block::Certificate certificate(const std::vector<std::uint32_t>& signers) {
        block::Certificate out;
        out.id = id;
        out.header_digest = digest_of("header");
        open_leaves(out);
        out.length = 5000;
        out.epoch = epoch.epoch;
        sign(out, signers);
        return out;
    }
    void open_leaves(block::Certificate& out) {
        out.commitment = leaves.commitment;
        out.value = block::leaf_value(leaves, out.id);
        out.opening = block::open_leaves(leaves, out.id);
    }
    void sign(block::Certificate& out, const std::vector<std::uint32_t>& signers,
              std::uint64_t chain_id = 8021) {
        out.signers = block::signer_bitmap(kNodes, signers);
        const auto message = block::availability_message(chain_id, out);
        std::vector<crypto::BlsSignature> signatures;
        for (const auto member : signers)
            for (const auto& node : nodes)
                if (node.key.address() == epoch.members[member].node)
                    signatures.push_back(node.bls.sign(message));
        out.signature = crypto::aggregate(signatures).value();
    }
    Status submit(const block::Certificate& certificate) {
        const auto fee = certificate_fee(chain.ledger.genesis(), certificate.length).value();
        return chain.send(wallet(10), certify(certificate, whole(certificate), fee));
    }
    std::vector<PaidPart> whole(const block::Certificate& certificate) const {
        return {{content, certificate.length}};
    }
    const Digest content = digest_of("content");
    std::vector<std::uint32_t> everybody() const {
        std::vector<std::uint32_t> out(kNodes);
        std::iota(out.begin(), out.end(), 0u);
        return out;
    }
    std::uint32_t slots(const std::vector<std::uint32_t>& signers) const {
        std::uint32_t sum = 0;
        for (const auto member : signers) sum += held[member];
        return sum;
    }

    const BlockId id{digest_of("block").bytes};
    const block::Statement leaves = block::stated_leaves(1);
    EpochRecord epoch;
    std::vector<std::uint32_t> held;
};

TEST_F(Certificates, a_quorum_certifies_and_shares_the_fee_by_slots) {
    auto signers = everybody();
    while (slots(signers) - held[signers.back()] >= block::kAvailableSlots) signers.pop_back();
    std::vector<Amount> before;
    for (const auto& member : epoch.members) before.push_back(chain.balance(member.node));
    const auto treasury = chain.balance(module::treasury());
    const auto good = certificate(signers);
    ASSERT_TRUE(submit(good).ok());

    const auto stored = chain.record<CertifiedBlock>(key::block(id));
    EXPECT_EQ(stored.certificate, good.encode());
    EXPECT_EQ(stored.parts, 1u);
    EXPECT_EQ(stored.paid_bytes, good.length);
    EXPECT_EQ(chain.record<BlockPart>(key::block_part(id, wallet(10).address(), content)).bytes,
              good.length);
    EXPECT_EQ(stored.height, chain.ledger.height());
    EXPECT_EQ(stored.slots_signed, slots(signers));
    EXPECT_FALSE(stored.released);
    const auto fee = chain.ledger.genesis().storage_price_per_kib.times(5).value();  // 5000 bytes
    Amount shared;
    for (std::uint32_t i = 0; i < kNodes; ++i) {
        const bool signed_it = good.signed_by(i);
        const auto part = signed_it ? fee.part(held[i], slots(signers)) : Amount();
        EXPECT_EQ(chain.balance(epoch.members[i].node), before[i].plus(part).value());
        shared = shared.plus(part).value();
    }
    EXPECT_EQ(chain.balance(module::treasury()),
              treasury.plus(chain.last.fee).value().plus(fee.minus(shared).value()).value());
    EXPECT_EQ(chain.balance(module::storage()), Amount());
    EXPECT_EQ(submit(good).error().kind, ErrorKind::already_exists);
}

TEST_F(Certificates, one_slot_under_the_quorum_is_refused_with_the_numbers) {
    // The largest sum under the quorum, over all sets of signers.
    std::vector<std::uint32_t> best;
    for (unsigned set = 1; set < 1u << kNodes; ++set) {
        std::vector<std::uint32_t> signers;
        for (std::uint32_t i = 0; i < kNodes; ++i)
            if (set >> i & 1) signers.push_back(i);
        if (slots(signers) < block::kAvailableSlots && slots(signers) > slots(best)) best = signers;
    }
    ASSERT_FALSE(best.empty());
    const auto status = submit(certificate(best));
    EXPECT_EQ(status.error().kind, ErrorKind::permission_denied);
    EXPECT_EQ(status.error().message, "certificate under quorum: " + std::to_string(slots(best)) +
                                          " of 256 slots signed, 171 needed");
    EXPECT_EQ(block::kAvailableSlots, 171u);
}

TEST_F(Certificates, every_signed_field_is_covered) {
    const auto good = certificate(everybody());
    auto bad = good;
    bad.header_digest.bytes[0] ^= 1;
    EXPECT_FALSE(submit(bad).ok());
    bad = good;
    bad.id.bytes[5] ^= 1;
    EXPECT_FALSE(submit(bad).ok());
    bad = good;
    bad.length += 1;
    EXPECT_FALSE(submit(bad).ok());
    bad = good;
    bad.commitment.bytes = nodes[1].bls.sign(as_bytes("another point")).bytes;
    EXPECT_FALSE(submit(bad).ok());
    bad = good;
    bad.value.bytes[0] ^= 1;
    EXPECT_FALSE(submit(bad).ok());
    bad = good;
    bad.signature = nodes[0].bls.sign(as_bytes("no"));
    EXPECT_FALSE(submit(bad).ok());
    bad = good;
    sign(bad, everybody(), 8022);  // another chain's
    EXPECT_FALSE(submit(bad).ok());
    EXPECT_TRUE(submit(good).ok());
}

// Whatever the disperser stated, everybody signed for the leaves that they saw.
TEST_F(Certificates, another_commitment_than_that_of_the_signed_leaves_is_refused) {
    auto bad = certificate(everybody());
    bad.commitment.bytes.fill(0xff);  // no point at all
    sign(bad, everybody());
    const std::string words = "the certificate's commitment is not shown to be what was signed for";
    EXPECT_EQ(submit(bad).error().message, words);
    const auto other = block::stated_leaves(2);
    bad.commitment = other.commitment;
    bad.opening = block::open_leaves(other, id);
    sign(bad, everybody());
    EXPECT_EQ(submit(bad).error().message, words);
    EXPECT_EQ(submit(bad).error().kind, ErrorKind::permission_denied);
}

TEST_F(Certificates, a_bitmap_that_does_not_fit_is_refused) {
    auto bad = certificate(everybody());
    bad.signers.push_back(0);
    EXPECT_FALSE(submit(bad).ok());
    bad.signers.clear();
    EXPECT_FALSE(submit(bad).ok());
}

TEST_F(Certificates, the_fee_is_exact) {
    const auto good = certificate(everybody());
    const auto fee = certificate_fee(chain.ledger.genesis(), good.length).value();
    const auto before = chain.balance(wallet(10).address());
    for (const auto& wrong : {Amount(), fee.minus(Amount(1)).value(), fee.plus(Amount(1)).value()})
        EXPECT_FALSE(chain.send(wallet(10), certify(good, whole(good), wrong)).ok());
    EXPECT_GT(chain.balance(wallet(10).address()).plus(fee).value(), before);  // fees only
    const auto& genesis = chain.ledger.genesis();
    EXPECT_EQ(certificate_fee(genesis, 0).value(), Amount());
    EXPECT_EQ(certificate_fee(genesis, 1).value(), genesis.storage_price_per_kib);
    EXPECT_EQ(certificate_fee(genesis, 1024).value(), genesis.storage_price_per_kib);
    EXPECT_EQ(certificate_fee(genesis, 1025).value(),
              genesis.storage_price_per_kib.times(2).value());
}

TEST_F(Certificates, an_epoch_is_good_for_sixteen_more) {
    auto early = certificate(everybody());
    early.epoch = 2;  // does not exist yet
    sign(early, everybody());
    EXPECT_FALSE(submit(early).ok());
    early.epoch = 0;  // had no nodes
    sign(early, everybody());
    EXPECT_FALSE(submit(early).ok());
    const auto good = certificate(everybody());
    for (std::uint32_t i = 0; i < 17; ++i) {
        if (i == 16) {
            // Sixteen epochs later it is still good, on a copy of the ledger.
            auto copy = Ledger::restore(chain.ledger.snapshot()).value();
            const auto fee = certificate_fee(copy.genesis(), good.length).value();
            const auto raw = chain.signed_call(wallet(10), certify(good, whole(good), fee));
            ASSERT_TRUE(copy.finalize(copy.height() + 1, chain.time_ms + 1, {raw}).ok());
            copy.commit();
            EXPECT_TRUE(copy.receipt(Transaction::hash(raw)).value()->succeeded);
        }
        ASSERT_TRUE(chain.send(nodes[0].key, nodes[0].joins(Role::storage, 2 + i % 2)).ok());
    }
    EXPECT_EQ(epoch_of(chain), 18u);
    EXPECT_EQ(submit(good).error().message,
              "the certificate is of epoch 1; this ledger is at epoch 18");
}

TEST_F(Certificates, only_who_paid_releases_and_once) {
    ASSERT_TRUE(submit(certificate(everybody())).ok());
    const Digest contents[] = {content};
    EXPECT_EQ(chain.send(wallet(11), release_block(id, contents)).error().kind,
              ErrorKind::permission_denied);
    EXPECT_TRUE(chain.send(wallet(10), release_block(id, contents)).ok());
    EXPECT_TRUE(chain.record<CertifiedBlock>(key::block(id)).released);
    EXPECT_EQ(chain.send(wallet(10), release_block(id, contents)).error().kind,
              ErrorKind::already_exists);
    EXPECT_EQ(chain.send(wallet(10), release_block(BlockId{}, contents)).error().kind,
              ErrorKind::not_found);
    EXPECT_EQ(submit(certificate(everybody())).error().kind, ErrorKind::already_exists);
}

// Several owners' objects in one block: each pays for its own bytes, once.
TEST_F(Certificates, a_block_is_paid_for_in_parts_and_goes_when_all_are_released) {
    const auto good = certificate(everybody());
    const auto price = chain.ledger.genesis().storage_price_per_kib;
    const auto a = digest_of("a"), b = digest_of("b"), c = digest_of("c");
    const PaidPart first[] = {{a, 1000}, {b, 1500}};
    const PaidPart second[] = {{a, 2000}};  // the same content of another owner
    const PaidPart rest[] = {{c, 500}};
    const PaidPart too_much[] = {{c, 501}};
    EXPECT_EQ(parts_fee(chain.ledger.genesis(), first).value(), price.times(3).value());
    ASSERT_TRUE(chain.send(wallet(10), certify(good, first, price.times(3).value())).ok());
    EXPECT_EQ(chain.send(wallet(10), certify(good, first, price.times(3).value())).error().kind,
              ErrorKind::already_exists);
    // The block is known: its certificate is not asked for again, whatever comes in its place.
    auto other = good;
    other.signature = nodes[0].bls.sign(as_bytes("no"));
    other.length = 1;
    ASSERT_TRUE(chain.send(wallet(11), certify(other, second, price.times(2).value())).ok());
    EXPECT_FALSE(chain.send(wallet(11), certify(good, too_much, price)).ok());
    ASSERT_TRUE(chain.send(wallet(11), certify(good, rest, price)).ok());
    EXPECT_EQ(chain.record<CertifiedBlock>(key::block(id)).paid_bytes, good.length);
    EXPECT_EQ(chain.record<CertifiedBlock>(key::block(id)).parts, 4u);

    const Digest of_first[] = {a, b}, of_second[] = {a}, of_rest[] = {c};
    EXPECT_TRUE(chain.send(wallet(10), release_block(id, of_first)).ok());
    EXPECT_FALSE(chain.record<CertifiedBlock>(key::block(id)).released);
    EXPECT_TRUE(chain.send(wallet(11), release_block(id, of_second)).ok());
    EXPECT_EQ(chain.send(wallet(10), release_block(id, of_rest)).error().kind,
              ErrorKind::permission_denied);
    EXPECT_TRUE(chain.send(wallet(11), release_block(id, of_rest)).ok());
    EXPECT_TRUE(chain.record<CertifiedBlock>(key::block(id)).released);
}

TEST_F(Certificates, parts_of_nothing_and_of_too_much_are_refused) {
    const auto good = certificate(everybody());
    const auto price = chain.ledger.genesis().storage_price_per_kib;
    const PaidPart empty[] = {{content, 0}};
    const PaidPart large[] = {{content, good.length + 1}};
    const PaidPart twice[] = {{content, 10}, {content, 10}};
    EXPECT_FALSE(chain.send(wallet(10), certify(good, {}, Amount())).ok());
    EXPECT_FALSE(chain.send(wallet(10), certify(good, empty, Amount())).ok());
    EXPECT_FALSE(chain.send(wallet(10), certify(good, large, price.times(5).value())).ok());
    EXPECT_FALSE(chain.send(wallet(10), certify(good, twice, price.times(2).value())).ok());
    EXPECT_TRUE(submit(good).ok());
}

// An object's blocks in one call: all of them or none.
TEST_F(Certificates, many_blocks_are_paid_for_at_once_or_not_at_all) {
    const auto first = certificate(everybody());
    auto second = first;
    second.id.bytes[7] ^= 1;
    second.length = 1500;
    open_leaves(second);
    sign(second, everybody());
    const auto price = chain.ledger.genesis().storage_price_per_kib;
    const auto a = digest_of("a"), b = digest_of("b");
    const auto one = first.encode(), two = second.encode();
    const auto send = [&](const std::vector<PaidBlock>& blocks, unsigned kib) {
        return chain.send(wallet(10), certify_all(blocks, price.times(kib).value()));
    };
    const auto stored = [&](const block::Certificate& of) {
        return read<CertifiedBlock>(chain.ledger.state(), key::block(of.id)).value();
    };

    auto forged = second;
    forged.signature = nodes[0].bls.sign(as_bytes("no"));
    EXPECT_EQ(send({{one, {a, 1000}}, {forged.encode(), {a, 1500}}}, 3).error().kind,
              ErrorKind::permission_denied);
    EXPECT_FALSE(send({{one, {a, 1000}}, {two, {a, 1501}}}, 3).ok());
    EXPECT_FALSE(send({{one, {a, 1000}}, {two, {a, 1500}}}, 2).ok());  // the price is 3 KiB's
    EXPECT_FALSE(send({{one, {a, 1000}}, {one, {a, 1000}}}, 2).ok());
    EXPECT_FALSE(send({}, 0).ok());
    EXPECT_FALSE(stored(first));
    EXPECT_EQ(chain.balance(module::storage()), Amount());

    ASSERT_TRUE(send({{one, {a, 1000}}, {two, {a, 1500}}, {one, {b, 2000}}}, 5).ok());
    EXPECT_EQ(stored(first)->paid_bytes, 3000u);
    EXPECT_EQ(stored(first)->parts, 2u);
    EXPECT_EQ(stored(second)->paid_bytes, 1500u);
    EXPECT_EQ(chain.balance(module::storage()), Amount());
    EXPECT_EQ(send({{two, {a, 1}}, {one, {a, 1}}}, 2).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(stored(first)->paid_bytes, 3000u);
}

TEST_F(Certificates, at_most_sixty_four_blocks_are_paid_for_at_once) {
    const auto good = certificate(everybody());
    const auto price = chain.ledger.genesis().storage_price_per_kib;
    std::vector<PaidBlock> blocks;
    for (unsigned i = 0; i <= kCertificatesMax; ++i)
        blocks.push_back({good.encode(), {digest_of("part " + std::to_string(i)), 70}});
    const auto send = [&] {
        return chain.send(wallet(10), certify_all(blocks, price.times(blocks.size()).value()));
    };
    EXPECT_EQ(send().error().kind, ErrorKind::corrupt);
    blocks.pop_back();
    EXPECT_TRUE(send().ok());
    EXPECT_EQ(chain.record<CertifiedBlock>(key::block(id)).parts, kCertificatesMax);
}

TEST_F(Certificates, a_call_with_fewer_parts_than_certificates_is_refused) {
    abi::Writer out(signature::kCertifyAll);
    const auto good = certificate(everybody()).encode();
    out.bytes_list({good, good}).numbers({10}).bytes32s({content});
    const auto price = chain.ledger.genesis().storage_price_per_kib;
    const auto status = chain.send(wallet(10), {module::storage(), price, std::move(out).take()});
    EXPECT_EQ(status.error().message, "each certificate needs one part: there are 2 and 1");
}

TEST_F(Certificates, an_epoch_without_nodes_certifies_nothing) {
    for (const auto& node : nodes) ASSERT_TRUE(chain.send(node.key, leave_network()).ok());
    auto nobody = certificate(everybody());
    nobody.epoch = epoch_of(chain);
    nobody.signers.clear();
    EXPECT_FALSE(submit(nobody).ok());
}

}  // namespace
}  // namespace mutirao::ledger
