#include "model/config.hpp"

#include <cmath>
#include <gtest/gtest.h>

namespace mutirao::model {
namespace {

TEST(GptConfig, layout_is_contiguous_and_adds_up_to_the_parameter_count) {
    for (const GptConfig config : {GptConfig{1, 8, 2, 4}, GptConfig{2, 128, 4, 64},
                                   GptConfig{3, 96, 6, 128}, GptConfig{64, 16, 1, 1}}) {
        ASSERT_TRUE(config.validate().ok());
        std::size_t offset = 0;
        for (const auto& parameter : parameter_layout(config)) {
            EXPECT_EQ(parameter.offset, offset);
            std::size_t size = 1;
            for (const auto extent : parameter.shape) size *= extent;
            EXPECT_EQ(parameter.size, size);
            offset += size;
        }
        EXPECT_EQ(offset, config.parameter_count());
    }
}

TEST(GptConfig, names_are_those_of_a_hugging_face_llama) {
    const auto layout = parameter_layout(GptConfig{2, 128, 4, 64});
    EXPECT_EQ(layout.front().name, "model.embed_tokens.weight");
    EXPECT_EQ(layout[2].name, "model.layers.0.self_attn.q_proj.weight");
    EXPECT_EQ(layout[9].name, "model.layers.0.mlp.down_proj.weight");
    EXPECT_EQ(layout[9].shape, (std::vector<std::uint32_t>{128, 352}));
    EXPECT_EQ(layout.back().name, "lm_head.weight");
}

TEST(GptConfig, refuses_each_field_outside_of_its_limits) {
    for (const GptConfig config :
         {GptConfig{0, 128, 4, 64}, GptConfig{65, 128, 4, 64}, GptConfig{2, 0, 4, 64},
          GptConfig{2, 4098, 2, 64}, GptConfig{2, 128, 0, 64}, GptConfig{2, 130, 65, 64},
          GptConfig{2, 128, 4, 0}, GptConfig{2, 128, 4, 4097}, GptConfig{2, 128, 3, 64},
          GptConfig{2, 12, 4, 64}, GptConfig{64, 4096, 64, 64}}) {
        EXPECT_EQ(config.validate().error().kind, ErrorKind::invalid_argument);
        Writer writer;
        ModelConfig(config).encode(writer);
        Reader reader(writer.bytes());
        EXPECT_FALSE(ModelConfig::decode(reader).ok());
    }
}

const ModelConfig kKinds[] = {GptConfig{3, 96, 6, 128, 5000}, ImageConfig{28, 20, 3, 7, 4, 32},
                              TabularConfig{35, 19, 48, 3}};

TEST(ModelConfig, codec_round_trips) {
    for (const auto& config : kKinds) {
        Writer writer;
        config.encode(writer);
        EXPECT_EQ(writer.bytes().size(), 1 + 4 * config.fields().size());
        Reader reader(writer.bytes());
        EXPECT_EQ(ModelConfig::decode(reader).value(), config);
        EXPECT_TRUE(reader.finish().ok());
    }
    const Bytes unknown(30, 3);
    Reader reader(unknown);
    EXPECT_FALSE(ModelConfig::decode(reader).ok());
}

TEST(ModelConfig, is_written_by_name_and_says_which_names_there_are) {
    for (const auto& config : kKinds) {
        auto copy = ModelConfig::of_kind(config.kind_name()).value();
        for (const auto& [name, value] : config.fields()) EXPECT_TRUE(copy.set(name, value).ok());
        EXPECT_EQ(copy, config);
    }
    EXPECT_NE(ModelConfig::of_kind("cnn").error().message.find("image"), std::string::npos);
    ModelConfig table = TabularConfig{};
    EXPECT_NE(table.set("depth", 1).error().message.find("layers"), std::string::npos);
}

TEST(ModelConfig, layouts_add_up_to_the_parameter_count) {
    for (const auto& config : kKinds) {
        ASSERT_TRUE(config.validate().ok());
        const auto layout = parameter_layout(config);
        EXPECT_EQ(layout.back().offset + layout.back().size, config.parameter_count());
    }
    EXPECT_EQ(kKinds[0].example(), (ExampleShape{2, 129}));
    EXPECT_EQ(kKinds[1].example_size(), 28u * 20 * 3 + 1);
    EXPECT_EQ(kKinds[2].example_size(), 36u * 4);
}

TEST(ModelConfig, refuses_what_is_no_picture_and_no_table) {
    for (const ModelConfig& config :
         {ModelConfig(ImageConfig{0, 1, 1, 2, 1, 1}), ModelConfig(ImageConfig{8, 8, 2, 2, 1, 1}),
          ModelConfig(ImageConfig{8, 8, 1, 1, 1, 1}), ModelConfig(ImageConfig{8, 8, 1, 257, 1, 1}),
          ModelConfig(ImageConfig{1024, 1024, 3, 2, 512, 4096}),
          ModelConfig(TabularConfig{0, 2, 8, 1}), ModelConfig(TabularConfig{4097, 2, 8, 1}),
          ModelConfig(TabularConfig{4, 2, 8, 0}), ModelConfig(GptConfig{1, 8, 2, 4, 65536})})
        EXPECT_EQ(config.validate().error().kind, ErrorKind::invalid_argument);
}

TEST(InitialParameters, depend_on_the_seed_alone) {
    const GptConfig config{1, 32, 2, 16};
    EXPECT_EQ(initial_parameters(config, 7), initial_parameters(config, 7));
    EXPECT_NE(initial_parameters(config, 7), initial_parameters(config, 8));
    // A piece is that piece of the whole.
    const auto whole = initial_parameters(config, 7);
    const auto layout = parameter_layout(config);
    const auto& from = layout[layout.size() / 2];
    const auto piece = initial_parameters(config, 7, from.offset, whole.size() - from.offset);
    EXPECT_TRUE(std::equal(piece.begin(), piece.end(),
                           whole.begin() + static_cast<std::ptrdiff_t>(from.offset), whole.end()));
}

TEST(InitialParameters, have_the_documented_deviations) {
    const GptConfig config{2, 128, 4, 64};
    const auto parameters = initial_parameters(config, 1);
    for (const auto& parameter : parameter_layout(config)) {
        double sum = 0, squares = 0;
        for (std::size_t i = 0; i < parameter.size; ++i) {
            const double value = parameters[parameter.offset + i];
            sum += value;
            squares += value * value;
        }
        const auto count = static_cast<double>(parameter.size);
        const bool norm = parameter.shape.size() == 1;
        const bool residual = parameter.name.ends_with("o_proj.weight") ||
                              parameter.name.ends_with("down_proj.weight");
        EXPECT_NEAR(sum / count, norm ? 1 : 0, 1e-3) << parameter.name;
        if (!norm) {
            EXPECT_NEAR(std::sqrt(squares / count), residual ? 0.01 : 0.02, 2e-4) << parameter.name;
        }
    }
}

}  // namespace
}  // namespace mutirao::model
