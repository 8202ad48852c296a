// What a StorageNode promises to dispersers and readers: it takes only what was committed to, and
// signs only what survives a power cut.
#include "storage/storage_node.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <thread>

#include "base/memory_disk.hpp"
#include "base/random.hpp"
#include "crypto/hash.hpp"

namespace mutirao::storage {
namespace {

constexpr std::uint64_t kChain = 8021;
constexpr std::uint64_t kEpoch = 4;
constexpr std::uint64_t kSoloEpoch = 5;     // this node alone holds everything
constexpr std::uint64_t kForeignEpoch = 6;  // this node is no member

Bytes random_bytes(std::size_t size, std::uint64_t seed) {
    Bytes out(size);
    SeededRandom(seed).fill(out);
    return out;
}

block::CodedBlock code(ByteSpan content) { return block::code_block(content, {}).value(); }

const block::CodedBlock& small_block() {
    static const block::CodedBlock block = code(random_bytes(5000, 1));
    return block;
}

Address address(std::uint8_t n) {
    Address out;
    out.bytes.fill(n);
    return out;
}

class FixedMemberships final : public Memberships {
  public:
    FixedMemberships() {
        add(kEpoch, {1, 2, 3});
        add(kSoloEpoch, {1});
        add(kForeignEpoch, {2, 3});
    }
    Result<std::shared_ptr<const placement::Placement>> placement(std::uint64_t epoch) override {
        const auto at = epochs_.find(epoch);
        if (at == epochs_.end())
            return Error{ErrorKind::not_found, "epoch " + std::to_string(epoch) + " is not known"};
        return at->second;
    }

  private:
    void add(std::uint64_t epoch, std::initializer_list<std::uint8_t> nodes) {
        placement::Membership members{epoch, {}};
        for (const auto n : nodes) members.members.push_back({address(n), 1, ""});
        epochs_[epoch] = std::make_shared<const placement::Placement>(
            placement::Placement::make(std::move(members)).value());
    }
    std::map<std::uint64_t, std::shared_ptr<const placement::Placement>> epochs_;
};

struct Node {
    Node() { restart(); }
    // Opens store and node again on the same disk.
    void restart() {
        node.reset();
        store = FragmentStore::open(disk, random).value();
        const auto secret = random_bytes(32, 42);
        node = std::make_unique<StorageNode>(
            *store, memberships(),
            NodeIdentity{address(1), kChain, crypto::BlsSecretKey::generate(secret).value()});
    }
    static FixedMemberships& memberships() {
        static FixedMemberships shared;
        return shared;
    }
    static std::vector<std::uint32_t> own_slots(const BlockId& id, std::uint64_t epoch = kEpoch) {
        return memberships().placement(epoch).value()->slots_of(id, 0);
    }
    Status open(const block::CodedBlock& block, std::uint64_t epoch = kEpoch) {
        return node->open_block(block.statement.id(), block.statement.encode(), epoch);
    }
    Status put(const block::CodedBlock& block, std::uint32_t slot);
    std::size_t slots_served(const BlockId& id, std::span<const std::uint32_t> rows) {
        const auto bytes = node->read_rows(id, rows).value();
        return block::ServedMessage::decode(bytes).value().slots.size();
    }
    static std::vector<crypto::BlsVerifiedKey> keys() {
        const auto key = crypto::BlsSecretKey::generate(random_bytes(32, 42)).value().public_key();
        return {crypto::BlsVerifiedKey::possession_shown(key).value()};
    }
    // All of it; then it can be signed.
    void take(const block::CodedBlock& block) {
        ASSERT_TRUE(open(block).ok());
        for (const auto slot : own_slots(block.statement.id())) ASSERT_TRUE(put(block, slot).ok());
    }

    MemoryDisk disk;
    SeededRandom random{3};
    std::unique_ptr<FragmentStore> store;
    std::unique_ptr<StorageNode> node;
};

Bytes slot_rows(const block::CodedBlock& block, std::uint32_t slot) {
    Bytes out;
    for (auto row = slot; row < block.statement.header.rows; row += block::kSlotCount) {
        const auto bytes = block.row(row);
        out.insert(out.end(), bytes.begin(), bytes.end());
    }
    return out;
}

Status Node::put(const block::CodedBlock& block, std::uint32_t slot) {
    return node->put_slot(block.statement.id(), slot, slot_rows(block, slot));
}

TEST(StorageNode, signs_a_block_once_all_its_slots_are_here) {
    Node node;
    node.take(small_block());
    const auto& statement = small_block().statement;
    const auto signature = node.node->sign(statement.id(), kEpoch).value();
    const auto key = crypto::BlsSecretKey::generate(random_bytes(32, 42)).value().public_key();
    EXPECT_TRUE(crypto::verify(
        key, block::availability_message(kChain, block::certificate_for(statement, kEpoch)),
        signature));
    EXPECT_EQ(node.node->statement(statement.id()).value(), statement.encode());
    const auto usage = node.node->usage();
    EXPECT_EQ(usage.blocks, 1u);
    EXPECT_EQ(usage.slots, Node::own_slots(statement.id()).size());
    EXPECT_EQ(usage.damaged, 0u);
}

block::ShareMessage whole_share(const block::CodedBlock& block, const Bytes& statement) {
    const auto id = block.statement.id();
    block::ShareMessage share{id, kEpoch, true, statement, {}};
    for (const auto slot : Node::own_slots(share.id)) share.slots.push_back(block.slot(slot));
    return share;
}

TEST(StorageNode, takes_a_share_with_its_statement_at_once_and_signs_it) {
    Node node;
    const auto& block = small_block();
    const auto statement = block.statement.encode();
    const auto share = whole_share(block, statement);
    const auto signature = node.node->put_share(share).value();
    ASSERT_TRUE(signature.has_value());
    EXPECT_EQ(*signature, node.node->sign(share.id, kEpoch).value());
    EXPECT_EQ(node.slots_served(share.id, Node::own_slots(share.id)), share.slots.size());
    EXPECT_EQ(*node.node->put_share(share).value(), *signature) << "again is fine";
    node.disk.restart();
    node.restart();
    EXPECT_EQ(node.node->sign(share.id, kEpoch).value(), *signature);
}

TEST(StorageNode, takes_a_share_in_parts_and_asks_for_the_statement_when_it_has_none) {
    Node node;
    const auto& block = small_block();
    const auto statement = block.statement.encode();
    const auto whole = whole_share(block, statement);
    auto first = whole, second = whole;
    first.sign = false;
    first.slots.resize(1);
    second.slots.erase(second.slots.begin());
    second.statement = {};
    EXPECT_EQ(node.node->put_share(second).error().kind, ErrorKind::not_found);
    EXPECT_FALSE(node.node->put_share(first).value().has_value());
    EXPECT_TRUE(node.node->put_share(second).value().has_value());
}

TEST(StorageNode, a_share_with_one_bad_row_or_a_foreign_slot_is_refused_whole) {
    Node node;
    const auto& block = small_block();
    const auto statement = block.statement.encode();
    auto bad = whole_share(block, statement);
    auto row = to_bytes(bad.slots.back().rows[1]);
    row[7] ^= 1;
    bad.slots.back().rows[1] = row;
    EXPECT_EQ(node.node->put_share(bad).error().kind, ErrorKind::corrupt);
    auto foreign = whole_share(block, statement);
    std::uint32_t slot = 0;
    const auto own = Node::own_slots(foreign.id);
    while (std::binary_search(own.begin(), own.end(), slot)) ++slot;
    foreign.slots.push_back(block.slot(slot));
    EXPECT_EQ(node.node->put_share(foreign).error().kind, ErrorKind::permission_denied);
    EXPECT_EQ(node.node->usage().slots, 0u);
}

TEST(StorageNode, does_not_sign_before_all_slots_are_here_and_says_how_many_are_missing) {
    Node node;
    const auto& block = small_block();
    const auto id = block.statement.id();
    const auto slots = Node::own_slots(id);
    ASSERT_TRUE(node.open(block).ok());
    for (std::size_t i = 0; i < slots.size(); ++i) {
        const auto result = node.node->sign(id, kEpoch);
        ASSERT_FALSE(result.ok());
        EXPECT_EQ(result.error().kind, ErrorKind::unavailable);
        EXPECT_EQ(result.error().message.find(std::to_string(slots.size() - i) + " of " +
                                              std::to_string(slots.size())),
                  0u);
        ASSERT_TRUE(node.put(block, slots[i]).ok());
    }
    EXPECT_TRUE(node.node->sign(id, kEpoch).ok());
}

TEST(StorageNode, what_it_signed_survives_a_power_cut) {
    Node node;
    node.take(small_block());
    const auto id = small_block().statement.id();
    ASSERT_TRUE(node.node->sign(id, kEpoch).ok());
    node.disk.restart();
    node.restart();
    EXPECT_TRUE(node.node->sign(id, kEpoch).ok());
    EXPECT_EQ(node.slots_served(id, Node::own_slots(id)), Node::own_slots(id).size());
}

TEST(StorageNode, does_not_sign_when_the_disk_cannot_sync) {
    Node node;
    node.take(small_block());
    node.disk.fail_syncs(true);
    EXPECT_EQ(node.node->sign(small_block().statement.id(), kEpoch).error().kind, ErrorKind::io);
}

TEST(StorageNode, takes_slots_twice_and_blocks_it_has_already) {
    Node node;
    node.take(small_block());
    const auto stored = node.disk.bytes_stored();
    node.take(small_block());
    node.restart();
    node.take(small_block());
    EXPECT_EQ(node.disk.bytes_stored(), stored);
}

TEST(StorageNode, refuses_slots_of_other_nodes_and_of_blocks_that_are_not_open) {
    Node node;
    const auto& block = small_block();
    const auto id = block.statement.id();
    const auto own = Node::own_slots(id);
    EXPECT_EQ(node.put(block, own[0]).error().kind, ErrorKind::not_found);
    ASSERT_TRUE(node.open(block).ok());
    for (std::uint32_t slot = 0; slot < block::kSlotCount; ++slot) {
        const bool ours = std::binary_search(own.begin(), own.end(), slot);
        const auto status = node.put(block, slot);
        EXPECT_EQ(status.ok(), ours);
        EXPECT_TRUE(ours || status.error().kind == ErrorKind::permission_denied);
    }
    for (const std::uint32_t slot : {256u, 0xffffffffu})
        EXPECT_EQ(node.node->put_slot(id, slot, slot_rows(block, 0)).error().kind,
                  ErrorKind::permission_denied);
}

TEST(StorageNode, refuses_slots_of_a_wrong_size) {
    Node node;
    const auto& block = small_block();
    const auto slot = Node::own_slots(block.statement.id())[0];
    ASSERT_TRUE(node.open(block).ok());
    auto rows = slot_rows(block, slot);
    for (const std::size_t size : {std::size_t{0}, rows.size() - 1, rows.size() + 1}) {
        rows.resize(size);
        EXPECT_EQ(node.node->put_slot(block.statement.id(), slot, rows).error().kind,
                  ErrorKind::invalid_argument);
    }
}

TEST(StorageNode, refuses_a_slot_with_any_one_bit_flipped) {
    Node node;
    const auto& block = small_block();
    const auto id = block.statement.id();
    const auto slot = Node::own_slots(id)[0];
    ASSERT_TRUE(node.open(block).ok());
    auto rows = slot_rows(block, slot);
    for (std::size_t bit = 0; bit < rows.size() * 8; ++bit) {
        rows[bit / 8] = static_cast<std::uint8_t>(rows[bit / 8] ^ 1u << bit % 8);
        ASSERT_EQ(node.node->put_slot(id, slot, rows).error().kind, ErrorKind::corrupt);
        rows[bit / 8] = static_cast<std::uint8_t>(rows[bit / 8] ^ 1u << bit % 8);
    }
    EXPECT_FALSE(node.store->contains(id, slot));
    EXPECT_EQ(node.disk.bytes_stored(), kSegmentHeaderSize);  // the key file only
}

// A disperser that commits honestly to rows that are not the code's: every hash fits, and only the
// fold shows that the row is junk.
block::CodedBlock with_junk_row(block::CodedBlock block, std::uint32_t row) {
    auto& statement = block.statement;
    const auto& header = statement.header;
    block.rows[std::size_t{row} * header.row_size + 3] ^= 1;
    for (std::uint32_t slot = 0; slot < header.slots; ++slot) {
        std::vector<Digest> digests;
        for (auto i = slot; i < header.rows; i += header.slots)
            digests.push_back(block::row_digest(block.row(i)));
        statement.leaves[slot] = block::slot_leaf(slot, digests);
    }
    std::vector<crypto::Scalar> scalars;
    for (const auto& leaf : statement.leaves) scalars.push_back(crypto::to_scalar(leaf));
    statement.commitment = crypto::commit(scalars);
    auto seed = header.encode();
    const auto root = statement.root();
    seed.insert(seed.end(), root.bytes.begin(), root.bytes.end());
    Bytes challenge(std::size_t{coding::kFoldCoordinates} * header.row_size);
    crypto::blake3_keyed_xof(crypto::domain_key("fold"), seed, challenge);
    for (std::uint32_t i = 0; i < header.data_rows; ++i)
        coding::fold_row(block.row(i), challenge,
                         MutableByteSpan(statement.folds)
                             .subspan(std::size_t{i} * coding::kFoldSize, coding::kFoldSize));
    return block;
}

TEST(StorageNode, refuses_a_committed_row_that_is_not_of_the_code) {
    Node node;
    const std::uint32_t slot = 17;
    const auto block = with_junk_row(small_block(), slot + 2 * block::kSlotCount);
    ASSERT_TRUE(node.open(block, kSoloEpoch).ok());
    for (std::uint32_t s = 0; s < block::kSlotCount; ++s) {
        const auto status = node.put(block, s);
        EXPECT_EQ(status.ok(), s != slot) << "slot " << s;
        if (s != slot) continue;
        EXPECT_EQ(status.error().kind, ErrorKind::corrupt);
        EXPECT_NE(status.error().message.find("does not belong to the code"), std::string::npos);
    }
    EXPECT_EQ(node.node->sign(block.statement.id(), kSoloEpoch).error().kind,
              ErrorKind::unavailable);
}

TEST(StorageNode, refuses_a_block_of_version_2_by_name) {
    Node node;
    block::Header header;
    header.version = block::Profile::sampled;
    const auto block = block::code_block(random_bytes(5000, 1), header).value();
    const auto refused = node.open(block);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::unimplemented);
    EXPECT_NE(refused.error().message.find("version 2"), std::string::npos);
    EXPECT_EQ(node.put(block, 0).error().kind, ErrorKind::not_found);
}

TEST(StorageNode, refuses_statements_that_are_garbage_or_of_another_block) {
    Node node;
    const auto bytes = small_block().statement.encode();
    const auto id = small_block().statement.id();
    for (const std::size_t size : {std::size_t{0}, std::size_t{10}, bytes.size() - 1})
        EXPECT_EQ(node.node->open_block(id, ByteSpan(bytes).first(size), kEpoch).error().kind,
                  ErrorKind::corrupt);
    EXPECT_EQ(node.node->open_block(id, random_bytes(bytes.size(), 2), kEpoch).error().kind,
              ErrorKind::corrupt);
    auto changed = bytes;
    for (std::size_t at = 0; at < changed.size(); at += 97) {
        changed[at] ^= 0x10;
        EXPECT_EQ(node.node->open_block(id, changed, kEpoch).error().kind, ErrorKind::corrupt);
        changed[at] ^= 0x10;
    }
    EXPECT_EQ(node.node->usage().blocks, 0u);
}

TEST(StorageNode, signs_for_its_leaves_so_that_no_other_commitment_is_certified) {
    Node node;
    auto block = small_block();
    block.statement.commitment = code(random_bytes(10, 9)).statement.commitment;
    node.take(block);  // under its own, changed id
    auto certificate = block::certificate_for(block.statement, kEpoch);
    certificate.signature = node.node->sign(certificate.id, kEpoch).value();
    certificate.opening = block::open_leaves(block.statement, certificate.id);
    EXPECT_EQ(block::verify_certificate(certificate, kChain, node.keys()).error().kind,
              ErrorKind::permission_denied);

    node.take(small_block());
    auto honest = block::certificate_for(small_block().statement, kEpoch);
    honest.signature = node.node->sign(honest.id, kEpoch).value();
    honest.opening = block::open_leaves(small_block().statement, honest.id);
    EXPECT_TRUE(block::verify_certificate(honest, kChain, node.keys()).ok());
}

TEST(StorageNode, refuses_epochs_that_it_does_not_know_or_is_not_in) {
    Node node;
    EXPECT_EQ(node.open(small_block(), 99).error().kind, ErrorKind::not_found);
    EXPECT_EQ(node.open(small_block(), kForeignEpoch).error().kind, ErrorKind::permission_denied);
    node.take(small_block());
    const auto id = small_block().statement.id();
    EXPECT_EQ(node.node->sign(id, 99).error().kind, ErrorKind::not_found);
    EXPECT_EQ(node.node->sign(id, kForeignEpoch).error().kind, ErrorKind::permission_denied);
    // In the solo epoch all 256 slots are this node's, and most are missing.
    EXPECT_EQ(node.node->sign(id, kSoloEpoch).error().kind, ErrorKind::unavailable);
}

TEST(StorageNode, serves_rows_with_what_a_reader_needs_to_check_them) {
    Node node;
    const auto& block = small_block();
    const auto id = block.statement.id();
    node.take(block);
    const auto own = Node::own_slots(id);
    std::vector<std::uint32_t> asked;
    for (std::uint32_t row = 0; row < block.statement.header.rows; ++row) asked.push_back(row);
    asked.push_back(own[0]);  // twice
    const auto bytes_served = node.node->read_rows(id, asked).value();
    const auto served = block::ServedMessage::decode(bytes_served).value().slots;
    const auto check = block::StatementCheck::open(id, block.statement).value();
    std::vector<std::uint32_t> slots;
    for (const auto& slot : served) {
        slots.push_back(slot.slot);
        for (const auto& [index, bytes] : slot.rows)
            EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), block.row(index).begin()));
        EXPECT_EQ(slot.rows.size(), block.statement.header.rows_per_slot());
        EXPECT_TRUE(check.check_rows(slot.slot, slot.digests, slot.rows).ok());
    }
    EXPECT_EQ(slots, own);
}

TEST(StorageNode, says_which_block_or_row_is_not_here) {
    Node node;
    const auto& block = small_block();
    const auto id = block.statement.id();
    const std::vector<std::uint32_t> none, first{0}, beyond{768};
    for (const auto& error :
         {node.node->statement(id).error(), node.node->read_rows(id, first).error(),
          node.node->sign(id, kEpoch).error(), node.node->drop(id).error()})
        EXPECT_NE(error.message.find(id.hex()), std::string::npos);
    EXPECT_EQ(node.node->read_rows(id, first).error().kind, ErrorKind::not_found);
    node.take(block);
    EXPECT_EQ(node.node->read_rows(id, beyond).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(node.slots_served(id, none), 0u);
    std::uint32_t foreign = 0;
    while (node.store->contains(id, foreign)) ++foreign;
    EXPECT_EQ(node.node->read_rows(id, std::vector<std::uint32_t>{foreign}).error().kind,
              ErrorKind::not_found);
}

TEST(StorageNode, refuses_replies_over_their_limit) {
    Node node;
    const auto block = code(random_bytes(8 << 20, 5));  // 3072 rows of 8 KiB
    ASSERT_EQ(block.statement.header.row_size, 8192u);
    ASSERT_TRUE(node.open(block, kSoloEpoch).ok());
    ASSERT_TRUE(node.put(block, 0).ok());
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row <= kServedBytesMax / 8192; ++row) rows.push_back(row);
    const auto id = block.statement.id();
    EXPECT_EQ(node.node->read_rows(id, rows).error().kind, ErrorKind::invalid_argument);
    rows.pop_back();
    EXPECT_EQ(node.slots_served(id, rows), 1u);
}

TEST(StorageNode, damaged_rows_are_never_served_and_can_be_put_again) {
    Node node;
    const auto& block = small_block();
    const auto id = block.statement.id();
    node.take(block);
    const auto slot = Node::own_slots(id)[0];
    // The first record after the header is the statement, then comes the first slot: one of its
    // digests, then one of its rows.
    const auto start = kSegmentHeaderSize + kRecordHeaderSize + block.statement.encode().size() +
                       kCheckSize + kRecordHeaderSize;
    std::uint64_t damaged = 0;
    for (const std::size_t at : {std::size_t{40}, std::size_t{100}}) {
        ASSERT_TRUE(node.disk.flip_bit("segments/00000001.seg", (start + at) * 8));
        EXPECT_EQ(node.node->read_rows(id, std::vector<std::uint32_t>{slot}).error().kind,
                  ErrorKind::corrupt);
        EXPECT_EQ(node.node->usage().damaged, ++damaged);
        EXPECT_EQ(node.node->sign(id, kEpoch).error().kind, ErrorKind::unavailable);
        ASSERT_TRUE(node.put(block, slot).ok());
        EXPECT_TRUE(node.node->sign(id, kEpoch).ok());
        if (at == 40) {  // the next round looks at the first record again
            ASSERT_TRUE(node.disk.flip_bit("segments/00000001.seg", (start + at) * 8));
            node.restart();
            ASSERT_TRUE(node.open(block).ok());
            damaged = 0;
        }
    }
}

TEST(StorageNode, a_full_disk_refuses_the_block_and_keeps_the_others) {
    Node node;
    node.take(small_block());
    const auto first = small_block().statement.id();
    ASSERT_TRUE(node.node->sign(first, kEpoch).ok());
    const auto second = code(random_bytes(6000, 2));
    ASSERT_TRUE(node.open(second).ok());
    node.disk.set_capacity(node.disk.bytes_stored() + 15000);
    Status status;
    for (const auto slot : Node::own_slots(second.statement.id()))
        if (status.ok()) status = node.put(second, slot);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().kind, ErrorKind::resource_exhausted);
    EXPECT_EQ(node.node->sign(second.statement.id(), kEpoch).error().kind, ErrorKind::unavailable);
    EXPECT_EQ(node.slots_served(first, Node::own_slots(first)), Node::own_slots(first).size());
    node.disk.set_capacity(~std::uint64_t{0});
    node.take(second);
    EXPECT_TRUE(node.node->sign(second.statement.id(), kEpoch).ok());
}

TEST(StorageNode, a_dropped_block_is_gone_also_after_a_restart) {
    Node node;
    node.take(small_block());
    const auto id = small_block().statement.id();
    ASSERT_TRUE(node.node->sign(id, kEpoch).ok());
    ASSERT_TRUE(node.node->drop(id).ok());
    node.disk.restart();
    node.restart();
    EXPECT_EQ(node.node->statement(id).error().kind, ErrorKind::not_found);
    EXPECT_EQ(node.node->usage().bytes, 0u);
    node.take(small_block());
    EXPECT_TRUE(node.node->sign(id, kEpoch).ok());
}

TEST(StorageNode, keeps_only_so_many_blocks_open_and_closes_the_least_used) {
    Node node;
    std::vector<block::CodedBlock> blocks;
    for (std::size_t i = 0; i <= kOpenBlocksMax; ++i) blocks.push_back(code(random_bytes(i, i)));
    for (std::size_t i = 0; i < kOpenBlocksMax; ++i)
        ASSERT_TRUE(node.open(blocks[i], kSoloEpoch).ok());
    ASSERT_TRUE(node.put(blocks[0], 1).ok());  // used: blocks[1] is the oldest now
    ASSERT_TRUE(node.open(blocks.back(), kSoloEpoch).ok());
    EXPECT_TRUE(node.put(blocks[0], 2).ok());
    EXPECT_EQ(node.put(blocks[1], 2).error().kind, ErrorKind::not_found);
    ASSERT_TRUE(node.open(blocks[1], kSoloEpoch).ok());
    EXPECT_TRUE(node.put(blocks[1], 2).ok());
}

TEST(StorageNode, two_dispersers_of_two_blocks_at_once) {
    Node node;
    const std::vector<block::CodedBlock> blocks{small_block(), code(random_bytes(7000, 8))};
    std::vector<std::thread> threads;
    for (const auto& block : {blocks[0], blocks[1], blocks[0], blocks[1]})
        threads.emplace_back([&node, block] {
            const auto id = block.statement.id();
            EXPECT_TRUE(node.open(block).ok());
            for (const auto slot : Node::own_slots(id)) EXPECT_TRUE(node.put(block, slot).ok());
            EXPECT_TRUE(node.node->sign(id, kEpoch).ok());
            EXPECT_TRUE(node.node->read_rows(id, Node::own_slots(id)).ok());
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(node.node->usage().blocks, 2u);
}

TEST(StorageNode, shows_any_row_that_it_holds_and_none_that_it_does_not) {
    Node node;
    const auto block = small_block();
    const auto id = block.statement.id();
    const auto own = Node::own_slots(id);
    EXPECT_EQ(node.node->prove_slot(id, own[0], {}).error().kind, ErrorKind::not_found);
    ASSERT_TRUE(node.open(block).ok());
    ASSERT_TRUE(node.put(block, own[0]).ok());
    for (std::uint8_t i = 0; i < 8; ++i) {
        Digest draw;
        draw.bytes[0] = i;
        const auto proof = node.node->prove_slot(id, own[0], draw);
        ASSERT_TRUE(proof.ok()) << proof.error().message;
        EXPECT_TRUE(
            block::verify_slot_proof(block.statement.commitment, own[0], draw, *proof).ok());
    }
    EXPECT_EQ(node.node->prove_slot(id, own[1], {}).error().kind, ErrorKind::not_found);
    EXPECT_EQ(node.node->prove_slot(id, 256, {}).error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace mutirao::storage
