#include "gateway/text.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace mutirao::gateway {
namespace {

const std::string kBad = "\xEF\xBF\xBD";

TEST(ValidUtf8, leaves_well_formed_text_alone) {
    for (const std::string text : {"", "abc", "São João", "水", "😀", "\xF4\x8F\xBF\xBF",
                                   "\xEF\xBF\xBF", "\xED\x9F\xBF", "\xEE\x80\x80"})
        EXPECT_EQ(valid_utf8(text), text);
}

// The example sequences of Unicode 15, section 3.9, tables 3-8 to 3-11.
TEST(ValidUtf8, replaces_maximal_subparts_as_unicode_says) {
    const auto b = kBad;
    EXPECT_EQ(valid_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
              b + b + b + b + b + b + b + b + "A");
    EXPECT_EQ(valid_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
              b + b + b + b + b + b + b + b + "A");
    EXPECT_EQ(valid_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
              b + b + b + b + b + "A" + b + b + "B");
    EXPECT_EQ(valid_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), b + b + b + b + "A");
}

TEST(ValidUtf8, replaces_a_cut_last_sequence_once) {
    EXPECT_EQ(valid_utf8("a\xC3"), "a" + kBad);
    EXPECT_EQ(valid_utf8("a\xF0\x9F\x98"), "a" + kBad);
}

RC_GTEST_PROP(ValidUtf8, is_a_fixed_point_after_one_pass, (const std::string& text)) {
    const auto once = valid_utf8(text);
    RC_ASSERT(valid_utf8(once) == once);
    RC_ASSERT(once.size() <= 3 * text.size());
}

TEST(Utf8Pieces, cut_between_code_points_and_lose_nothing) {
    const std::string text = "ação é coração 😀😀 fim";
    for (std::size_t size = 4; size < text.size() + 2; ++size) {
        std::string joined;
        for (const auto piece : utf8_pieces(text, size)) {
            EXPECT_LE(piece.size(), size);
            EXPECT_EQ(valid_utf8(piece), piece);
            joined += piece;
        }
        EXPECT_EQ(joined, text);
    }
    EXPECT_TRUE(utf8_pieces("", 8).empty());
}

TEST(HtmlText, leaves_no_way_out_of_text_or_attribute) {
    EXPECT_EQ(html_text("<script>alert('x')</script>"),
              "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
    EXPECT_EQ(html_text("a\" onload=\"b & c"), "a&quot; onload=&quot;b &amp; c");
    EXPECT_EQ(html_text(std::string("a\0b\x1B", 4)), "a" + kBad + "b" + kBad);
    EXPECT_EQ(html_text("pão de queijo"), "pão de queijo");
}

RC_GTEST_PROP(HtmlText, never_writes_markup, (const std::string& text)) {
    const auto out = html_text(text);
    RC_ASSERT(out.find_first_of("<>\"'") == std::string::npos);
}

}  // namespace
}  // namespace mutirao::gateway
