#include "train/originality.hpp"

#include <algorithm>
#include <gtest/gtest.h>

#include "train/contribution.hpp"
#include "train/test_texts.hpp"

namespace mutirao::train {
namespace {

std::vector<std::uint32_t> originality_of(const std::vector<std::string>& texts,
                                          std::uint32_t shift = 4) {
    std::vector<Fingerprint> fingerprints;
    for (const auto& text : texts) fingerprints.emplace_back(shift).add(as_bytes(text));
    return originality(fingerprints);
}

TEST(Originality, a_shared_text_counts_in_equal_parts_and_a_repeated_one_once) {
    const auto a = random_bytes(50000, 1), b = random_bytes(50000, 2), c = random_bytes(50000, 3);
    EXPECT_EQ(originality_of({a, b, c}),
              (std::vector<std::uint32_t>{kMillion, kMillion, kMillion}));
    const auto parts = originality_of({a, a, a + b, c + c + c + c});
    EXPECT_EQ(parts[0], kMillion / 3);
    EXPECT_EQ(parts[1], kMillion / 3);
    EXPECT_NEAR(parts[2], kMillion * 2 / 3, kMillion / 50);
    EXPECT_NEAR(parts[3], kMillion / 4, kMillion / 500);
    EXPECT_LT(originality_of({std::string(50000, 'a')}, 0)[0], 100u);
}

TEST(Originality, a_copy_is_found_wherever_it_starts_and_with_changes_here_and_there) {
    const auto a = random_bytes(50000, 1);
    auto changed = "preface" + a;
    for (std::size_t i = 500; i < changed.size(); i += 1000) changed[i] ^= 1;
    const auto parts = originality_of({a, changed});
    // A change spoils 32 stretches of 1000.
    EXPECT_NEAR(parts[0], kMillion / 2, kMillion / 25);
    EXPECT_NEAR(parts[1], kMillion / 2, kMillion / 25);
}

TEST(Originality, how_a_text_is_cut_into_pieces_does_not_matter) {
    const auto text = portuguese(5000, 1);
    Fingerprint whole(2), pieces(2);
    whole.add(as_bytes(text));
    for (std::size_t at = 0, size = 1; at < text.size(); at += size++)
        pieces.add(as_bytes(std::string_view(text).substr(at, size)));
    EXPECT_GT(whole.hashes().size(), 1000u);
    EXPECT_TRUE(std::ranges::equal(whole.hashes(), pieces.hashes()));
}

TEST(Originality, texts_too_short_to_sample_count_as_original_and_large_ones_are_sampled_less) {
    EXPECT_EQ(originality_of({"short", "short"}), (std::vector<std::uint32_t>{kMillion, kMillion}));
    EXPECT_EQ(sampling_shift(0), 0u);
    EXPECT_EQ(sampling_shift(kFingerprintsMax), 0u);
    EXPECT_EQ(sampling_shift(kFingerprintsMax + 1), 1u);
    EXPECT_EQ(sampling_shift(std::uint64_t{1} << 40), 20u);
}

}  // namespace
}  // namespace mutirao::train
