#include "model/checkpoint.hpp"

#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <string>

#include "model/stage.hpp"

namespace mutirao::model {
namespace {

Checkpoint sample() {
    const GptConfig config{1, 8, 2, 4};
    return {config, initial_parameters(config, 3), 20, 123456789012345};
}

// A safetensors file from a header and data, as any writer would make it.
Bytes file_of(const std::string& header, ByteSpan data) {
    Writer writer;
    writer.u(std::uint64_t{header.size()}).raw(as_bytes(header)).raw(data);
    return std::move(writer).take();
}

std::uint64_t header_size(const Bytes& file) { return Reader(file).u<std::uint64_t>().value(); }
std::string header_of(const Bytes& file) {
    return {file.begin() + 8, file.begin() + 8 + static_cast<std::ptrdiff_t>(header_size(file))};
}
ByteSpan data_of(const Bytes& file) { return ByteSpan(file).subspan(8 + header_size(file)); }

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

TEST(Checkpoint, round_trips_exactly) {
    const auto checkpoint = sample();
    const auto file = encode_checkpoint(checkpoint).value();
    const auto read = decode_checkpoint(file).value();
    EXPECT_EQ(read.config, checkpoint.config);
    EXPECT_EQ(read.parameters, checkpoint.parameters);
    EXPECT_EQ(read.round, checkpoint.round);
    EXPECT_EQ(read.tokens, checkpoint.tokens);
    EXPECT_EQ(encode_checkpoint(read).value(), file);
}

TEST(Checkpoint, has_the_shape_of_a_safetensors_file) {
    const auto checkpoint = sample();
    const auto file = encode_checkpoint(checkpoint).value();
    EXPECT_EQ(header_size(file) % 8, 0u);
    EXPECT_EQ(data_of(file).size(), checkpoint.parameters.size() * 4);
    const auto header = header_of(file);
    EXPECT_TRUE(header.starts_with("{\"__metadata__\":{"));
    EXPECT_NE(header.find("\"model.embed_tokens.weight\":{\"dtype\":\"F32\",\"shape\":[256,8],"
                          "\"data_offsets\":[0,8192]}"),
              std::string::npos);
    float first = 0;
    std::memcpy(&first, data_of(file).data(), sizeof(first));
    EXPECT_EQ(first, checkpoint.parameters[0]);
}

TEST(Checkpoint, pieces_of_stages_one_after_another_are_the_file) {
    const GptConfig config{3, 8, 2, 4};
    Checkpoint whole{config, initial_parameters(config, 3), 20, 5, Bytes(37, 9)};
    auto head = whole;
    head.parameters.clear();
    Bytes file;
    for (const auto& range : cut_into_stages(config, 2).value()) {
        const auto slice = stage_slice(config, range);
        const auto piece =
            encode_checkpoint_piece(head, slice.offset,
                                    std::span(whole.parameters).subspan(slice.offset, slice.size))
                .value();
        file.insert(file.end(), piece.begin(), piece.end());
    }
    EXPECT_EQ(file, encode_checkpoint(whole).value());
    EXPECT_FALSE(encode_checkpoint_piece(head, 8, whole.parameters).ok());
}

TEST(Checkpoint, reads_another_writers_order_and_padding) {
    // Goal: the reader relies on data_offsets only. Swap the first two tensors' places (the first
    // is 8192 bytes, the second 32) and drop the padding.
    const auto checkpoint = sample();
    const auto file = encode_checkpoint(checkpoint).value();
    auto header = replaced(header_of(file), "[0,8192]", "[32,8224]");
    header = replaced(header, "[8192,8224]", "[0,32]");
    header.erase(header.find_last_of('}') + 1);
    Bytes data = to_bytes(data_of(file));
    std::rotate(data.begin(), data.begin() + 8192, data.begin() + 8224);
    const auto read = decode_checkpoint(file_of(header, data));
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(read->parameters, checkpoint.parameters);
}

TEST(Checkpoint, refuses_every_cut) {
    const auto file = encode_checkpoint(sample()).value();
    for (std::size_t size = 0; size < file.size(); size += 1 + size / 64)
        EXPECT_EQ(decode_checkpoint(ByteSpan(file).first(size)).error().kind, ErrorKind::corrupt);
    Bytes longer = file;
    longer.push_back(0);
    EXPECT_EQ(decode_checkpoint(longer).error().kind, ErrorKind::corrupt);
}

TEST(Checkpoint, refuses_a_header_that_disagrees_with_the_model) {
    const auto file = encode_checkpoint(sample()).value();
    const auto header = header_of(file);
    const std::pair<const char*, const char*> changes[] = {
        {"\"layers\":\"1\"", "\"layers\":\"2\""},
        {"\"layers\":\"1\"", "\"layers\":1"},
        {"\"width\":\"8\"", "\"width\":\"8 \""},
        {"\"heads\":\"2\"", "\"heads\":\"0\""},
        {"\"heads\":\"2\"", "\"heads\":\"99999999999\""},
        {"\"context\":\"4\"", "\"kontext\":\"4\""},
        {"F32", "F16"},
        {"mutirao-model-2", "mutirao-model-3"},
        {"\"kind\":\"gpt\"", "\"kind\":\"tpg\""},
        {"\"vocabulary\":\"256\"", "\"vocabulary\":\"257\""},
        {"[256,8]", "[8,256]"},
        {"[256,8]", "[256]"},
        {"[0,8192]", "[0,8191]"},
        {"[0,8192]", "[-8192,0]"},
        {"[0,8192]", "[32,8224]"},
        {"[0,8192]", "[9000000000000000000,9000000000000008192]"},
        {"[0,8192]", "8192"},
        {"model.embed_tokens.weight", "model.embed_tokens.bias"},
        {"__metadata__", "metadata"},
        {"{", "["},
    };
    for (const auto& [from, to] : changes) {
        const auto read = decode_checkpoint(file_of(replaced(header, from, to), data_of(file)));
        ASSERT_FALSE(read.ok()) << from << " -> " << to;
        EXPECT_EQ(read.error().kind, ErrorKind::corrupt);
    }
}

TEST(Checkpoint, refuses_a_header_size_beyond_the_file_before_reading_it) {
    Bytes file = encode_checkpoint(sample()).value();
    for (const std::uint8_t top : {0x01, 0x7f, 0xff}) {
        file[7] = top;
        EXPECT_EQ(decode_checkpoint(file).error().kind, ErrorKind::corrupt);
    }
}

TEST(Checkpoint, keeps_a_tokenizer_or_schema_beside_the_parameters) {
    auto checkpoint = sample();
    checkpoint.preparation = {1, 2, 3};
    const auto file = encode_checkpoint(checkpoint).value();
    EXPECT_EQ(decode_checkpoint(file)->preparation, checkpoint.preparation);
    const auto header = replaced(header_of(file), "\"U8\"", "\"F8\"");
    EXPECT_EQ(decode_checkpoint(file_of(header, data_of(file))).error().kind, ErrorKind::corrupt);
    checkpoint.preparation.resize(kPreparationMax + 1);
    EXPECT_EQ(encode_checkpoint(checkpoint).error().kind, ErrorKind::invalid_argument);
}

TEST(Checkpoint, of_every_kind_of_model_round_trips) {
    for (const ModelConfig& config :
         {ModelConfig(GptConfig{1, 8, 2, 4, 300}), ModelConfig(ImageConfig{5, 4, 3, 2, 2, 3}),
          ModelConfig(TabularConfig{3, 1, 4, 2})}) {
        const Checkpoint checkpoint{config, initial_parameters(config, 3)};
        const auto read = decode_checkpoint(encode_checkpoint(checkpoint).value()).value();
        EXPECT_EQ(read.config, config);
        EXPECT_EQ(read.parameters, checkpoint.parameters);
    }
}

TEST(Checkpoint, of_an_adapter_names_its_base_and_merges_into_it) {
    const auto base = sample();
    const auto& gpt = *base.config.gpt();
    Checkpoint adapter{base.config, initial_adapters(gpt, {.rank = 2}, 1), 3, 100};
    for (auto& value : adapter.parameters) value += 0.5f;
    Digest digest;
    digest.bytes[0] = 7;
    adapter.adapter = {.lora = {.rank = 2}, .base = digest};
    const auto file = encode_checkpoint(adapter).value();
    const auto read = decode_checkpoint(file).value();
    EXPECT_EQ(read.adapter, adapter.adapter);
    EXPECT_EQ(read.parameters, adapter.parameters);
    const auto merged = merge_checkpoints(base, read).value();
    EXPECT_EQ(merged.parameters,
              merge_adapters(gpt, {.rank = 2}, base.parameters, adapter.parameters));
    EXPECT_FALSE(merged.adapter);
    EXPECT_EQ(merged.round, base.round + 3);

    EXPECT_FALSE(merge_checkpoints(base, base).ok());
    EXPECT_FALSE(merge_checkpoints(adapter, adapter).ok());
    const auto header = header_of(file);
    for (const auto& [from, to] : {std::pair{"\"lora_rank\":\"2\"", "\"lora_rank\":\"3\""},
                                   {"\"lora_rank\":\"2\"", "\"lora_rank\":\"0\""},
                                   {"\"lora_base\":\"07", "\"lora_base\":\"0x"}}) {
        const auto bad = decode_checkpoint(file_of(replaced(header, from, to), data_of(file)));
        ASSERT_FALSE(bad.ok()) << to;
        EXPECT_EQ(bad.error().kind, ErrorKind::corrupt);
    }
}

TEST(Checkpoint, does_not_encode_a_wrong_parameter_count) {
    auto checkpoint = sample();
    checkpoint.parameters.pop_back();
    EXPECT_EQ(encode_checkpoint(checkpoint).error().kind, ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace mutirao::model
