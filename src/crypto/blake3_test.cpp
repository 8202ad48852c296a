#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/random.hpp"
#include "crypto/blake3_tree.hpp"
#include "crypto/hash.hpp"
#include "crypto/test_vectors.hpp"

namespace mutirao::crypto {
namespace {

using namespace blake3_detail;

Bytes random_bytes(std::size_t size, std::uint64_t seed) {
    SeededRandom random(seed);
    Bytes out(size);
    random.fill(out);
    return out;
}

// The plain algorithm of the specification, section 2.1 to 2.4: recursive, one block at a time.
ChainingValue plain_chunk(ByteSpan chunk, std::uint64_t counter, std::uint32_t last_flags,
                          Words16* full, std::uint64_t output_block) {
    ChainingValue chaining = kInitial;
    for (bool first = true;; first = false) {
        const auto block = chunk.first(std::min(kBlockSize, chunk.size()));
        chunk = chunk.subspan(block.size());
        const std::uint32_t flags =
            (first ? chunk_start : 0u) | (chunk.empty() ? chunk_end | last_flags : 0u);
        *full = compress(chaining, load_block(block), flags & root ? output_block : counter,
                         static_cast<std::uint32_t>(block.size()), flags);
        chaining = first_half(*full);
        if (chunk.empty()) return chaining;
    }
}

ChainingValue plain_tree(ByteSpan input, std::uint64_t counter, std::uint32_t last_flags,
                         Words16* full, std::uint64_t output_block = 0) {
    if (input.size() <= kChunkSize)
        return plain_chunk(input, counter, last_flags, full, output_block);
    const std::size_t left = std::bit_floor((input.size() - 1) / kChunkSize) * kChunkSize;
    const auto a = plain_tree(input.first(left), counter, 0, full);
    const auto b = plain_tree(input.subspan(left), counter + left / kChunkSize, 0, full);
    Words16 message;
    std::copy(a.begin(), a.end(), message.begin());
    std::copy(b.begin(), b.end(), message.begin() + 8);
    *full = compress(kInitial, message, output_block, kBlockSize, parent | last_flags);
    return first_half(*full);
}

Digest plain_blake3(ByteSpan input) {
    Words16 full;
    plain_tree(input, 0, root, &full);
    Digest out;
    std::memcpy(out.bytes.data(), full.data(), out.bytes.size());
    return out;
}

TEST(Blake3, gives_the_outputs_of_the_official_implementation) {
    const auto file = read_vectors(MUTIRAO_VECTORS "/crypto/blake3.json");
    const auto key = *Key::from_bytes(as_bytes(text_at(file, "key")));
    const auto context = text_at(file, "context_string");
    for (const auto& c : file.at("cases").as_array()) {
        const auto input = pattern(c.at("input_len").to_number<std::size_t>());
        SCOPED_TRACE(input.size());
        const auto hash = bytes_at(c, "hash"), keyed = bytes_at(c, "keyed_hash"),
                   derived = bytes_at(c, "derive_key");
        Bytes out(hash.size());
        blake3_xof(input, out);
        EXPECT_EQ(out, hash);
        blake3_keyed_xof(key, input, out);
        EXPECT_EQ(out, keyed);
        blake3_derive_key_xof(context, input, out);
        EXPECT_EQ(out, derived);
        EXPECT_EQ(blake3(input), *Digest::from_bytes(ByteSpan(hash).first(32)));
        EXPECT_EQ(blake3_keyed(key, input), *Digest::from_bytes(ByteSpan(keyed).first(32)));
        EXPECT_EQ(blake3_derive_key(context, input), *Key::from_bytes(ByteSpan(derived).first(32)));
    }
}

TEST(Blake3, equals_the_plain_recursive_algorithm_at_every_number_of_chunks) {
    const auto input = random_bytes(70 * kChunkSize, 1);
    for (std::size_t chunks = 0; chunks < 70; ++chunks)
        for (const std::size_t more : {0, 1, 63, 64, 65, 1023}) {
            const auto part = ByteSpan(input).first(chunks * kChunkSize + more);
            ASSERT_EQ(blake3(part), plain_blake3(part)) << part.size();
        }
}

TEST(Blake3, every_kernel_gives_the_bytes_of_the_plain_compression) {
    const auto input = random_bytes(kLanes * kChunkSize, 2);
    const std::uint8_t* inputs[kLanes];
    // The lanes need not be in order, nor apart, nor aligned.
    for (std::size_t i = 0; i < kLanes; ++i) inputs[i] = input.data() + 61 * (i * 7 % kLanes);
    const WideJob chunk{.key = kInitial,
                        .lanes = kLanes,
                        .blocks = 16,
                        .counter = 0xffffffffu - 5,  // carries into the high word
                        .counter_step = 1,
                        .flags = keyed_hash,
                        .first_flags = chunk_start,
                        .last_flags = chunk_end};
    WideJob rows = chunk, one_block = chunk;
    rows.counter_step = 0;
    one_block.blocks = 1;
    for (const auto& kernel : wide_kernels())
        for (auto job : {chunk, rows, one_block})
            for (job.lanes = 1; job.lanes <= kLanes; ++job.lanes) {
                ChainingValue out[kLanes];
                kernel.messages(inputs, job, out);
                for (std::size_t lane = 0; lane < job.lanes; ++lane) {
                    auto expected = job.key;
                    for (std::size_t b = 0; b < job.blocks; ++b)
                        expected = first_half(compress(
                            expected, load_block({inputs[lane] + b * kBlockSize, kBlockSize}),
                            job.counter + lane * job.counter_step, kBlockSize,
                            job.flags | (b == 0 ? job.first_flags : 0) |
                                (b + 1 == job.blocks ? job.last_flags : 0)));
                    ASSERT_EQ(out[lane], expected) << kernel.name << " lane " << lane;
                }
            }
}

TEST(Blake3, every_kernel_and_every_cut_of_the_input_give_the_same_hash) {
    const auto input = random_bytes(200'000, 3);
    EXPECT_TRUE(rc::check([&] {
        const auto whole = ByteSpan(input).first(*rc::gen::inRange<std::size_t>(0, input.size()));
        const auto cuts = *rc::gen::container<std::vector<std::size_t>>(
            rc::gen::elementOf(std::vector<std::size_t>{0, 1, 64, 1000, 1024, 1025, 2048, 3072,
                                                        5000, 16384, 20000, 32768, 60000}));
        const auto expected = blake3(whole);
        for (const auto& kernel : wide_kernels()) {
            Hasher hasher(kInitial, 0, kernel);
            ByteSpan rest = whole;
            for (const auto cut : cuts) {
                const auto part = rest.first(std::min(cut, rest.size()));
                hasher.update(part);
                rest = rest.subspan(part.size());
            }
            hasher.update(rest);
            Digest got;
            hasher.finish(got.bytes);
            RC_ASSERT(got == expected);
        }
    }));
}

TEST(Blake3, a_hasher_goes_on_after_a_digest) {
    const auto input = random_bytes(40 * kChunkSize, 4);
    const Key key{{1, 2, 3}};
    KeyedHasher hasher(key);
    std::size_t done = 0;
    for (const std::size_t step : {0u, 1u, 1023u, 1024u, 2048u, 16384u, 16384u, 7u}) {
        hasher.update(ByteSpan(input).subspan(done, step));
        done += step;
        const auto expected = blake3_keyed(key, ByteSpan(input).first(done));
        EXPECT_EQ(hasher.digest(), expected) << done;
        EXPECT_EQ(hasher.digest(), expected) << done;
    }
    KeyedHasher moved(std::move(hasher));
    EXPECT_EQ(moved.digest(), blake3_keyed(key, ByteSpan(input).first(done)));
}

TEST(Blake3, a_shorter_output_is_the_front_of_a_longer_one) {
    Bytes longer(5000);
    blake3_xof(pattern(5000), longer);
    for (std::size_t size = 0; size <= longer.size(); size += 37) {
        Bytes out(size);
        blake3_xof(pattern(5000), out);
        EXPECT_TRUE(std::equal(out.begin(), out.end(), longer.begin()));
    }
}

TEST(Blake3, every_kernel_gives_the_output_blocks_of_the_plain_compression) {
    for (const std::size_t input_size : {0u, 1u, 64u, 1024u, 1025u, 9000u}) {
        const auto input = random_bytes(input_size, input_size);
        Words16 last;
        for (const auto& kernel : wide_kernels()) {
            Hasher hasher(kInitial, 0, kernel);
            hasher.update(input);
            Bytes out(3 * kLanes * kBlockSize + 5);
            hasher.finish(out);
            for (std::uint64_t block = 0; block * kBlockSize < out.size(); ++block) {
                plain_tree(input, 0, root, &last, block);
                const auto part = ByteSpan(out).subspan(
                    block * kBlockSize, std::min(kBlockSize, out.size() - block * kBlockSize));
                ASSERT_EQ(std::memcmp(part.data(), last.data(), part.size()), 0)
                    << kernel.name << " block " << block << " of " << input_size;
            }
        }
    }
}

// The lanes of an output are numbered from any block on.
TEST(Blake3, output_counters_carry_into_the_high_word) {
    const auto message = load_block(random_bytes(kBlockSize, 9));
    const OutputJob job{kInitial, message, 0xffffffffu - 6, 17, chunk_start | chunk_end | root};
    for (const auto& kernel : wide_kernels()) {
        std::array<std::uint8_t, kLanes * kBlockSize> out;
        kernel.outputs(job, out.data());
        for (std::size_t i = 0; i < kLanes; ++i) {
            const auto words =
                compress(kInitial, message, job.counter + i, job.block_size, job.flags);
            ASSERT_EQ(std::memcmp(out.data() + i * kBlockSize, words.data(), kBlockSize), 0)
                << kernel.name << " lane " << i;
        }
    }
}

TEST(DomainKey, is_the_derived_key_of_its_purpose) {
    EXPECT_EQ(domain_key("row"), blake3_derive_key("mutirao v1 row", {}));
    EXPECT_NE(domain_key("row"), domain_key("slot"));
    EXPECT_EQ(&domain_key("row"), &domain_key(std::string("row")));
}

}  // namespace
}  // namespace mutirao::crypto
