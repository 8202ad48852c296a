#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <mutex>
#include <numeric>

#include "coding/coding.hpp"
#include "coding/test_rows.hpp"

namespace mutirao::coding {
namespace {

// Parity row i is the value at w_i of the polynomial of degree < k through the data points.
TEST(ReedSolomon, parity_is_lagrange_interpolation) {
    SeededRandom random(3);
    const Shape shape{64, 200, 128};
    const auto data = random_bytes(64 * 128, random);
    const auto all = encode_all(shape, data);
    for (std::uint32_t row = 64; row < 200; row += 7) {
        F16 expected = 0;
        for (std::uint32_t i = 0; i < 64; ++i) {
            F16 weight = 1;
            for (std::uint32_t j = 0; j < 64; ++j) {
                if (j == i) continue;
                weight = mul16(weight, mul16(static_cast<F16>(point(row) ^ point(j)),
                                             inverse16(static_cast<F16>(point(i) ^ point(j)))));
            }
            const auto value = element(ByteSpan(data).subspan(i * 128, 128), 17);
            expected = static_cast<F16>(expected ^ mul16(weight, value));
        }
        ASSERT_EQ(element(ByteSpan(all).subspan(row * 128, 128), 17), expected) << row;
    }
}

TEST(ReedSolomon, more_rows_only_append) {
    SeededRandom random(4);
    const auto data = random_bytes(128 * 256, random);
    const auto few = encode_all({128, 300, 256}, data), many = encode_all({128, 1000, 256}, data);
    EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
}

// Random sets of exactly k rows, all equally likely.
void expect_any_rows_decode(const Shape& shape, int patterns, std::uint64_t seed) {
    SeededRandom random(seed);
    const auto data = random_bytes(shape.data_size(), random);
    const auto all = encode_all(shape, data);
    std::vector<std::uint32_t> order(shape.rows);
    std::iota(order.begin(), order.end(), 0u);
    Bytes decoded(data.size());
    std::vector<Row> rows(shape.data_rows);
    for (int pattern = 0; pattern < patterns; ++pattern) {
        draw(order, shape.data_rows, random);
        for (std::uint32_t i = 0; i < shape.data_rows; ++i) rows[i] = row_of(shape, all, order[i]);
        ASSERT_TRUE(decode(shape, rows, decoded).ok());
        ASSERT_EQ(decoded, data) << "seed " << seed << " pattern " << pattern;
    }
}

// A million patterns in all, in four tests that run beside each other.
TEST(ReedSolomon, any_k_of_192_rows_decode) { expect_any_rows_decode({64, 192, 128}, 250000, 5); }
TEST(ReedSolomon, any_k_of_128_rows_decode) { expect_any_rows_decode({64, 128, 128}, 250000, 6); }
TEST(ReedSolomon, any_k_of_100_rows_decode) { expect_any_rows_decode({64, 100, 128}, 250000, 7); }
TEST(ReedSolomon, any_k_of_65_rows_decode) { expect_any_rows_decode({64, 65, 128}, 250000, 8); }

TEST(ReedSolomon, any_k_rows_decode_of_middle_sizes) {
    expect_any_rows_decode({128, 1000, 256}, 60, 9);
    expect_any_rows_decode({256, 768, 384}, 60, 10);
    expect_any_rows_decode({512, 4097, 128}, 20, 11);
}

TEST(ReedSolomon, any_1024_of_3072_rows_decode) {
    expect_any_rows_decode({1024, 3072, 128}, 1000, 12);
}

TEST(ReedSolomon, any_k_rows_decode_wide) {
    expect_any_rows_decode({4096, 16384, 128}, 2, 13);
    expect_any_rows_decode({16384, 65536, 128}, 1, 14);
}

// Any wanted rows from any k others, a few (a combination of rows) or many (transforms).
TEST(ReedSolomon, any_rows_are_repaired_from_any_k) {
    SeededRandom random(15);
    for (const Shape shape : {Shape{64, 192, 256}, Shape{256, 300, 128}, Shape{1024, 3072, 128}}) {
        const auto data = random_bytes(shape.data_size(), random);
        const auto all = encode_all(shape, data);
        std::vector<std::uint32_t> order(shape.rows);
        std::iota(order.begin(), order.end(), 0u);
        for (const std::size_t count : {0u, 1u, 3u, 12u, 30u, 64u, 300u}) {
            draw(order, shape.rows, random);
            std::vector<Row> rows;
            for (std::uint32_t i = 0; i < shape.data_rows + count % 3 && i < shape.rows; ++i)
                rows.push_back(row_of(shape, all, order[i]));
            draw(order, std::min<std::size_t>(count, shape.rows), random);
            const auto wanted = std::span(order).first(std::min<std::size_t>(count, shape.rows));
            Bytes out(wanted.size() * shape.row_size);
            ASSERT_TRUE(repair(shape, rows, wanted, out).ok());
            for (std::size_t i = 0; i < wanted.size(); ++i) {
                const auto expected = row_of(shape, all, wanted[i]).bytes;
                ASSERT_TRUE(std::equal(expected.begin(), expected.end(),
                                       out.begin() + static_cast<long>(i * shape.row_size)))
                    << "k " << shape.data_rows << " row " << wanted[i] << " of " << count;
            }
        }
    }
}

// Few and many, so that each way of making rows is asked for one of them again.
TEST(ReedSolomon, a_row_that_is_wanted_more_than_once_is_given_as_often) {
    SeededRandom random(19);
    const Shape shape{64, 192, 128};
    const auto all = encode_all(shape, random_bytes(shape.data_size(), random));
    std::vector<Row> spread, coset;
    for (std::uint32_t i = 0; i < 64; ++i) spread.push_back(row_of(shape, all, 3 * i + 1));
    for (std::uint32_t i = 64; i < 128; ++i) coset.push_back(row_of(shape, all, i));
    for (const auto& rows : {spread, coset})
        for (const std::uint32_t count : {1u, 60u}) {
            std::vector<std::uint32_t> wanted;
            for (std::uint32_t i = 0; i < count; ++i)
                wanted.insert(wanted.end(), {3 * i, 191 - i, 3 * i, 3 * i});
            Bytes out(wanted.size() * shape.row_size);
            ASSERT_TRUE(repair(shape, rows, wanted, out).ok());
            for (std::size_t i = 0; i < wanted.size(); ++i)
                ASSERT_EQ(to_bytes(ByteSpan(out).subspan(i * shape.row_size, shape.row_size)),
                          to_bytes(row_of(shape, all, wanted[i]).bytes))
                    << wanted[i] << " of " << count;
        }
}

// Rows m apart, as a slot has them, from the rows of the other slots.
TEST(ReedSolomon, a_slot_is_repaired_from_the_others) {
    SeededRandom random(16);
    const Shape shape{1024, 3072, 256};
    const auto all = encode_all(shape, random_bytes(shape.data_size(), random));
    std::vector<std::uint32_t> slot;
    std::vector<Row> rows;
    for (std::uint32_t i = 0; i < shape.rows; ++i)
        if (i % 256 == 77)
            slot.push_back(i);
        else if (i % 5 != 0)
            rows.push_back(row_of(shape, all, i));
    Bytes out(slot.size() * shape.row_size);
    ASSERT_TRUE(repair(shape, rows, slot, out).ok());
    for (std::size_t i = 0; i < slot.size(); ++i)
        EXPECT_EQ(to_bytes(ByteSpan(out).subspan(i * shape.row_size, shape.row_size)),
                  to_bytes(row_of(shape, all, slot[i]).bytes));
}

TEST(ReedSolomon, several_threads_give_the_same_bytes) {
    SeededRandom random(17);
    for (const std::uint32_t row_size : {128u, 1024u, 2944u, 4096u}) {
        const Shape shape{128, 600, row_size};
        const auto data = random_bytes(shape.data_size(), random);
        const auto all = encode_all(shape, data);
        ThreadExecutor executor;
        const Threads threads{&executor, 3};
        EXPECT_EQ(encode_all(shape, data, threads), all);
        std::vector<Row> rows;
        for (std::uint32_t i = 0; i < shape.data_rows; ++i)
            rows.push_back(row_of(shape, all, 3 * i + 1));
        Bytes decoded(data.size());
        ASSERT_TRUE(decode(shape, rows, decoded, threads).ok());
        EXPECT_EQ(decoded, data);
    }
}

// Every byte of every row once, and the columns of a kilobyte in order from one worker.
TEST(ReedSolomon, an_observer_sees_every_row_once_and_in_order) {
    struct Recorder final : Observer {
        Recorder(const Shape& shape, ByteSpan all)
            : shape(shape), all(all), seen(all.size(), 0), next(shape.rows) {}
        void see(const Piece& piece) override {
            const std::lock_guard lock(mutex);
            EXPECT_EQ(piece.first_row % 64, 0u);
            for (std::uint32_t r = 0; r < piece.rows; ++r) {
                const std::uint32_t row = piece.first_row + r;
                auto& at = next[row][piece.column / 1024];
                EXPECT_EQ(at, piece.column % 1024);
                at += piece.bytes;
                for (std::size_t i = 0; i < piece.bytes; ++i) {
                    const std::size_t place = std::size_t{row} * shape.row_size + piece.column + i;
                    EXPECT_EQ(piece.data[r * piece.stride + i], all[place]);
                    ++seen[place];
                }
            }
        }
        const Shape shape;
        const ByteSpan all;
        Bytes seen;
        std::mutex mutex;
        std::vector<std::map<std::size_t, std::size_t>> next;
    };
    SeededRandom random(18);
    for (const Shape shape : {Shape{64, 192, 2432}, Shape{64, 100, 128}, Shape{1024, 2048, 1024},
                              Shape{256, 1000, 1152}}) {
        const auto data = random_bytes(shape.data_size(), random);
        const auto all = encode_all(shape, data);
        for (const unsigned count : {1u, 3u}) {
            ThreadExecutor executor;
            Recorder recorder(shape, all);
            Bytes parity(shape.parity_size());
            encode(shape, data, parity, {&executor, count}, &recorder);
            EXPECT_TRUE(std::equal(parity.begin(), parity.end(), all.begin() + data.size()));
            EXPECT_EQ(std::count(recorder.seen.begin(), recorder.seen.end(), 1),
                      static_cast<long>(all.size()));
        }
    }
}

TEST(ReedSolomon, a_whole_coset_of_parity_decodes) {
    SeededRandom random(12);
    const Shape shape{64, 192, 640};
    const auto data = random_bytes(64 * 640, random);
    const auto all = encode_all(shape, data);
    std::vector<Row> rows;
    for (std::uint32_t i = 128; i < 192; ++i)
        rows.push_back({i, ByteSpan(all).subspan(std::size_t{i} * 640, 640)});
    Bytes decoded(data.size());
    ASSERT_TRUE(decode(shape, rows, decoded).ok());
    EXPECT_EQ(decoded, data);
}

TEST(ReedSolomon, too_few_or_wrong_rows_are_refused) {
    SeededRandom random(13);
    const Shape shape{64, 192, 128};
    const auto data = random_bytes(64 * 128, random);
    std::vector<Row> rows;
    for (std::uint32_t i = 0; i < 63; ++i)
        rows.push_back({i, ByteSpan(data).subspan(std::size_t{i} * 128, 128)});
    rows.push_back(rows[5]);  // a repeat is no row of its own
    Bytes decoded(data.size());
    auto status = decode(shape, rows, decoded);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().kind, ErrorKind::unavailable);
    EXPECT_NE(status.error().message.find("63 distinct rows of the 64"), std::string::npos);
    rows.push_back({192, rows[0].bytes});
    EXPECT_EQ(decode(shape, rows, decoded).error().kind, ErrorKind::invalid_argument);
    rows.back() = {70, ByteSpan(data).first(127)};
    EXPECT_EQ(decode(shape, rows, decoded).error().kind, ErrorKind::invalid_argument);
    EXPECT_FALSE((Shape{63, 192, 128}).validate().ok());
    EXPECT_FALSE((Shape{64, 64, 128}).validate().ok());
    EXPECT_FALSE((Shape{64, 65537, 128}).validate().ok());
    EXPECT_FALSE((Shape{64, 192, 100}).validate().ok());
}

// The format is agreed between machines: these bytes change only with the protocol's version.
// MUTIRAO_WRITE_VECTORS=1 writes the file anew.
TEST(ReedSolomon, golden_parity_rows) {
    const Shape shape{64, 192, 128};
    Bytes data(64 * 128);
    for (std::size_t i = 0; i < data.size(); ++i)
        data[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    const auto all = encode_all(shape, data);
    std::string text = "# row hex: k=64 n=192 row=128, data[i] = (7 i + i / 251) mod 256\n";
    for (const std::uint32_t row : {64u, 65u, 127u, 128u, 191u})
        text += std::to_string(row) + " " + to_hex(ByteSpan(all).subspan(row * 128, 128)) + "\n";
    const std::string path = MUTIRAO_VECTORS "/coding/parity.txt";
    if (std::getenv("MUTIRAO_WRITE_VECTORS") != nullptr) std::ofstream(path) << text;
    std::ifstream file(path);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), text);
}

}  // namespace
}  // namespace mutirao::coding
