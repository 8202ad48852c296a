#include "train/pseudo_gradient.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <rapidcheck.h>

#include "base/random.hpp"
#include "train/codec_frame.hpp"
#include "train/error_feedback.hpp"

namespace mutirao::train {
namespace {

constexpr std::size_t kSizes[] = {1, 2, 15, 16, 17, 255, 256, 257, 4095, 4096, 4097, 10001};

const std::vector<CodecSettings> kEverySetting{
    {.kind = CodecKind::bf16},
    {.kind = CodecKind::int4, .block = 16},
    {.kind = CodecKind::int4, .block = 256},
    {.kind = CodecKind::int4, .block = 65536},
    {.kind = CodecKind::topk2, .kept = 1},
    {.kind = CodecKind::topk2, .kept = 64},
    {.kind = CodecKind::topk2, .kept = 1024},
    {.kind = CodecKind::int8, .block = 16},
    {.kind = CodecKind::int8, .block = 256},
    {.kind = CodecKind::dense2, .block = 16},
    {.kind = CodecKind::dense2, .block = 1024},
    {.kind = CodecKind::low_rank, .rank = 3},
    {.kind = CodecKind::fixed32},
};

// Roughly bell-shaped around 0.
std::vector<float> noise(std::size_t size, std::uint64_t seed) {
    SeededRandom random(seed);
    std::vector<float> values(size);
    for (auto& value : values) {
        float sum = 0;
        for (int i = 0; i < 4; ++i) sum += static_cast<float>(random.below(2001)) - 1000;
        value = sum * 1e-6f;
    }
    return values;
}

std::vector<float> decoded(const PseudoGradientCodec& codec, ByteSpan bytes, std::size_t size) {
    std::vector<float> out(size, std::numeric_limits<float>::quiet_NaN());
    const auto status = codec.decode(bytes, out);
    EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
    return out;
}

TEST(PseudoGradientCodec, gives_its_exact_size_and_the_same_bytes_again) {
    for (const auto& settings : kEverySetting)
        for (const auto size : kSizes) {
            const auto codec = make_codec(settings, size).value();
            const auto values = noise(size, size);
            const auto bytes = codec->encode(values).value();
            EXPECT_EQ(bytes.size(), codec->encoded_size()) << to_string(settings.kind) << size;
            EXPECT_EQ(bytes, codec->encode(values).value());
            decoded(*codec, bytes, size);
        }
}

TEST(PseudoGradientCodec, zero_stays_zero) {
    for (const auto& settings : kEverySetting) {
        const auto codec = make_codec(settings, 5000).value();
        const std::vector<float> zero(5000, 0);
        EXPECT_EQ(decoded(*codec, codec->encode(zero).value(), 5000), zero);
    }
}

TEST(PseudoGradientCodec, never_grows_the_largest_magnitude) {
    rc::check([](std::vector<float> values) {
        std::erase_if(values, [](float v) { return !std::isfinite(v) || std::abs(v) > 1e30f; });
        RC_PRE(!values.empty());
        float largest = 0;
        for (const float value : values) largest = std::max(largest, std::abs(value));
        for (const auto& settings : kEverySetting) {
            const auto codec = make_codec(settings, values.size()).value();
            for (const float value : decoded(*codec, codec->encode(values).value(), values.size()))
                RC_ASSERT(std::abs(value) <= largest * 1.005f);
        }
    });
}

TEST(PseudoGradientCodec, refuses_values_that_are_not_finite) {
    for (const auto& settings : kEverySetting) {
        const auto codec = make_codec(settings, 100).value();
        for (const float bad :
             {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
            auto values = noise(100, 1);
            values[99] = bad;
            EXPECT_EQ(codec->encode(values).error().kind, ErrorKind::corrupt);
        }
    }
}

TEST(PseudoGradientCodec, refuses_every_cut_and_every_header_change) {
    for (const auto& settings : kEverySetting) {
        const auto codec = make_codec(settings, 300).value();
        const auto bytes = codec->encode(noise(300, 4)).value();
        std::vector<float> out(300);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            EXPECT_FALSE(codec->decode(ByteSpan(bytes).first(size), out).ok());
        auto longer = bytes;
        longer.push_back(0);
        EXPECT_FALSE(codec->decode(longer, out).ok());
        for (std::size_t at = 0; at < kCodecHeaderSize; ++at) {
            auto changed = bytes;
            changed[at] ^= 1;
            EXPECT_EQ(codec->decode(changed, out).error().kind, ErrorKind::corrupt) << at;
        }
    }
}

TEST(PseudoGradientCodec, refuses_settings_outside_of_the_limits) {
    for (const CodecSettings settings :
         {CodecSettings{.kind = static_cast<CodecKind>(7)}, CodecSettings{.rank = 0},
          CodecSettings{.rank = 4097}, CodecSettings{.block = 8}, CodecSettings{.block = 131072},
          CodecSettings{.block = 100}, CodecSettings{.kept = 0}, CodecSettings{.kept = 1025}})
        EXPECT_EQ(make_codec(settings, 10).error().kind, ErrorKind::invalid_argument);
    EXPECT_FALSE(make_codec({}, 0).ok());
    EXPECT_FALSE(make_codec({}, kParametersMax + 1).ok());
}

TEST(Bf16, rounds_to_nearest_even) {
    EXPECT_EQ(to_bf16(1.0f), 0x3f80);
    EXPECT_EQ(to_bf16(-2.0f), 0xc000);
    EXPECT_EQ(to_bf16(1.0f + 0x1p-8f), 0x3f80);             // a tie, to even
    EXPECT_EQ(to_bf16(1.0f + 3 * 0x1p-8f), 0x3f82);         // a tie, to even
    EXPECT_EQ(to_bf16(1.0f + 0x1p-8f + 0x1p-23f), 0x3f81);  // just above it
    EXPECT_EQ(to_bf16(std::numeric_limits<float>::max()), 0x7f7f);
    for (std::uint32_t half = 0; half < 0x10000; ++half)
        if (std::isfinite(from_bf16(static_cast<std::uint16_t>(half)))) {
            EXPECT_EQ(to_bf16(from_bf16(static_cast<std::uint16_t>(half))), half);
        }
}

TEST(Bf16, decoder_refuses_infinity) {
    const auto codec = make_codec({.kind = CodecKind::bf16}, 1).value();
    auto bytes = codec->encode(std::vector<float>{1}).value();
    bytes[bytes.size() - 1] = 0x7f;
    bytes[bytes.size() - 2] = 0x80;
    std::vector<float> out(1);
    EXPECT_EQ(codec->decode(bytes, out).error().kind, ErrorKind::corrupt);
}

TEST(Int4, is_within_half_a_step_of_every_value) {
    const auto codec = make_codec({.kind = CodecKind::int4, .block = 64}, 1000).value();
    const auto values = noise(1000, 9);
    const auto out = decoded(*codec, codec->encode(values).value(), 1000);
    for (std::size_t start = 0; start < 1000; start += 64) {
        const auto end = std::min<std::size_t>(start + 64, 1000);
        float largest = 0;
        for (auto i = start; i < end; ++i) largest = std::max(largest, std::abs(values[i]));
        for (auto i = start; i < end; ++i)
            EXPECT_LE(std::abs(out[i] - values[i]), largest / 14 * 1.001f);
    }
}

TEST(Int4, has_the_documented_bytes) {
    // One short block of three: scale 0.5, values 7 (15), -7 (1), 2 (10), an empty half.
    const auto codec = make_codec({.kind = CodecKind::int4, .block = 16}, 3).value();
    EXPECT_EQ(to_hex(codec->encode(std::vector<float>{3.5f, -3.5f, 1}).value()),
              "01011000000003000000000000000000003f1f0a");
}

TEST(Int4, decoder_refuses_what_no_encoder_writes) {
    const auto codec = make_codec({.kind = CodecKind::int4, .block = 16}, 3).value();
    const std::string header = "0101100000000300000000000000";
    std::vector<float> out(3);
    for (const char* body : {"0000003f0f0a",     // half 0 means no value
                             "0000003f1f1a",     // something after the last value
                             "0000003f2e0a",     // no value is as large as the scale says
                             "000000001f0a",     // scale 0 with values
                             "000000bf1f0a",     // negative scale
                             "000000808808",     // minus 0
                             "010000001f0a",     // a subnormal scale
                             "0000807f1f0a",     // infinite scale
                             "0000c07f1f0a"}) {  // no number
        EXPECT_EQ(codec->decode(from_hex(header + body).value(), out).error().kind,
                  ErrorKind::corrupt)
            << body;
    }
    EXPECT_TRUE(codec->decode(from_hex(header + "0000003f1f0a").value(), out).ok());
}

TEST(Int8, is_within_half_a_step_and_has_the_documented_bytes) {
    const auto codec = make_codec({.kind = CodecKind::int8, .block = 64}, 1000).value();
    const auto values = noise(1000, 9);
    const auto out = decoded(*codec, codec->encode(values).value(), 1000);
    float largest = 0;
    for (const float value : values) largest = std::max(largest, std::abs(value));
    for (std::size_t i = 0; i < 1000; ++i)
        EXPECT_LE(std::abs(out[i] - values[i]), largest / 254 * 1.001f);

    // Scale 0.5, values 127 (255), -127 (1), 2 (130).
    const auto small = make_codec({.kind = CodecKind::int8, .block = 16}, 3).value();
    EXPECT_EQ(to_hex(small->encode(std::vector<float>{63.5f, -63.5f, 1}).value()),
              "01031000000003000000000000000000003fff0182");
    std::vector<float> three(3);
    for (const char* body : {"0000003fff0082",     // 0 means no value
                             "0000003ffe0282",     // no value is as large as the scale says
                             "0000807fff0182"}) {  // infinite scale
        const auto bytes = from_hex(std::string("0103100000000300000000000000") + body).value();
        EXPECT_EQ(small->decode(bytes, three).error().kind, ErrorKind::corrupt) << body;
    }
}

double mean_square(std::span<const float> values) {
    double sum = 0;
    for (const float value : values) sum += static_cast<double>(value) * value;
    return sum / static_cast<double>(values.size());
}

std::vector<float> difference(std::span<const float> a, std::span<const float> b) {
    std::vector<float> out(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) out[i] = a[i] - b[i];
    return out;
}

TEST(Dense2, keeps_signs_and_most_of_a_bell) {
    const auto codec = make_codec({.kind = CodecKind::dense2, .block = 256}, 10000).value();
    EXPECT_LT(codec->encoded_size(), 10000 * 0.27);
    const auto values = noise(10000, 9);
    const auto out = decoded(*codec, codec->encode(values).value(), 10000);
    for (std::size_t i = 0; i < 10000; ++i) EXPECT_GE(out[i] * values[i], 0);
    // The best four levels leave 0.1175 of a Gaussian's variance (Max 1960).
    EXPECT_LT(mean_square(difference(out, values)), 0.13 * mean_square(values));
}

TEST(Dense2, has_the_documented_bytes_and_refuses_others) {
    // Mean 1.5, border 1.845: levels 1 and 3. Bits 00, 01, 00, 10 from the lowest, then 01.
    const auto codec = make_codec({.kind = CodecKind::dense2, .block = 16}, 5).value();
    const std::string header = "0104100000000500000000000000";
    EXPECT_EQ(to_hex(codec->encode(std::vector<float>{1, -1, 1, 3, -1}).value()),
              header + "803f40408401");
    std::vector<float> out(5);
    for (const char* body : {"4040803f8401",     // levels descend
                             "80bf40408401",     // a negative level
                             "803f807f8401",     // an infinite level
                             "803f40408405"}) {  // bits after the last value
        EXPECT_EQ(codec->decode(from_hex(header + body).value(), out).error().kind,
                  ErrorKind::corrupt)
            << body;
    }
}

// A sum of `rank` products of noise, with a shrinking weight.
std::vector<float> of_rank(std::size_t rank, std::size_t rows, std::size_t columns) {
    std::vector<float> out(rows * columns, 0.0f);
    float weight = 1e6f;
    for (std::size_t r = 0; r < rank; ++r, weight /= 2) {
        const auto p = noise(rows, 50 + r), q = noise(columns, 80 + r);
        for (std::size_t i = 0; i < rows; ++i)
            for (std::size_t j = 0; j < columns; ++j) out[i * columns + j] += weight * p[i] * q[j];
    }
    return out;
}

TEST(LowRank, finds_the_factors_of_each_matrix_and_sends_the_rest_in_int4) {
    const std::vector<Matrix> matrices{{.offset = 5, .rows = 60, .columns = 200},
                                       {.offset = 12005, .rows = 2, .columns = 2},
                                       {.offset = 12100, .rows = 300, .columns = 40}};
    std::vector<float> values = noise(24200, 3);
    const auto first = of_rank(4, 60, 200), last = of_rank(2, 300, 40);
    std::copy(first.begin(), first.end(), values.begin() + 5);
    std::copy(last.begin(), last.end(), values.begin() + 12100);
    const auto codec =
        make_codec({.kind = CodecKind::low_rank, .rank = 4}, 24200, matrices).value();
    EXPECT_LT(codec->encoded_size(), 1700u);
    const auto out = decoded(*codec, codec->encode(values).value(), 24200);
    for (const auto& [offset, size] : {std::pair{5, 12000}, std::pair{12100, 12000}}) {
        const auto got = std::span(out).subspan(offset, size);
        const auto wanted = std::span(values).subspan(offset, size);
        // What is left is the rounding of two factors to four bits.
        EXPECT_LT(mean_square(difference(got, wanted)), 0.03 * mean_square(wanted));
    }
    const auto rest = std::span(values).subspan(12005, 95);
    EXPECT_LT(mean_square(difference(std::span(out).subspan(12005, 95), rest)),
              0.01 * mean_square(rest));
}

TEST(LowRank, error_feedback_brings_what_its_rank_leaves_out) {
    // A matrix of full rank, the same every round: the mean of what was sent approaches it.
    const Matrix matrix{.offset = 0, .rows = 40, .columns = 40};
    const auto codec =
        make_codec({.kind = CodecKind::low_rank, .rank = 4}, 1600, {&matrix, 1}).value();
    const auto values = noise(1600, 31);
    ErrorFeedback feedback(1600, 1);
    std::vector<float> sum(1600, 0.0f);
    for (int round = 0; round < 60; ++round) {
        auto compensated = values;
        feedback.compensate(compensated);
        const auto out = decoded(*codec, codec->encode(compensated).value(), 1600);
        feedback.keep(compensated, out);
        for (std::size_t i = 0; i < 1600; ++i) sum[i] += out[i] / 60;
    }
    EXPECT_LT(mean_square(difference(sum, values)), 0.05 * mean_square(values));
}

TEST(LowRank, refuses_matrices_that_overlap_or_leave_the_list) {
    const auto refused = [](std::vector<Matrix> matrices) {
        return !make_codec({.kind = CodecKind::low_rank}, 100, matrices).ok();
    };
    EXPECT_FALSE(refused({{0, 5, 10}, {50, 5, 10}}));
    EXPECT_TRUE(refused({{0, 5, 10}, {49, 5, 10}}));
    EXPECT_TRUE(refused({{50, 5, 10}, {0, 5, 10}}));
    EXPECT_TRUE(refused({{51, 5, 10}}));
    EXPECT_TRUE(refused({{0, 0, 10}}));
    EXPECT_TRUE(refused({{~0ull, 1, 1}}));
}

TEST(LowRank, decoder_refuses_products_that_are_not_finite) {
    const Matrix matrix{.offset = 0, .rows = 16, .columns = 16};
    const auto codec =
        make_codec({.kind = CodecKind::low_rank, .rank = 1}, 256, {&matrix, 1}).value();
    Writer writer;
    write_codec_header(writer, CodecKind::low_rank, 1, 256);
    for (int factor = 0; factor < 2; ++factor) {
        write_float(writer, 1e37f);
        writer.raw(Bytes(8, 0xff));
    }
    std::vector<float> out(256);
    const auto status = codec->decode(writer.bytes(), out);
    EXPECT_EQ(status.error().kind, ErrorKind::corrupt);
}

TEST(TopK2, keeps_the_largest_magnitudes_with_their_signs) {
    // Method: compare with a full sort, chunk by chunk.
    const std::size_t size = 10000;
    const auto values = noise(size, 21);
    const auto codec = make_codec({.kind = CodecKind::topk2, .kept = 64}, size).value();
    const auto out = decoded(*codec, codec->encode(values).value(), size);
    for (std::size_t start = 0; start < size; start += kChunk) {
        const auto length = std::min<std::size_t>(kChunk, size - start);
        std::vector<std::size_t> order(length);
        std::iota(order.begin(), order.end(), start);
        std::stable_sort(order.begin(), order.end(),
                         [&](auto a, auto b) { return std::abs(values[a]) > std::abs(values[b]); });
        const std::size_t kept = (64 * length + kChunk - 1) / kChunk;
        for (std::size_t rank = 0; rank < length; ++rank) {
            const auto i = order[rank];
            if (rank < kept) {
                EXPECT_GT(out[i] * values[i], 0);
            } else {
                EXPECT_EQ(out[i], 0);
            }
        }
    }
}

TEST(TopK2, has_the_documented_bytes) {
    // A short chunk of 2 keeps its share of 1024 in 4096, rounded up to 1: index 1, both levels 3.
    const auto codec = make_codec({.kind = CodecKind::topk2, .kept = 1024}, 2).value();
    EXPECT_EQ(to_hex(codec->encode(std::vector<float>{-1, 3}).value()),
              "0102000400000200000000000000404040400100");
    // One of 8 keeps 2: indexes 1 and 6; levels 1 and 3; -1 is sign bit 1, level 0; 3 is 0, 1.
    const auto wide = make_codec({.kind = CodecKind::topk2, .kept = 1024}, 8).value();
    const auto bytes = wide->encode(std::vector<float>{0, -1, 0, 0, 0, 0, 3, 0}).value();
    EXPECT_EQ(to_hex(bytes), "0102000400000800000000000000803f404001600009");
    EXPECT_EQ(decoded(*wide, bytes, 8), (std::vector<float>{0, -1, 0, 0, 0, 0, 3, 0}));
}

TEST(TopK2, decoder_refuses_what_no_encoder_writes) {
    const auto codec = make_codec({.kind = CodecKind::topk2, .kept = 1024}, 8).value();
    const std::string header = "0102000400000800000000000000";
    std::vector<float> out(8);
    for (const char* body : {"4040803f01600009",     // levels descend
                             "80bf404001600009",     // a negative level
                             "803f807f01600009",     // an infinite level
                             "803fc07f01600009",     // no number
                             "803f404006100009",     // indexes descend
                             "803f404001100009",     // an index twice
                             "803f404001800009",     // an index beyond the chunk
                             "803f404001600019"}) {  // bits after the last value
        EXPECT_EQ(codec->decode(from_hex(header + body).value(), out).error().kind,
                  ErrorKind::corrupt)
            << body;
    }
}

}  // namespace
}  // namespace mutirao::train
