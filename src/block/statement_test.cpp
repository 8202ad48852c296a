// What a node that checks a share knows: honest blocks pass, and no flipped bit does.
#include "block/statement.hpp"

#include <gtest/gtest.h>

#include "block/stated_block_test.hpp"

namespace mutirao::block {
namespace {

const CodedBlock& small() {
    static const CodedBlock coded = code(20000);
    return coded;
}

TEST(Statement, every_slot_of_an_honest_block_passes) {
    for (const std::size_t size : {0, 1, 20000, 300000, 1 << 20}) {
        const auto coded = code(size);
        const auto check = open(coded);
        EXPECT_EQ(slots_passing(check, coded), kSlotCount) << size;
        EXPECT_TRUE(check_commitment(coded.statement).ok()) << size;
    }
}

TEST(Statement, of_the_largest_block_passes) {
    auto coded = code(kBlockSizeMax);
    EXPECT_EQ(coded.statement.header.rows, 3072u);
    const auto check = open(coded);
    EXPECT_TRUE(check.check_slot(255, slot_rows(coded, 255)).ok());
    row_of(coded, 3071).back() ^= 0x80;
    EXPECT_FALSE(check.check_slot(255, slot_rows(coded, 255)).ok());
}

TEST(Statement, code_block_chooses_the_shape_and_keeps_the_rest_of_the_header) {
    Header header;
    header.data_rows = 77;
    header.length = 1;
    header.cipher = Cipher::aes_256_gcm;
    header.key_commitment.bytes.fill(1);
    header.extra.bytes.fill(2);
    const auto coded = code_block(content_of(20000), header).value();
    auto expected = header_for(20000).value();
    expected.cipher = header.cipher;
    expected.key_commitment = header.key_commitment;
    expected.extra = header.extra;
    EXPECT_EQ(coded.statement.header, expected);
    EXPECT_EQ(code_block(Bytes(kBlockSizeMax + 1), {}).error().kind, ErrorKind::invalid_argument);
    header.version = Profile::sampled;
    expected = header_for(20000, Profile::sampled).value();
    expected.cipher = header.cipher;
    expected.key_commitment = header.key_commitment;
    expected.extra = header.extra;
    EXPECT_EQ(code_block(content_of(20000), header)->statement.header, expected);
    header.version = static_cast<Profile>(3);
    EXPECT_EQ(code_block({}, header).error().kind, ErrorKind::invalid_argument);
}

TEST(Statement, encoding_comes_back_and_nothing_else_is_taken) {
    const auto& statement = small().statement;
    auto bytes = statement.encode();
    ASSERT_EQ(bytes.size(), Header::kSize + 256 * 32 + 48 + 256 * 16);
    const auto decoded = Statement::decode(bytes).value();
    EXPECT_EQ(decoded.encode(), bytes);
    EXPECT_EQ(decoded.id(), statement.id());
    for (std::size_t size = 0; size < bytes.size(); size += 97)
        EXPECT_EQ(Statement::decode(ByteSpan(bytes).first(size)).error().kind, ErrorKind::corrupt);
    bytes.push_back(0);
    EXPECT_FALSE(Statement::decode(bytes).ok());
}

TEST(Statement, id_depends_on_every_part) {
    const auto id = small().statement.id();
    auto other = small().statement;
    other.header.extra.bytes[0] ^= 1;
    EXPECT_NE(other.id(), id) << "header";
    other = small().statement;
    std::swap(other.leaves[0], other.leaves[1]);
    EXPECT_NE(other.id(), id) << "order of leaves";
    other = small().statement;
    other.commitment.bytes[47] ^= 1;
    EXPECT_NE(other.id(), id) << "commitment";
    other = small().statement;
    other.folds.back() ^= 1;
    EXPECT_NE(other.id(), id) << "folds";
}

// Every bit of header and commitment, and every 29th bit of leaves and folds.
TEST(Statement, a_flipped_bit_does_not_open_under_the_block_id) {
    const auto id = small().statement.id();
    const auto bytes = small().statement.encode();
    const std::size_t commitment_at = Header::kSize + kSlotCount * 32;
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        const auto byte = bit / 8;
        const bool dense =
            byte < Header::kSize || (byte >= commitment_at && byte < commitment_at + 48);
        if (!dense && bit % 29 != 0) continue;
        auto flipped = bytes;
        flip(flipped, bit);
        auto decoded = Statement::decode(flipped);
        if (!decoded.ok()) continue;  // already refused
        const auto check = StatementCheck::open(id, std::move(decoded).value());
        ASSERT_FALSE(check.ok()) << bit;
        ASSERT_EQ(check.error().kind, ErrorKind::corrupt);
    }
}

TEST(Statement, a_flipped_bit_of_any_row_of_a_slot_is_found) {
    auto coded = small();
    const auto check = open(coded);
    for (std::uint32_t index = 5; index < coded.statement.header.rows; index += kSlotCount) {
        const auto row = row_of(coded, index);
        for (std::size_t bit = 0; bit < row.size() * 8; ++bit) {
            flip(row, bit);
            ASSERT_FALSE(check.check_slot(5, slot_rows(coded, 5)).ok()) << index << ' ' << bit;
            flip(row, bit);
        }
    }
    EXPECT_TRUE(check.check_slot(5, slot_rows(coded, 5)).ok());
}

TEST(Statement, rows_in_the_wrong_place_number_or_size_are_refused) {
    const auto check = open(small());
    auto rows = slot_rows(small(), 5);
    EXPECT_FALSE(check.check_slot(6, rows).ok()) << "another slot";
    EXPECT_FALSE(check.check_slot(kSlotCount, rows).ok()) << "no slot";
    EXPECT_FALSE(check.check_slot(5, std::span(rows).first(2)).ok()) << "too few";
    std::swap(rows[0], rows[1]);
    EXPECT_FALSE(check.check_slot(5, rows).ok()) << "order";
    std::swap(rows[0], rows[1]);
    rows[2] = rows[2].first(rows[2].size() - 1);
    EXPECT_FALSE(check.check_slot(5, rows).ok()) << "size";
}

TEST(Statement, some_rows_of_a_slot_are_checked_against_all_its_digests) {
    const auto& coded = small();
    const auto check = open(coded);
    auto digests = slot_digests(coded, 9);
    const auto passes = [&](std::uint32_t slot, std::uint32_t index, ByteSpan bytes) {
        const coding::Row row{index, bytes};
        return check.check_rows(slot, digests, {&row, 1}).ok();
    };
    EXPECT_TRUE(check.check_rows(9, digests, {}).ok());
    for (const std::uint32_t index : {9u, 9u + 256, 9u + 512})
        EXPECT_TRUE(passes(9, index, coded.row(index)));
    EXPECT_FALSE(passes(9, 9, coded.row(9 + 256))) << "another row of the slot";
    EXPECT_FALSE(passes(9, 10, coded.row(10))) << "a row of another slot";
    EXPECT_FALSE(passes(9, 9 + 768, coded.row(9))) << "past the last row";
    EXPECT_FALSE(passes(9, 9, coded.row(9).first(127))) << "short";
    EXPECT_FALSE(passes(10, 9, coded.row(9))) << "digests of another slot";
    digests[2].bytes[0] ^= 1;
    EXPECT_FALSE(passes(9, 9, coded.row(9))) << "digests that are not the stated ones";
    digests.pop_back();
    EXPECT_FALSE(passes(9, 9, coded.row(9))) << "a digest missing";
}

}  // namespace
}  // namespace mutirao::block
