// The files' own form. That other programs read them, tests/exports shows.
#include "model/exports.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "model/export_parts.hpp"

namespace mutirao::model {
namespace {

Checkpoint sample() {
    const GptConfig config{2, 16, 2, 8};
    return {config, initial_parameters(config, 3)};
}

Checkpoint with_pieces() {
    std::string text;
    for (int i = 0; i < 400; ++i)
        text += "o milho da vizinha " + std::to_string(i * 7919 % 1000) + "\n";
    const ByteSpan texts[] = {as_bytes(text)};
    const GptConfig config{1, 16, 2, 8, 320};
    Checkpoint out{config, initial_parameters(config, 3)};
    out.preparation = Tokenizer::train(texts, 320)->file();
    return out;
}

boost::json::value json_of(const std::vector<ExportedFile>& files, std::string_view name) {
    const auto file = std::ranges::find(files, name, &ExportedFile::name);
    EXPECT_NE(file, files.end()) << name;
    return boost::json::parse(as_text(file->bytes));
}

TEST(ByteLevelText, gives_every_byte_a_sign_of_its_own) {
    std::set<std::string> seen;
    for (unsigned byte = 0; byte < 256; ++byte)
        seen.insert(byte_level_text(static_cast<std::uint8_t>(byte)));
    EXPECT_EQ(seen.size(), 256u);
    EXPECT_EQ(byte_level_text('a'), "a");
    EXPECT_EQ(byte_level_text(' '), "\xC4\xA0");   // GPT-2's sign for a space, U+0120
    EXPECT_EQ(byte_level_text('\n'), "\xC4\x8A");  // U+010A
    EXPECT_EQ(byte_level_text(0xAD), "\xC5\x83");  // the last one, U+0143
}

TEST(ExportTransformers, has_the_shape_and_the_tokens_of_the_model) {
    const auto files = export_transformers(sample()).value();
    const auto config = json_of(files, "config.json");
    EXPECT_EQ(config.at("vocab_size").as_int64(), 256);
    EXPECT_EQ(config.at("intermediate_size").as_int64(), 64);
    const auto tokens = json_of(files, "tokenizer.json").at("model").at("vocab").as_object();
    EXPECT_EQ(tokens.size(), 256u);
    EXPECT_EQ(tokens.at("\xC4\xA0").as_int64(), ' ');
}

TEST(ExportTransformers, of_pieces_lists_every_merge_and_carries_the_tokenizers_file) {
    const auto checkpoint = with_pieces();
    const auto files = export_transformers(checkpoint).value();
    const auto model = json_of(files, "tokenizer.json").at("model");
    EXPECT_EQ(model.at("vocab").as_object().size(), 320u);
    EXPECT_GT(model.at("merges").as_array().size(), 20u);
    const auto file = std::ranges::find(files, "tokenizer.model", &ExportedFile::name);
    ASSERT_NE(file, files.end());
    EXPECT_EQ(file->bytes, checkpoint.preparation);
}

TEST(ExportGguf, has_aligned_tensors_after_its_metadata) {
    const auto checkpoint = sample();
    const auto file = export_gguf(checkpoint, "milho").value();
    Reader reader(file);
    EXPECT_EQ(as_text(reader.raw(4).value()), "GGUF");
    EXPECT_EQ(reader.u<std::uint32_t>().value(), 3u);
    EXPECT_EQ(reader.u<std::uint64_t>().value(), 21u);
    EXPECT_EQ(file.size() % 32, 0u);
    // The last tensor is the head, which moves nowhere.
    const auto head = ByteSpan(file).last(256 * 16 * 4);
    EXPECT_TRUE(std::equal(head.begin(), head.end(),
                           reinterpret_cast<const std::uint8_t*>(
                               checkpoint.parameters.data() + checkpoint.layout().back().offset)));
    EXPECT_NE(as_text(file).find("blk.1.attn_output.weight"), std::string::npos);
    EXPECT_NE(as_text(export_gguf(with_pieces(), "x").value()).find("tokenizer.ggml.scores"),
              std::string::npos);
}

TEST(Exports, refuse_what_is_no_whole_gpt) {
    const Checkpoint table{TabularConfig{}, initial_parameters(TabularConfig{}, 1)};
    EXPECT_EQ(export_transformers(table).error().kind, ErrorKind::unimplemented);
    auto adapter = sample();
    adapter.adapter.emplace();
    EXPECT_EQ(export_gguf(adapter, "x").error().kind, ErrorKind::invalid_argument);
    auto pieces = with_pieces();
    pieces.preparation.clear();
    EXPECT_FALSE(export_gguf(pieces, "x").ok());
}

}  // namespace
}  // namespace mutirao::model
