#include "cli/run_plan.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <sstream>

namespace mutirao::cli {
namespace {

std::string refusal(std::string_view text) {
    const auto plan = parse_run_plan(text, "run.toml");
    return plan.ok() ? "accepted" : plan.error().message;
}

TEST(RunPlan, an_empty_file_is_the_preset_of_ours) {
    const auto plan = parse_run_plan("", "run.toml");
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    EXPECT_EQ(plan->settings, train::preset("mutirao").value());
    EXPECT_EQ(plan->reward, "1");
    EXPECT_TRUE(plan->data.empty());
}

TEST(RunPlan, keys_replace_what_the_preset_says) {
    const auto plan = parse_run_plan(R"(
title = "vila"
wallet = "mestra"
reward = "6"
curve = "loss.svg"
checkpoint_every = 10

[training]
rounds = 3
preset = "opendiloco"
codec = "dense2"
block = 1024
schedule = "delay_keep"
outer_momentum = 0.25
learning_rate = 1
stages = 3
micro_batches = 8
activations = "bf16"

[model]
layers = 3

[offers]
at_least = 2
wait_seconds = 5

[[data]]
object = "notas.txt"
wallet = "ana"
share = 10

[[data]]
object = "livro.txt"
price = "0.5"
)",
                                     "run.toml");
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    auto wanted = train::preset("opendiloco").value();
    wanted.rounds = 3;
    wanted.codec.kind = train::CodecKind::dense2;
    wanted.codec.block = 1024;
    wanted.schedule = train::Schedule::delay_keep;
    wanted.outer.momentum = 0.25f;
    wanted.learning_rate = 1;
    wanted.stages = 3;
    wanted.micro_batches = 8;
    wanted.activations = train::ActivationCodec::bf16;
    ASSERT_TRUE(wanted.model.set("layers", 3).ok());
    EXPECT_EQ(plan->settings, wanted);
    EXPECT_EQ(plan->title, "vila");
    EXPECT_EQ(plan->curve, "loss.svg");
    EXPECT_EQ(plan->checkpoint_every, 10u);
    EXPECT_EQ(plan->offers, 2u);
    ASSERT_EQ(plan->data.size(), 2u);
    EXPECT_EQ(plan->data[0].share_percent, 10);
    EXPECT_EQ(plan->data[1].price, "0.5");
}

TEST(RunPlan, trains_tables_and_pictures_and_adapters_of_a_stored_model) {
    const auto table =
        parse_run_plan("[model]\nkind = \"table\"\nfeatures = 128\noutputs = 19\n", "run.toml");
    ASSERT_TRUE(table.ok()) << table.error().message;
    EXPECT_EQ(table->settings.model, (model::TabularConfig{.features = 128, .outputs = 19}));
    const std::string digest(64, 'a');
    const auto adapters =
        parse_run_plan("[model]\nlora_rank = 4\nbase = \"" + digest + "\"\n", "run.toml");
    ASSERT_TRUE(adapters.ok()) << adapters.error().message;
    EXPECT_EQ(adapters->settings.lora, (model::LoraConfig{4, 8}));
    EXPECT_EQ(adapters->settings.base->hex(), digest);

    EXPECT_NE(refusal("[model]\nkind = \"cnn\"\n").find("run.toml:2: "), std::string::npos);
    EXPECT_NE(refusal("[model]\nkind = \"table\"\nheads = 2\n").find("features"),
              std::string::npos);
    EXPECT_NE(refusal("[model]\nlora_rank = 4\n").find("base"), std::string::npos);
    EXPECT_NE(refusal("[model]\nbase = \"x\"\n").find("run.toml:2: "), std::string::npos);
}

TEST(RunPlan, a_secure_sum_brings_its_codec_and_refuses_what_needs_single_payloads) {
    const auto plan = parse_run_plan("[training]\nsecure_sum = true\nquorum = 3\n", "run.toml");
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    EXPECT_TRUE(plan->settings.secure_sum);
    EXPECT_EQ(plan->settings.codec.kind, train::CodecKind::fixed32);
    const auto refused = [](const std::string& line) {
        return refusal("[training]\nsecure_sum = true\n" + line + "\n");
    };
    EXPECT_NE(refused("merge = \"trimmed_mean\"").find("merge mean"), std::string::npos);
    EXPECT_NE(refused("contributions_every = 9").find("single payload"), std::string::npos);
    EXPECT_NE(refused("codec = \"int4\"").find("fixed32"), std::string::npos);
    EXPECT_NE(refusal("[training]\nsecure_sum = 1\n").find("true or false"), std::string::npos);
}

TEST(RunPlan, privacy_feeds_nothing_back_and_refuses_what_would_tell) {
    const auto plan = parse_run_plan(
        "[training]\nprivacy_clip = 0.5\nprivacy_noise = 2\nprivacy_delta = 1e-6\n", "run.toml");
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    EXPECT_EQ(plan->settings.privacy,
              (train::PrivacySettings{.clip = 0.5f, .noise = 2, .delta = 1e-6f}));
    EXPECT_EQ(plan->settings.error_decay, 0);
    const auto refused = [](const std::string& line) {
        return refusal("[training]\nprivacy_clip = 0.5\n" + line + "\n");
    };
    EXPECT_NE(refused("audit_every = 2\nquorum = 3").find("audits or privacy, not both"),
              std::string::npos);
    EXPECT_NE(refused("contributions_every = 9").find("without noise"), std::string::npos);
    EXPECT_NE(refused("error_decay = 1").find("error_decay 0"), std::string::npos);
    EXPECT_NE(refused("privacy_delta = 0").find("delta"), std::string::npos);
    EXPECT_NE(refusal("[training]\nprivacy_noise = 1\n").find("needs a clip"), std::string::npos);
}

TEST(RunPlan, a_judge_has_something_to_judge) {
    const auto plan =
        parse_run_plan("judge = \"provas.txt\"\n[training]\ncontributions_every = 9\n", "run.toml");
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    EXPECT_EQ(plan->judge, "provas.txt");
    EXPECT_NE(refusal("judge = \"provas.txt\"\n").find("run.toml:1: "), std::string::npos);
}

TEST(RunPlan, a_run_shorter_than_the_warm_up_of_its_preset_warms_up_all_along) {
    const auto plan = parse_run_plan("[training]\nlocal_steps = 5\nrounds = 2\n", "run.toml");
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    EXPECT_EQ(plan->settings.warmup_steps, 10u);
}

TEST(RunPlan, an_unknown_key_is_named_with_its_line_and_those_there_are) {
    EXPECT_EQ(refusal("title = \"x\"\n\n[offers]\nat_most = 3\n"),
              "run.toml:4: there is no key \"at_most\" in [offers]; there are: at_least, "
              "wait_seconds");
    EXPECT_NE(refusal("rate = 1").find("run.toml:1: there is no key \"rate\" at the top level"),
              std::string::npos);
    EXPECT_NE(refusal("[[data]]\nobject = \"a\"\nowner = \"b\"").find("run.toml:3: "),
              std::string::npos);
}

TEST(RunPlan, a_value_of_another_kind_or_out_of_range_is_refused_with_its_line) {
    EXPECT_EQ(refusal("\ntitle = 3"), "run.toml:2: title must be a text in quotes");
    EXPECT_EQ(refusal("[training]\nrounds = -1"),
              "run.toml:2: rounds must be a whole number from 0 to 4294967295");
    EXPECT_EQ(refusal("[training]\nrounds = 4294967296"),
              "run.toml:2: rounds must be a whole number from 0 to 4294967295");
    EXPECT_EQ(refusal("[training]\nerror_decay = 1.5"),
              "run.toml:2: error_decay must be a number from 0 to 1");
    EXPECT_EQ(refusal("[training]\nerror_decay = nan"),
              "run.toml:2: error_decay must be a number from 0 to 1");
    EXPECT_EQ(refusal("[training]\ninner = \"sgd\""),
              "run.toml:2: inner must be one of \"adamw\", \"muon\"");
    EXPECT_EQ(refusal("training = 1"), "run.toml:1: write [training] as a table");
    EXPECT_EQ(refusal("data = \"a\""), "run.toml:1: write each object as a [[data]] table");
    EXPECT_EQ(refusal("[[data]]\nshare = 1"), "run.toml:1: this [[data]] names no object");
}

// The keys are those that the refusal of an unknown one names.
TEST(RunPlan, every_key_refuses_what_is_of_no_kind_of_its_own_by_its_name) {
    const std::string sections[] = {"",
                                    "[training]\n",
                                    "[offers]\n",
                                    "[[data]]\n",
                                    "[model]\n",
                                    "[model]\nkind = \"table\"\n",
                                    "[model]\nkind = \"image\"\n"};
    std::size_t refused = 0;
    for (const auto& section : sections) {
        const auto line = std::to_string(std::count(section.begin(), section.end(), '\n') + 1);
        auto names = refusal(section + "there_is_none = 1\n");
        names.erase(0, names.find("there are: ") + 11);
        std::istringstream list(names);
        for (std::string key; std::getline(list >> std::ws, key, ',');)
            for (const auto* value : {"[[]]", "1979-05-27", "07:32:00", "[1, \"a\"]"}) {
                if (key == "kind" && section.find("kind") != section.npos) continue;
                const auto said = refusal(section + key + " = " + value + "\n");
                EXPECT_TRUE(said.starts_with("run.toml:" + line + ": ")) << key << ": " << said;
                EXPECT_NE(said.find(key), said.npos) << said;
                ++refused;
            }
    }
    EXPECT_GT(refused, 200u);
}

TEST(RunPlan, what_is_no_toml_is_refused_with_its_line) {
    EXPECT_NE(refusal("a = 1\nb = = 2").find("run.toml:2: "), std::string::npos);
    EXPECT_EQ(refusal("[ ?"), "run.toml: this is no TOML");
    EXPECT_NE(refusal("a = 'é'\n# ç\nação = 1").find("run.toml:3: "), std::string::npos);
    EXPECT_NE(refusal("a = 1 \xc2\xa0").find("run.toml:1: "), std::string::npos);
    EXPECT_NE(refusal("[training]\nrounds = 1\nrounds = 2").find("run.toml:3: "),
              std::string::npos);
}

TEST(RunPlan, settings_that_do_not_fit_together_are_refused) {
    EXPECT_NE(refusal("[training]\nrounds = 0").find("rounds is 0"), std::string::npos);
    EXPECT_NE(refusal("[training]\npreset = \"best\"").find("run.toml:2: there is no training"),
              std::string::npos);
}

}  // namespace
}  // namespace mutirao::cli
