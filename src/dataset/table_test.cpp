#include "dataset/table.hpp"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

namespace mutirao::dataset {
namespace {

Csv read(std::string_view text) { return read_csv(as_bytes(text)).value(); }
TableSchema fit(std::string_view text, Answer answer) {
    const auto csv = read(text);
    return TableSchema::fit(std::span(&csv, 1), answer).value();
}
std::string reason(std::string_view text, Answer answer) {
    const auto csv = read(text);
    const auto schema = TableSchema::fit(std::span(&csv, 1), answer);
    return schema.ok() ? "fits" : schema.error().message;
}
std::vector<float> floats(const Bytes& bytes) {
    std::vector<float> out(bytes.size() / sizeof(float));
    std::memcpy(out.data(), bytes.data(), bytes.size());
    return out;
}

constexpr std::string_view kHarvest =
    "rain,soil,seed,tonnes\n"
    "100,clay,a,2\n"
    "300,sand,b,4\n"
    "NA,clay,a,6\n"
    "200,?,a,\n";

TEST(TableSchema, turns_numbers_to_deviations_and_texts_to_one_feature_each) {
    const auto schema = fit(kHarvest, Answer::number);
    EXPECT_EQ(schema.features(), 2u + 2 + 2);
    EXPECT_EQ(schema.outputs(), 1u);
    EXPECT_EQ(schema.columns[0].mean, 200);
    EXPECT_NEAR(schema.columns[0].deviation, std::sqrt(20000.0 / 3), 1e-3);
    EXPECT_EQ(schema.columns[1].categories, (std::vector<std::string>{"clay", "sand"}));
    std::vector<std::size_t> lines;
    const auto rows = floats(table_examples(schema, read(kHarvest), 7, &lines).value());
    ASSERT_EQ(rows.size(), 3u * 8);  // the fourth row has no answer
    EXPECT_EQ(lines, (std::vector<std::size_t>{2, 3, 4}));
    const float rain = -100 / schema.columns[0].deviation;
    const float tonnes = (2 - schema.answer().mean) / schema.answer().deviation;
    EXPECT_EQ(std::vector<float>(rows.begin(), rows.begin() + 8),
              (std::vector<float>{rain, 0, 1, 0, 1, 0, 0, tonnes}));
    EXPECT_EQ(rows[16], 0);  // missing: the mean, and says so
    EXPECT_EQ(rows[17], 1);
    EXPECT_EQ(schema.answer_text(std::span(&rows[7], 1)), "2");
}

TEST(TableSchema, asks_about_rows_without_an_answer) {
    const auto schema = fit(kHarvest, Answer::number);
    std::vector<std::size_t> lines;
    const auto rows =
        floats(table_questions(schema, read("soil,rain,seed\nsand,200,b\n"), 6, &lines).value());
    EXPECT_EQ(rows, (std::vector<float>{0, 0, 0, 1, 0, 1, 0}));
    EXPECT_EQ(lines, (std::vector<std::size_t>{2}));
    EXPECT_EQ(table_questions(schema, read(kHarvest), 6)->size(), 4u * 7 * sizeof(float));
}

TEST(TableSchema, takes_numbers_as_classes_when_asked) {
    const auto schema = fit("x,y\n1,0\n2,1\n3,1\n", Answer::one_of_classes);
    EXPECT_EQ(schema.outputs(), 2u);
    const auto rows = floats(table_examples(schema, read("y,x\n1,5\n"), 1).value());
    EXPECT_EQ(rows.back(), 1);  // columns are found by name
    EXPECT_EQ(schema.answer_text(std::vector<float>{0.1f, 0.9f}), "1");
}

TEST(TableSchema, reads_decimal_commas_where_semicolons_separate) {
    const auto schema = fit("x;y\n1,5;a\n2,5;b\n", Answer::one_of_classes);
    EXPECT_EQ(schema.columns[0].mean, 2);
    EXPECT_EQ(schema.columns[0].deviation, 0.5f);
}

TEST(SchemaLearner, finds_deviations_that_are_small_beside_the_mean) {
    std::string text = "x,y\n";
    for (int i = 0; i < 10'000; ++i) text += std::to_string(4'000'000 + i % 2) + "," + "1\n";
    const auto schema = fit(text, Answer::number);
    EXPECT_EQ(schema.columns[0].mean, 4'000'000.5f);
    EXPECT_FLOAT_EQ(schema.columns[0].deviation, 0.5f);
    EXPECT_EQ(schema.columns[1].deviation, 1);  // never changes
}

TEST(SchemaLearner, forgets_texts_beyond_the_most_and_refuses_too_long_ones) {
    SchemaLearner learner;
    ASSERT_TRUE(learner.begin({"number", "notes", "y"}).ok());
    Status status;
    int rows = 0;
    for (; status.ok() && rows < 400; ++rows) {
        auto text = std::string(kCellMax, 'a');
        text.replace(0, 3, std::to_string(100 + rows));
        status = learner.add({2, {std::to_string(rows), text, "b"}});
    }
    EXPECT_EQ(status.error().kind, ErrorKind::resource_exhausted);
    EXPECT_NE(status.error().message.find("\"notes\""), std::string::npos);
    EXPECT_LE(rows, 257);

    SchemaLearner short_texts;
    ASSERT_TRUE(short_texts.begin({"x", "y"}).ok());
    for (int i = 0; i < 1000; ++i)
        ASSERT_TRUE(short_texts.add({2, {"farm " + std::to_string(i), "b"}}).ok());
    EXPECT_NE(short_texts.schema(Answer::one_of_classes).error().message.find("more than 256"),
              std::string::npos);
}

TEST(RowExamples, are_those_of_the_whole_table) {
    const auto csv = read(kHarvest);
    const auto schema = fit(kHarvest, Answer::number);
    const auto rows = RowExamples::make(schema, csv.header, 7, RowExamples::For::learning).value();
    Bytes out;
    std::size_t taken = 0;
    for (const auto& row : csv.rows) {
        if (!rows.takes(row)) continue;
        ++taken;
        ASSERT_TRUE(rows.add(row, out).ok());
    }
    EXPECT_EQ(taken, 3u);
    EXPECT_EQ(out, table_examples(schema, csv, 7).value());
}

TEST(TableSchema, codec_round_trips_and_refuses_every_cut) {
    for (const auto answer : {Answer::number, Answer::one_of_classes}) {
        const auto schema = fit(kHarvest, answer);
        const auto bytes = schema.encode();
        EXPECT_EQ(TableSchema::decode(bytes).value(), schema);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            EXPECT_FALSE(TableSchema::decode(ByteSpan(bytes).first(size)).ok());
    }
}

TEST(TableSchema, says_what_is_wrong_by_line_and_column) {
    std::string names = "name,y\n";
    for (int i = 0; i < 257; ++i)
        names += "farm " + std::to_string(i) + "," + std::to_string(i % 2) + "\n";
    EXPECT_NE(reason(names, Answer::number).find("\"name\""), std::string::npos);
    EXPECT_NE(reason("x,y\n1,big\n", Answer::number).find("\"y\""), std::string::npos);
    EXPECT_NE(reason("x,y\n1,\n", Answer::number), "fits");
    EXPECT_NE(reason("y\n1\n", Answer::number), "fits");
    EXPECT_NE(reason("x,y\n,1\n", Answer::number).find("\"x\""), std::string::npos);

    const auto schema = fit("x,y\n1,a\n2,b\n", Answer::one_of_classes);
    const auto examples = [&](std::string_view text, std::size_t features = 1) {
        const auto made = table_examples(schema, read(text), features);
        return made.ok() ? "made" : made.error().message;
    };
    EXPECT_EQ(examples("x,y\n3,a\n"), "made");
    EXPECT_NE(examples("x,y\n3,a\nthree,a\n").find("line 3 of the table, column \"x\""),
              std::string::npos);
    EXPECT_NE(examples("x,y\n3,c\n").find("\"c\" is a class"), std::string::npos);
    EXPECT_NE(examples("z,y\n3,a\n").find("no column \"x\""), std::string::npos);
    EXPECT_NE(examples("x,y\n3,a\n", 0).find("1 features"), std::string::npos);
    const Csv tables[] = {read("x,y\n1,a\n"), read("z,y\n1,a\n")};
    EXPECT_FALSE(TableSchema::fit(tables, Answer::one_of_classes).ok());
}

}  // namespace
}  // namespace mutirao::dataset
