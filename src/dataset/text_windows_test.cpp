#include "dataset/text_windows.hpp"

#include <algorithm>
#include <gtest/gtest.h>

#include "base/random.hpp"

namespace mutirao::dataset {
namespace {

std::string verses(std::uint64_t seed, int words) {
    static const char* const kWords[] = {"o milho ", "a chuva\n", "p\xC3\xA3o ",
                                         "colhe ",   "reparte ",  "multiplicadamente "};
    SeededRandom random(seed);
    std::string text;
    for (int i = 0; i < words; ++i) text += kWords[random.below(6)];
    return text;
}

model::Tokenizer trained() {
    const auto text = verses(1, 5000);
    const ByteSpan texts[] = {as_bytes(text)};
    return model::Tokenizer::train(texts, 310).value();
}

const model::GptConfig kConfig{1, 16, 2, 16, 310};

Bytes example(const model::Tokenizer& tokenizer, std::string_view window) {
    Bytes out(kConfig.example().size());
    make_text_example(kConfig, tokenizer, as_bytes(window), out);
    return out;
}

TEST(TextWindows, are_the_tokens_of_the_text_from_a_word_on) {
    const auto tokenizer = trained();
    const auto text = verses(2, 2000);
    const auto size = text_window(kConfig, tokenizer);
    for (std::size_t at = 0; at + size <= text.size(); at += 7) {
        const auto window = std::string_view(text).substr(at, size);
        const auto space = window.find(' '), line = window.find('\n');
        const auto behind = text.substr(at + (space < line ? space : line + 1), 2 * size);
        auto tokens = tokenizer.encode(as_bytes(behind));
        tokens.resize(17);
        ASSERT_EQ(example(tokenizer, window), model::token_bytes(kConfig, tokens)) << at;
    }
}

TEST(TextWindows, hold_an_example_even_of_the_longest_pieces) {
    const auto tokenizer = trained();
    std::string longest, text;
    for (const auto& piece : tokenizer.pieces())
        if (piece.kind == model::Tokenizer::Piece::Kind::normal &&
            piece.text.size() > longest.size())
            longest = piece.text;
    EXPECT_EQ(longest.size(), tokenizer.longest());
    const auto size = text_window(kConfig, tokenizer);
    while (text.size() < size) text += longest;
    text.resize(size);
    EXPECT_GE(tokenizer.encode(as_bytes(std::string_view(text).substr(64))).size(), 17u);
}

TEST(TextWindows, begin_at_a_character_where_no_word_begins) {
    const auto tokenizer = trained();
    std::string text;
    for (int i = 0; i < 100; ++i) text += "\xE4\xB8\xAD\xE6\x96\x87";
    const auto whole = example(tokenizer, text);
    EXPECT_NE(example(tokenizer, text.substr(3)), whole);
    EXPECT_EQ(example(tokenizer, text.substr(1)), example(tokenizer, text.substr(3)));
    EXPECT_EQ(example(tokenizer, text.substr(4)), whole);
}

TEST(TextWindows, that_hold_too_little_are_repeated) {
    const auto tokenizer = trained();
    const auto line_feeds = example(tokenizer, "\n");
    for (std::size_t i = 0; i < 17; ++i) EXPECT_EQ(line_feeds[2 * i], line_feeds[0]);
    for (const std::string_view text : {" ", "x\n", "\x80", "\x80\x80\x80\x80", "\xE2\x96"})
        EXPECT_EQ(example(tokenizer, text).size(), kConfig.example().size());
    const auto made = example(tokenizer, "a b c");  // " b", " c" again and again
    const auto tokens = tokenizer.encode(as_bytes(" b c"));
    auto wanted = tokens;
    for (std::size_t i = 0; wanted.size() < 17; ++i) wanted.push_back(tokens[i % tokens.size()]);
    EXPECT_EQ(made, model::token_bytes(kConfig, wanted));
}

}  // namespace
}  // namespace mutirao::dataset
