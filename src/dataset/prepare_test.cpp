#include "dataset/prepare.hpp"

#include <cmath>
#include <gtest/gtest.h>

#include "model/nano_backend.hpp"

namespace mutirao::dataset {
namespace {

std::string verses(int seed) {
    static const char* const kWords[] = {"o milho ", "a chuva ", "planta ",
                                         "colhe ",   "reparte ", "\n"};
    std::string text;
    for (int i = 0; i < 3000; ++i)
        text += kWords[(i * i + seed * i) / 3 % 6] + std::to_string(i * 7919 % 1000) + " ";
    return text;
}

TEST(Prepare, leaves_bytes_and_makes_tokens_of_one_tokenizer_for_all) {
    const auto first = verses(1), second = verses(5);
    const ByteSpan owners[] = {as_bytes(first), as_bytes(second)};
    const auto bytes = prepare(model::GptConfig{}, owners).value();
    EXPECT_EQ(as_text(bytes.examples[1]), second);
    EXPECT_TRUE(bytes.preparation.empty());

    const model::GptConfig config{1, 16, 2, 16, 300};
    const auto made = prepare(config, owners).value();
    EXPECT_LT(made.examples[0].size(), first.size());
    // With the tokenizer of a checkpoint other texts are in the same pieces.
    const auto again = prepare(config, std::span(owners).last(1), made.preparation).value();
    EXPECT_EQ(again.examples[0], made.examples[1]);
    EXPECT_EQ(again.preparation, made.preparation);
    EXPECT_FALSE(prepare(model::GptConfig{.vocabulary = 301}, owners, made.preparation).ok());
}

TEST(Prepare, losses_of_tokens_and_of_bytes_are_in_one_unit) {
    const auto text = verses(1);
    const ByteSpan owners[] = {as_bytes(text)};
    const model::GptConfig config{1, 16, 2, 16, 300};
    const auto made = prepare(config, owners).value();
    const auto some = ByteSpan(made.examples[0]).first(20 * config.example().size());
    // Of all answers' bytes, each token's nats count once.
    const auto tokenizer = model::Tokenizer::from_file(made.preparation).value();
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < some.size() / 2; ++i)
        if (i % 17 != 0)
            bytes +=
                tokenizer.bytes_of(static_cast<model::Token>(some[2 * i] | some[2 * i + 1] << 8))
                    .size();
    EXPECT_NEAR(loss_per_byte(config, made.preparation, some, 2.0).value(),
                2.0 * 320 / static_cast<double>(bytes), 1e-9);
    EXPECT_EQ(loss_per_byte(model::GptConfig{}, {}, some, 2.0).value(), 2.0);
    EXPECT_FALSE(loss_per_byte(config, as_bytes("none"), some, 2.0).ok());
}

TEST(Prepare, fits_a_schema_over_all_owners_tables) {
    const ByteSpan owners[] = {as_bytes("rain,yield\n1,low\n2,high\n"),
                               as_bytes("rain,yield\n3,high\n4,high\n")};
    const model::TabularConfig config{.features = 4, .outputs = 3};
    const auto made = prepare(config, owners).value();
    EXPECT_EQ(made.examples[0].size(), 2 * config.example().size());
    EXPECT_EQ(TableSchema::decode(made.preparation)->columns[0].mean, 2.5f);
    const auto one = prepare(config, std::span(owners).first(1), made.preparation).value();
    EXPECT_EQ(one.examples[0], made.examples[0]);

    const ByteSpan wrong[] = {owners[0], as_bytes("rain,yield\n3\n")};
    EXPECT_NE(prepare(config, wrong).error().message.find("owner 1"), std::string::npos);
    EXPECT_FALSE(prepare(model::TabularConfig{.features = 1, .outputs = 1}, owners).ok());
}

TEST(Prepare, takes_pictures_of_the_models_size_only) {
    ImageSet set{2, 3, 1, {"a", "b"}, Bytes(14)};
    const auto file = set.encode();
    const ByteSpan owners[] = {file};
    const model::ImageConfig config{2, 3, 1, 2, 1, 1};
    const auto made = prepare(config, owners).value();
    EXPECT_EQ(made.examples[0], set.examples);
    EXPECT_EQ(class_names(made.preparation).value(), set.classes);
    EXPECT_FALSE(class_names(ByteSpan(made.preparation).first(5)).ok());
    set.classes[1] = "c";
    const auto another = set.encode();
    const ByteSpan mixed[] = {file, another};
    EXPECT_NE(prepare(config, mixed).error().message.find("owner 1"), std::string::npos);
    for (const auto& other :
         {model::ImageConfig{3, 2, 1, 2, 1, 1}, model::ImageConfig{2, 3, 3, 2, 1, 1}})
        EXPECT_NE(prepare(other, owners).error().message.find("owner 0"), std::string::npos);
}

}  // namespace
}  // namespace mutirao::dataset
