// Every kernel against plain arithmetic in the field, and all of them against each other.
#include "coding/kernel.hpp"

#include <cstdio>
#include <gtest/gtest.h>

#include "coding/encode.hpp"
#include "coding/test_rows.hpp"
#include "coding/transform.hpp"

namespace mutirao::coding {
namespace {

// Runs the test for every kernel that this build has; says which one this CPU lacks.
template <class Test>
void for_each_kernel(Test test) {
    for (const auto& choice : all_kernels()) {
        if (!choice.runs_here) {
            std::printf("[ SKIPPED  ] %s: not on this processor\n", choice.kernels->name);
            continue;
        }
        SCOPED_TRACE(choice.kernels->name);
        test(*choice.kernels);
    }
}

void set_element(MutableByteSpan row, std::size_t j, F16 value) {
    const std::size_t at = j / 64 * kRowGroup + j % 64;
    row[at] = value & 0xff;
    row[at + 64] = value >> 8;
}

// One layer of a transform, straight from its definition.
void plain_layer(MutableByteSpan rows, std::size_t row_size, const Pass& pass, std::uint32_t layer,
                 bool inverse) {
    const std::uint32_t half = 1u << layer;
    for (std::uint32_t start = 0; start < pass.rows; start += 2 * half)
        for (std::uint32_t i = start; i < start + half; ++i) {
            const F16 t = point((pass.offset + start) >> layer);
            const auto x = rows.subspan(i * row_size, row_size);
            const auto y = rows.subspan((i + half) * row_size, row_size);
            for (std::size_t j = 0; j < row_size / 2; ++j) {
                F16 a = element(x, j), b = element(y, j);
                if (inverse) b = static_cast<F16>(b ^ a);
                a = static_cast<F16>(a ^ mul16(t, b));
                if (!inverse) b = static_cast<F16>(b ^ a);
                set_element(x, j, a), set_element(y, j, b);
            }
        }
}

// All numbers of layers, at places where twiddles are in F8, partly, and not at all.
TEST(Kernels, passes_are_layers_of_the_transform) {
    SeededRandom random(1);
    constexpr std::size_t kRow = 256;
    for (const std::uint32_t low : {0u, 1u, 3u})
        for (std::uint32_t layers = 1; layers <= 4; ++layers)
            for (const std::uint32_t place : {0u, 1u, 7u, 16u, 100u, 255u}) {
                const std::uint32_t rows = 2u << (low + layers);
                const std::uint32_t offset = place * rows;
                if (offset + rows > kRowsMax) continue;
                const auto before = random_bytes(rows * kRow, random);
                for (const bool inverse : {false, true}) {
                    auto expected = before;
                    Pass pass{{before.data(), kRow}, {}, kRow, rows, offset, low, layers, false};
                    for (std::uint32_t i = 0; i < layers; ++i)
                        plain_layer(expected, kRow, pass, inverse ? low + i : low + layers - 1 - i,
                                    inverse);
                    for_each_kernel([&](const Kernels& kernels) {
                        if (layers > kernels.layers_max) return;
                        RowBuffer after(before.size());
                        pass.out = {after.data(), kRow};
                        (inverse ? kernels.inverse : kernels.forward)(pass);
                        ASSERT_EQ(to_bytes(after.span()), expected)
                            << "low " << low << " layers " << layers << " offset " << offset;
                        pass.stream = !inverse;
                        (inverse ? kernels.inverse : kernels.forward)(pass);
                        ASSERT_EQ(to_bytes(after.span()), expected) << "streamed";
                    });
                }
            }
}

TEST(Kernels, products_are_those_of_the_field) {
    SeededRandom random(2);
    for (int round = 0; round < 200; ++round) {
        const F16 t = static_cast<F16>(round % 2 ? random.below(65536) : random.below(256));
        const std::size_t size = kRowGroup * (1 + random.below(3));
        const auto x = random_bytes(size, random), y = random_bytes(size, random);
        for_each_kernel([&](const Kernels& kernels) {
            auto scaled = x, added = y, summed = y;
            kernels.scale(x.data(), scaled.data(), size, t);
            kernels.scale_add(x.data(), added.data(), size, t);
            kernels.add(summed.data(), x.data(), size);
            for (std::size_t j = 0; j < size / 2; ++j) {
                ASSERT_EQ(element(scaled, j), mul16(element(x, j), t));
                ASSERT_EQ(element(added, j), element(y, j) ^ element(scaled, j));
                ASSERT_EQ(element(summed, j), element(x, j) ^ element(y, j));
            }
            for (const std::size_t shift : {0u, 1u}) {
                RowBuffer copy(size + shift);
                kernels.stream(x.data(), copy.data() + shift, size);
                ASSERT_TRUE(std::equal(x.begin(), x.end(), copy.data() + shift));
            }
        });
    }
}

TEST(Kernels, every_byte_product_of_a_fold_is_that_of_the_field) {
    Bytes row(kRowGroup), challenge(kFoldCoordinates * 192);
    for (std::uint32_t a = 0; a < 256; ++a)
        for (std::uint32_t b = 0; b < 256; b += 64) {
            for (std::uint32_t i = 0; i < 64; ++i) {
                row[i] = static_cast<std::uint8_t>(a);
                row[64 + i] = static_cast<std::uint8_t>(b + i);
                for (std::size_t g = 0; g < kFoldCoordinates; ++g)
                    for (std::size_t part = 0; part < 3; ++part)
                        challenge[(3 * g + part) * 64 + i] =
                            static_cast<std::uint8_t>(b + i + 31 * g + part);
            }
            for_each_kernel([&](const Kernels& kernels) {
                Bytes sums(kFoldCoordinates * 192, 0);
                kernels.fold(row.data(), challenge.data(), kRowGroup, sums.data());
                for (std::size_t at = 0; at < sums.size(); ++at) {
                    const std::size_t part = at / 64 % 3, i = at % 64;
                    const std::uint8_t parts[3] = {row[i], row[64 + i],
                                                   static_cast<F8>(row[i] ^ row[64 + i])};
                    ASSERT_EQ(sums[at], mul8(parts[part], challenge[at])) << at;
                }
            });
        }
}

// The bytes of a whole block do not depend on the processor that codes it.
TEST(Kernels, all_of_them_code_and_repair_alike) {
    SeededRandom random(3);
    for (const Shape shape : {Shape{64, 200, 384}, Shape{256, 768, 1280}, Shape{1024, 3072, 256},
                              Shape{2048, 6200, 128}}) {
        const auto data = random_bytes(shape.data_size(), random);
        const auto all = encode_all(shape, data);
        std::vector<std::uint32_t> order(shape.rows);
        for (std::uint32_t i = 0; i < shape.rows; ++i) order[i] = i;
        draw(order, shape.rows, random);
        std::vector<Row> rows;
        for (std::uint32_t i = 0; i < shape.data_rows; ++i)
            rows.push_back(row_of(shape, all, order[i]));
        for_each_kernel([&](const Kernels& kernels) {
            Bytes parity(shape.parity_size());
            encode_with(kernels, shape, data, parity, {}, nullptr);
            ASSERT_TRUE(std::equal(parity.begin(), parity.end(), all.begin() + data.size()));
            Bytes repaired(all.size());
            ASSERT_TRUE(repair_with(kernels, shape, rows, order, repaired, {}).ok());
            for (std::size_t i = 0; i < order.size(); ++i) {
                const auto expected = row_of(shape, all, order[i]).bytes;
                ASSERT_TRUE(std::equal(expected.begin(), expected.end(),
                                       repaired.begin() + i * shape.row_size));
            }
        });
    }
}

}  // namespace
}  // namespace mutirao::coding
