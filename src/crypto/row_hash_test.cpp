#include "crypto/row_hash.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <thread>

#include "base/random.hpp"
#include "crypto/blake3_compress.hpp"

namespace mutirao::crypto {
namespace {

using Digests = std::array<Digest, kHashedRows>;

const Key kKey{{3, 1, 4, 1, 5, 9}};

// Sixteen rows with room between them.
struct Rows {
    Rows(std::size_t row_size, std::uint64_t seed)
        : size(row_size), stride(row_size + 64 * (seed % 3)), bytes(kHashedRows * stride) {
        SeededRandom random(seed);
        random.fill(bytes);
    }
    RowPieces pieces(std::size_t offset, std::size_t length) const {
        return {bytes.data() + offset, stride, offset, length};
    }
    Digests digests() const {
        Digests out;
        for (std::size_t r = 0; r < kHashedRows; ++r)
            out[r] = blake3_keyed(kKey, ByteSpan(bytes).subspan(r * stride, size));
        return out;
    }

    std::size_t size, stride;
    Bytes bytes;
};

Digests finished(const RowHash& hash, std::vector<ChunkValues>& values) {
    Digests out;
    hash.finish(values, out);
    return out;
}

TEST(RowHash, equals_blake3_of_each_row_at_every_size) {
    std::vector<std::size_t> sizes{16384, 31 * 1024, 32768, 33 * 1024 - 64};
    for (std::size_t size = 64; size <= 5 * 1024; size += 64) sizes.push_back(size);
    for (const auto size : sizes) {
        const Rows rows(size, size / 64);
        const RowHash hash(kKey, size);
        std::vector<ChunkValues> values(hash.chunk_count());
        hash.add(rows.pieces(0, size), values);
        ASSERT_EQ(finished(hash, values), rows.digests()) << size;
    }
}

TEST(RowHash, gives_the_same_digests_for_every_cut) {
    EXPECT_TRUE(rc::check([] {
        const auto size = 64 * *rc::gen::inRange<std::size_t>(1, 81);
        const Rows rows(size, *rc::gen::inRange<std::uint64_t>(0, 1000));
        const RowHash hash(kKey, size);
        std::vector<ChunkValues> values(hash.chunk_count());
        for (std::size_t at = 0; at < size;) {
            const auto part = std::min(64 * *rc::gen::inRange<std::size_t>(1, 40), size - at);
            hash.add(rows.pieces(at, part), values);
            at += part;
        }
        RC_ASSERT(finished(hash, values) == rows.digests());
    }));
}

TEST(RowHash, chunks_may_come_in_any_order_and_from_several_threads) {
    const Rows rows(7 * 1024 + 64, 5);
    const RowHash hash(kKey, rows.size);
    std::vector<ChunkValues> values(hash.chunk_count());
    std::thread back([&] {
        for (const std::size_t chunk : {7u, 5u, 6u, 4u}) {
            const auto offset = chunk * kHashedChunkSize;
            hash.add(rows.pieces(offset, std::min(kHashedChunkSize, rows.size - offset)), values);
        }
    });
    hash.add(rows.pieces(0, 128), values);
    hash.add(rows.pieces(128, 4 * kHashedChunkSize - 128), values);
    back.join();
    EXPECT_EQ(finished(hash, values), rows.digests());
}

TEST(RowHash, a_piece_at_the_beginning_of_a_chunk_begins_it_anew) {
    const Rows other(2048, 6), rows(2048, 7);
    const RowHash hash(kKey, rows.size);
    std::vector<ChunkValues> values(hash.chunk_count());
    hash.add(other.pieces(0, 2048), values);
    hash.add(rows.pieces(0, 2048), values);
    EXPECT_EQ(finished(hash, values), rows.digests());
}

TEST(RowHash, rows_may_be_one_row_many_times) {
    const Rows rows(1024, 8);
    const RowHash hash(kKey, rows.size);
    std::vector<ChunkValues> values(1);
    hash.add({rows.bytes.data(), 0, 0, 1024}, values);
    const auto digest = blake3_keyed(kKey, ByteSpan(rows.bytes).first(1024));
    for (const auto& each : finished(hash, values)) EXPECT_EQ(each, digest);
}

using namespace blake3_detail;

// RowHash takes the best kernel; the others must agree with it.
TEST(RowHash, every_kernel_gives_the_values_of_the_plain_compression) {
    const Rows rows(1024, 9);
    for (const auto& kernel : wide_kernels()) {
        alignas(64) LaneValues left, right;
        for (std::size_t i = 0; i < 8; ++i)
            for (std::size_t r = 0; r < kLanes; ++r) left[i][r] = kInitial[i] + 3 * r;
        std::array<ChainingValue, kLanes> expected{};
        for (std::size_t r = 0; r < kLanes; ++r)
            for (std::size_t i = 0; i < 8; ++i) expected[r][i] = left[i][r];
        const auto counter = (std::uint64_t{5} << 32) + 9;
        kernel.rows({rows.bytes.data() + 64, rows.stride, 3, counter, 16, 1, 2}, left);
        std::memcpy(right, left, sizeof left);
        kernel.rows({rows.bytes.data() + 512, rows.stride, 1, counter, 16, 1, 2}, right);
        kernel.parents(kInitial, keyed_hash | parent, left, right, right);
        for (std::size_t r = 0; r < kLanes; ++r) {
            const auto row = rows.bytes.data() + r * rows.stride;
            const auto block = [&](std::size_t at) {
                Words16 words;
                std::memcpy(words.data(), row + at, sizeof words);
                return words;
            };
            const auto next = [&](ChainingValue h, std::size_t at, std::uint32_t flags) {
                const auto full = compress(h, block(at), counter, kBlockSize, flags);
                std::copy(full.begin(), full.begin() + 8, h.begin());
                return h;
            };
            const auto l = next(next(next(expected[r], 64, 17), 128, 16), 192, 18);
            const auto m = next(l, 512, 19);
            Words16 children;
            std::copy(l.begin(), l.end(), children.begin());
            std::copy(m.begin(), m.end(), children.begin() + 8);
            const auto joined = compress(kInitial, children, 0, kBlockSize, keyed_hash | parent);
            for (std::size_t i = 0; i < 8; ++i) {
                ASSERT_EQ(left[i][r], l[i]) << kernel.name;
                ASSERT_EQ(right[i][r], joined[i]) << kernel.name;
            }
        }
    }
}

}  // namespace
}  // namespace mutirao::crypto
