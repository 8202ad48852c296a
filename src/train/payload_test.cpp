#include "train/payload.hpp"

#include <gtest/gtest.h>
#include <limits>

#include "train/sampler.hpp"
#include "train/settings.hpp"

namespace mutirao::train {
namespace {

Payload sample() {
    Payload payload;
    payload.run.bytes.fill(7);
    payload.round = 3;
    payload.worker = 1;
    payload.tokens = 30720;
    payload.loss = 2.5;
    payload.base.bytes.fill(9);
    payload.delta = {1, 2, 3};
    payload.before.bytes.fill(8);
    payload.credits = {5, -1};
    return payload;
}

TEST(Payload, round_trips_and_has_the_documented_layout) {
    const auto bytes = encode_payload(sample());
    EXPECT_EQ(decode_payload(bytes).value(), sample());
    std::string expected = "0300";
    for (int i = 0; i < 32; ++i) expected += "07";
    expected += "030000000100000000780000000000000000000000000440";
    for (int i = 0; i < 32; ++i) expected += "09";
    expected += "03000000010203";
    for (int i = 0; i < 32; ++i) expected += "08";
    expected += "020000000500000000000000ffffffffffffffff";
    EXPECT_EQ(to_hex(bytes), expected);
}

TEST(Payload, refuses_every_cut_and_trailing_bytes) {
    auto bytes = encode_payload(sample());
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_EQ(decode_payload(ByteSpan(bytes).first(size)).error().kind, ErrorKind::corrupt);
    bytes.push_back(0);
    EXPECT_EQ(decode_payload(bytes).error().kind, ErrorKind::corrupt);
}

TEST(Payload, refuses_numbers_outside_of_their_limits) {
    auto refused = [](auto change) {
        auto payload = sample();
        change(payload);
        return !decode_payload(encode_payload(payload)).ok();
    };
    EXPECT_TRUE(refused([](Payload& p) { p.round = kRoundsMax; }));
    EXPECT_FALSE(refused([](Payload& p) { p.round = kRoundsMax - 1; }));
    EXPECT_TRUE(refused([](Payload& p) { p.worker = kWorkersMax; }));
    EXPECT_FALSE(refused([](Payload& p) { p.worker = kWorkersMax - 1; }));
    EXPECT_TRUE(refused([](Payload& p) { p.loss = std::numeric_limits<double>::infinity(); }));
    EXPECT_TRUE(refused([](Payload& p) { p.loss = std::numeric_limits<double>::quiet_NaN(); }));
    EXPECT_TRUE(refused([](Payload& p) { p.credits.assign(kOwnersMax + 1, 0); }));
    EXPECT_FALSE(refused([](Payload& p) { p.credits.assign(kOwnersMax, 0); }));
    auto bytes = encode_payload(sample());
    bytes[0] = 1;
    EXPECT_FALSE(decode_payload(bytes).ok());
}

TEST(RunSettings, presets_are_valid_and_round_trip) {
    for (const char* name :
         {"mutirao", "allreduce", "opendiloco", "cocktail", "dilocox", "sparseloco"}) {
        const auto settings = preset(name).value();
        ASSERT_TRUE(settings.validate().ok()) << name;
        Writer writer;
        settings.encode(writer);
        Reader reader(writer.bytes());
        EXPECT_EQ(RunSettings::decode(reader).value(), settings);
        EXPECT_TRUE(reader.finish().ok());
    }
    const auto unknown = preset("nosuch");
    EXPECT_EQ(unknown.error().kind, ErrorKind::not_found);
    EXPECT_NE(unknown.error().message.find("mutirao"), std::string::npos);
}

TEST(RunSettings, of_other_models_and_of_adapters_round_trip) {
    auto settings = preset("mutirao").value();
    for (const model::ModelConfig& config :
         {model::ModelConfig(model::TabularConfig{}), model::ModelConfig(model::ImageConfig{}),
          model::ModelConfig(model::GptConfig{.vocabulary = 4096})}) {
        settings.model = config;
        settings.base = std::nullopt, settings.lora = std::nullopt;
        for (int with = 0; with < (config.gpt() ? 3 : 2); ++with) {
            if (with > 0) settings.base.emplace();
            if (with > 1) settings.lora.emplace();
            Writer writer;
            settings.encode(writer);
            Reader reader(writer.bytes());
            EXPECT_EQ(RunSettings::decode(reader).value(), settings);
        }
    }
}

TEST(RunSettings, refuse_each_number_outside_of_its_limits) {
    auto refused = [](auto change) {
        auto settings = preset("mutirao").value();
        change(settings);
        Writer writer;
        settings.encode(writer);
        Reader reader(writer.bytes());
        return !settings.validate().ok() && !RunSettings::decode(reader).ok();
    };
    const float nan = std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(refused([](auto& s) { s.model = model::GptConfig{.layers = 0}; }));
    EXPECT_TRUE(refused([](auto& s) { s.model = model::ImageConfig{.classes = 1}; }));
    EXPECT_TRUE(refused([](auto& s) { s.lora.emplace(); }));  // of no base
    EXPECT_TRUE(refused([](auto& s) {
        s.base.emplace();
        s.lora = model::LoraConfig{.rank = 0};
    }));
    EXPECT_TRUE(refused([](auto& s) {
        s.base.emplace();
        s.lora.emplace();
        s.model = model::TabularConfig{};
    }));
    EXPECT_TRUE(refused([](auto& s) { s.batch = 0; }));
    EXPECT_TRUE(refused([](auto& s) { s.local_steps = 0; }));
    EXPECT_TRUE(refused([](auto& s) { s.rounds = 0; }));
    EXPECT_TRUE(refused([](auto& s) { s.inner = static_cast<InnerOptimizer>(2); }));
    EXPECT_TRUE(refused([](auto& s) { s.schedule = static_cast<Schedule>(3); }));
    EXPECT_TRUE(refused([=](auto& s) { s.learning_rate = nan; }));
    EXPECT_TRUE(refused([](auto& s) { s.final_learning_rate = 2 * s.learning_rate; }));
    EXPECT_TRUE(refused([](auto& s) { s.warmup_steps = s.local_steps * s.rounds + 1; }));
    EXPECT_TRUE(refused([](auto& s) { s.codec.kept = 0; }));
    EXPECT_TRUE(refused([](auto& s) { s.codec.rank = 0; }));
    EXPECT_TRUE(refused([](auto& s) { s.codec.kind = static_cast<CodecKind>(7); }));
    EXPECT_TRUE(refused([](auto& s) { s.fragments = 0; }));
    EXPECT_TRUE(refused([](auto& s) { s.fragments = 65; }));
    EXPECT_TRUE(refused([](auto& s) { s.fragments = 2, s.schedule = Schedule::delay_restart; }));
    EXPECT_TRUE(refused([](auto& s) { s.fragments = 2, s.codec.kind = CodecKind::low_rank; }));
    EXPECT_TRUE(refused([](auto& s) { s.merge = static_cast<Merge>(4); }));
    EXPECT_TRUE(refused([](auto& s) { s.quorum = kWorkersMax + 1; }));
    EXPECT_TRUE(refused([](auto& s) { s.audit_every = 1; }));
    EXPECT_FALSE(refused([](auto& s) { s.audit_every = 1, s.quorum = 3; }));
    EXPECT_TRUE(refused([](auto& s) {
        s.audit_every = 1, s.quorum = 3, s.error_decay = 0;
        s.privacy = {.clip = 1, .noise = 1, .delta = 1e-5f};
    }));
    EXPECT_TRUE(refused([](auto& s) {
        s.audit_every = 1, s.secure_sum = true, s.codec.kind = CodecKind::fixed32;
    }));
    EXPECT_FALSE(refused([](auto& s) { s.contributions_every = 40; }));
    EXPECT_FALSE(refused([](auto& s) { s.contributions_every = 40, s.judge.emplace(); }));
    EXPECT_TRUE(refused([](auto& s) { s.judge.emplace(); }));
    EXPECT_TRUE(
        refused([](auto& s) { s.contributions_every = 40, s.judge.emplace(), s.base.emplace(); }));
    EXPECT_TRUE(refused([](auto& s) {
        s.contributions_every = 40, s.error_decay = 0;
        s.privacy = {.clip = 1, .noise = 1, .delta = 1e-5f};
    }));
    EXPECT_TRUE(refused([](auto& s) { s.error_decay = 1.5f; }));
    EXPECT_TRUE(refused([](auto& s) { s.outer.momentum = 1; }));
    EXPECT_TRUE(refused([](auto& s) { s.secure_sum = true; }));
    EXPECT_FALSE(refused([](auto& s) { s.secure_sum = true, s.codec.kind = CodecKind::fixed32; }));
    EXPECT_TRUE(refused([](auto& s) {
        s.secure_sum = true, s.codec.kind = CodecKind::fixed32, s.merge = Merge::trimmed_mean;
    }));
    EXPECT_TRUE(refused([](auto& s) {
        s.secure_sum = true, s.codec.kind = CodecKind::fixed32, s.contributions_every = 40;
    }));
    EXPECT_TRUE(refused([](auto& s) { s.privacy = {.clip = 1, .noise = 1}; }));
    EXPECT_FALSE(refused([](auto& s) { s.privacy = {.clip = 1, .noise = 1}, s.error_decay = 0; }));
    EXPECT_TRUE(refused([](auto& s) { s.privacy = {.noise = 1}, s.error_decay = 0; }));
    EXPECT_TRUE(refused([](auto& s) { s.privacy.delta = 0; }));
}

TEST(RunSettings, refuse_stages_that_the_model_or_the_batch_does_not_bear) {
    const auto said = [](auto change) {
        auto settings = preset("mutirao").value();
        settings.stages = 2;
        settings.micro_batches = 4;
        change(settings);
        Writer writer;
        settings.encode(writer);
        Reader reader(writer.bytes());
        const auto status = settings.validate();
        EXPECT_EQ(RunSettings::decode(reader).ok(), status.ok());
        return status.ok() ? std::string("fits") : status.error().message;
    };
    EXPECT_EQ(said([](auto&) {}), "fits");
    EXPECT_NE(said([](auto& s) { s.stages = 3; }).find("2 layers"), std::string::npos);
    EXPECT_NE(said([](auto& s) { s.stages = 0; }).find("not 1 to 64"), std::string::npos);
    EXPECT_NE(said([](auto& s) { s.micro_batches = 3; }).find("micro-batches"), std::string::npos);
    EXPECT_NE(said([](auto& s) { s.micro_batches = 0; }).find("micro-batches"), std::string::npos);
    EXPECT_NE(said([](auto& s) { s.model = model::TabularConfig{}; }).find("only a GPT"),
              std::string::npos);
    EXPECT_EQ(said([](auto& s) { s.base.emplace(), s.lora.emplace(); }), "fits");
    EXPECT_EQ(said([](auto& s) { s.secure_sum = true, s.codec.kind = CodecKind::fixed32; }),
              "fits");
    const auto with_privacy = [](auto& s) { s.privacy.clip = 1, s.error_decay = 0; };
    EXPECT_EQ(said(with_privacy), "fits");
    EXPECT_NE(said([&](auto& s) { with_privacy(s), s.fragments = 2; }).find("fragments"),
              std::string::npos);
    EXPECT_EQ(said([](auto& s) { s.contributions_every = 10; }), "fits");
    EXPECT_NE(said([](auto& s) { s.audit_every = 1, s.quorum = 2; }).find("neighbours"),
              std::string::npos);
    EXPECT_NE(said([](auto& s) { s.activations = static_cast<ActivationCodec>(3); }).find("codec"),
              std::string::npos);
    EXPECT_EQ(said([](auto& s) { s.stages = 1, s.micro_batches = 7; }), "fits");
}

TEST(RunSettings, learning_rate_warms_up_and_falls_to_the_final_one) {
    auto settings = preset("mutirao").value();
    settings.local_steps = 10;
    settings.rounds = 10;
    settings.learning_rate = 1;
    settings.warmup_steps = 4;
    settings.final_learning_rate = 0.5f;
    EXPECT_EQ(settings.learning_rate_at(0), 0.25f);
    EXPECT_EQ(settings.learning_rate_at(3), 1);
    EXPECT_EQ(settings.learning_rate_at(4), 1);
    EXPECT_FLOAT_EQ(settings.learning_rate_at(52), 0.75f);
    EXPECT_EQ(settings.learning_rate_at(100), 0.5f);
}

}  // namespace
}  // namespace mutirao::train
