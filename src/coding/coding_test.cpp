#include "coding/coding.hpp"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>

#include "base/random.hpp"
#include "coding/kernel.hpp"

namespace mutirao::coding {
namespace {

Bytes random_bytes(std::size_t size, Random& random) {
    Bytes out(size);
    random.fill(out);
    return out;
}

Bytes encode_all(const Shape& shape, ByteSpan data) {
    Bytes all(std::size_t{shape.rows} * shape.row_size);
    std::copy(data.begin(), data.end(), all.begin());
    encode(shape, data, MutableByteSpan(all).subspan(data.size()));
    return all;
}

F16 element(ByteSpan row, std::size_t j) {
    const std::size_t at = j / 64 * kRowGroup + j % 64;
    return static_cast<F16>(row[at + 64] << 8 | row[at]);
}

F16 inverse16(F16 a) {
    const auto& tables = log_tables();
    return tables.exp[(kGroupOrder - tables.log[a]) % kGroupOrder];
}

TEST(Field, tower_constant_is_the_least_that_is_irreducible) {
    for (int d = 0; d <= kTowerConstant; ++d) {
        bool has_root = false;
        for (int x = 0; x < 256; ++x)
            has_root |= (mul8(static_cast<F8>(x), static_cast<F8>(x)) ^ x ^ d) == 0;
        EXPECT_EQ(has_root, d < kTowerConstant) << d;
    }
}

TEST(Field, cantor_basis_solves_its_equation_with_the_smaller_root) {
    for (std::size_t i = 0; i + 1 < kCantorBasis.size(); ++i) {
        const F16 y = kCantorBasis[i + 1];
        EXPECT_EQ(mul16(y, y) ^ y, kCantorBasis[i]);
        EXPECT_LT(y, y ^ 1);
    }
    for (std::size_t i = 0; i < 8; ++i) EXPECT_LT(kCantorBasis[i], 256);
}

TEST(Field, logarithms_invert_every_element) {
    for (std::uint32_t a = 1; a <= kGroupOrder; ++a)
        ASSERT_EQ(mul16(static_cast<F16>(a), inverse16(static_cast<F16>(a))), 1);
}

TEST(Kernels, all_of_them_give_the_same_bytes) {
    SeededRandom random(1);
    const auto kernels = available_kernels();
    for (int round = 0; round < 200; ++round) {
        const std::size_t size = kRowGroup * (1 + random.below(5));
        const F16 t = static_cast<F16>(round % 2 ? random.below(65536) : random.below(256));
        const auto x = random_bytes(size, random), y = random_bytes(size, random);
        const auto challenge = random_bytes(8 * size, random);
        Bytes expected;
        for (const auto* kernel : kernels) {
            Bytes all;
            for (int op = 0; op < 4; ++op) {
                auto a = x, b = y;
                if (op == 0) kernel->forward(a.data(), b.data(), size, t);
                if (op == 1) kernel->inverse(a.data(), b.data(), size, t);
                if (op == 2) kernel->scale(a.data(), size, t);
                if (op == 3) kernel->add(a.data(), b.data(), size);
                all.insert(all.end(), a.begin(), a.end());
                all.insert(all.end(), b.begin(), b.end());
            }
            F16 folds[8];
            kernel->fold(x.data(), challenge.data(), size, folds);
            for (const auto f : folds) all.push_back(f & 0xff), all.push_back(f >> 8);
            if (expected.empty()) expected = all;
            ASSERT_EQ(all, expected) << kernel->name;
        }
    }
}

TEST(Kernels, products_are_those_of_the_field) {
    SeededRandom random(2);
    for (int round = 0; round < 50; ++round) {
        const F16 t = static_cast<F16>(random.below(65536));
        const auto x = random_bytes(kRowGroup, random);
        auto scaled = x;
        kPortableKernels.scale(scaled.data(), kRowGroup, t);
        for (std::size_t j = 0; j < 64; ++j) ASSERT_EQ(element(scaled, j), mul16(element(x, j), t));
    }
}

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

void expect_any_rows_decode(const Shape& shape, int patterns, std::uint64_t seed) {
    SeededRandom random(seed);
    const auto data = random_bytes(std::size_t{shape.data_rows} * shape.row_size, random);
    const auto all = encode_all(shape, data);
    std::vector<std::uint32_t> order(shape.rows);
    std::iota(order.begin(), order.end(), 0u);
    for (int pattern = 0; pattern < patterns; ++pattern) {
        for (std::uint32_t i = 0; i < shape.data_rows; ++i)
            std::swap(order[i], order[i + random.below(shape.rows - i)]);
        std::vector<Row> rows;
        for (std::uint32_t i = 0; i < shape.data_rows; ++i)
            rows.push_back({order[i], ByteSpan(all).subspan(std::size_t{order[i]} * shape.row_size,
                                                            shape.row_size)});
        Bytes decoded(data.size());
        ASSERT_TRUE(decode(shape, rows, decoded).ok());
        ASSERT_EQ(decoded, data) << "seed " << seed << " pattern " << pattern;
    }
}

TEST(ReedSolomon, any_k_rows_decode_small) {
    expect_any_rows_decode({64, 192, 128}, 300, 5);
    expect_any_rows_decode({64, 65, 128}, 65, 6);
    expect_any_rows_decode({128, 1000, 256}, 60, 7);
    expect_any_rows_decode({256, 768, 384}, 60, 8);
}

TEST(ReedSolomon, any_k_rows_decode_wide) {
    expect_any_rows_decode({1024, 3072, 128}, 20, 9);
    expect_any_rows_decode({4096, 16384, 128}, 1, 10);
    expect_any_rows_decode({16384, 65536, 128}, 1, 11);
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

TEST(Fold, every_coded_row_folds_as_the_code_demands_and_no_flipped_bit_does) {
    SeededRandom random(14);
    const Shape shape{64, 192, 256};
    const auto data = random_bytes(64 * 256, random);
    const auto all = encode_all(shape, data);
    const auto challenge = random_bytes(8 * 256, random);
    Bytes folds(192 * kFoldSize);
    for (std::size_t i = 0; i < 192; ++i)
        fold_row(ByteSpan(all).subspan(i * 256, 256), challenge,
                 MutableByteSpan(folds).subspan(i * kFoldSize, kFoldSize));
    EXPECT_EQ(extend_folds(64, 192, ByteSpan(folds).first(64 * kFoldSize)), folds);

    Bytes row(all.begin() + 70 * 256, all.begin() + 71 * 256), fold(kFoldSize);
    for (std::size_t bit = 0; bit < row.size() * 8; ++bit) {
        row[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
        fold_row(row, challenge, fold);
        EXPECT_FALSE(std::equal(fold.begin(), fold.end(), folds.begin() + 70 * kFoldSize)) << bit;
        row[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    }
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
