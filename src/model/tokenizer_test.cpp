#include "model/tokenizer.hpp"

#include <algorithm>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "model/generate.hpp"
#include "model/nano_backend.hpp"

namespace mutirao::model {
namespace {

std::string sample_text() {
    static const char* const kWords[] = {"mutir\xC3\xA3o", "vizinha", "planta", "o milho",
                                         "semente",        "colhe",   "depois", "da chuva",
                                         "agricultor",     "horta",   "reparte"};
    SeededRandom random(5);
    std::string text;
    for (int line = 0; line < 2000; ++line) {
        for (int i = 0; i < 6; ++i) text += std::string(kWords[random.below(11)]) + " ";
        text += ".\n";
    }
    return text;
}

Tokenizer trained(std::uint32_t vocabulary = 340) {
    static const std::string text = sample_text();
    const ByteSpan texts[] = {as_bytes(text)};
    return Tokenizer::train(texts, vocabulary).value();
}

std::string there_and_back(const Tokenizer& tokenizer, std::string_view text) {
    std::string out;
    for (const Token token : tokenizer.encode(as_bytes(text)))
        out += as_text(tokenizer.bytes_of(token));
    return out;
}

TEST(Tokenizer, loses_nothing_of_utf8_text) {
    const auto tokenizer = trained();
    EXPECT_EQ(tokenizer.vocabulary(), 340u);
    for (const std::string_view text :
         {"mutir\xC3\xA3o", "  two  spaces \n\n\tand a tab",
          "\xE4\xB8\xAD\xE6\x96\x87 \xF0\x9F\x8C\xBD", "", "\n", " a", "no utf-8 \xFF\xC3"})
        EXPECT_EQ(there_and_back(tokenizer, text), text);
    const auto text = sample_text();
    EXPECT_EQ(there_and_back(tokenizer, text), text);
    EXPECT_LT(tokenizer.encode(as_bytes(text)).size() * 3, text.size());
}

TEST(Tokenizer, the_first_tokens_are_those_of_all_of_the_text) {
    const auto tokenizer = trained();
    const auto text = sample_text() + "  two  spaces\n\n \xE4\xB8\xAD\xE6\x96\x87 \xFF";
    const auto all = tokenizer.encode(as_bytes(text));
    for (const std::size_t count : {0u, 1u, 2u, 3u, 50u, 1001u}) {
        const auto first = tokenizer.first_tokens(as_bytes(text), count);
        EXPECT_TRUE(std::ranges::equal(first, std::span(all).first(count))) << count;
    }
    EXPECT_EQ(tokenizer.first_tokens(as_bytes(text), all.size() + 5), all);
}

TEST(Tokenizer, no_token_stands_for_more_bytes_than_the_longest) {
    const auto tokenizer = trained();
    std::size_t longest = 0;
    for (Token token = 0; token < tokenizer.vocabulary(); ++token)
        longest = std::max(longest, tokenizer.bytes_of(token).size());
    EXPECT_GE(tokenizer.longest(), longest);
    EXPECT_LE(tokenizer.longest(), 16u * 4);
    // SentencePiece's sign for a space may become one of one byte.
    std::string signs;
    for (int i = 0; i < 100; ++i) signs += "\xE2\x96\x81";
    EXPECT_LE(signs.size(), tokenizer.encode(as_bytes(signs)).size() * tokenizer.longest());
}

TEST(Tokenizer, is_its_file_and_the_same_texts_give_the_same_file) {
    const auto tokenizer = trained();
    EXPECT_EQ(tokenizer.file(), trained().file());
    const auto read = Tokenizer::from_file(tokenizer.file()).value();
    EXPECT_EQ(read.file(), tokenizer.file());
    EXPECT_EQ(read.encode(as_bytes("o milho")), tokenizer.encode(as_bytes("o milho")));
}

TEST(Tokenizer, refuses_wrong_sizes_too_little_text_and_files_of_others) {
    const ByteSpan few[] = {as_bytes("o milho")};
    EXPECT_EQ(Tokenizer::train(few, 1000).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(Tokenizer::train(few, 299).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(Tokenizer::train(few, 65536).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(Tokenizer::from_file(as_bytes("no model")).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(Tokenizer::from_file({}).error().kind, ErrorKind::corrupt);
}

TEST(Generate, writes_text_with_a_tokenizer_of_its_vocabulary_only) {
    const auto tokenizer = trained();
    const GptConfig config{1, 16, 2, 8, tokenizer.vocabulary()};
    auto model = make_nano_backend()->create(config, {}, initial_parameters(config, 1)).value();
    // Nine tokens that come round: the model learns to write them in turn.
    const auto tokens = tokenizer.encode(as_bytes("o milho planta "));
    std::vector<Token> window;
    while (window.size() < 9) window.push_back(tokens[window.size() % tokens.size()]);
    const Bytes batch = token_bytes(config, window);
    for (int step = 0; step < 80; ++step) ASSERT_TRUE(model->train_step({1, batch}, 1e-2f).ok());
    SeededRandom random(1);
    const GenerateOptions options{.new_tokens_max = 2, .temperature = 0};
    const Bytes first = tokenizer.bytes_of(tokens[0]);
    std::string wanted;
    for (std::size_t i : {1u, 2u}) wanted += as_text(tokenizer.bytes_of(tokens[i % tokens.size()]));
    EXPECT_EQ(as_text(generate(*model, first, options, random, &tokenizer).value()), wanted);
    EXPECT_EQ(generate(*model, first, options, random).error().kind, ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace mutirao::model
