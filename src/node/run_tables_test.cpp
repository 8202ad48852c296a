#include "node/run_tables.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "base/test_threads.hpp"
#include "dataset/prepare.hpp"
#include "node/test_objects.hpp"

namespace mutirao::node {
namespace {

const model::TabularConfig kConfig{.features = 6, .outputs = 3};

// Rows of all kinds: quoted line ends, cells and answers that are missing, empty lines.
std::string table(std::uint64_t seed, int rows) {
    static const char* const kSoils[] = {"clay", "\"sand,\nwet\"", "?", "\"a \"\"good\"\" one\""};
    static const char* const kYields[] = {"low", "high", "", "middling"};
    SeededRandom random(seed);
    std::string text = "rain,soil,yield\r\n";
    for (int i = 0; i < rows; ++i) {
        text += random.below(20) == 0 ? "NA" : std::to_string(random.below(1000)) + ".5";
        text += std::string(",") + kSoils[random.below(4)] + "," + kYields[random.below(4)];
        text += random.below(50) == 0 ? "\r\n\n" : "\n";
    }
    return text;
}

struct Read {
    explicit Read(const std::vector<std::string>& texts) : texts_(texts) {
        for (const auto& text : texts)
            objects.push_back(object_in_memory(to_bytes(as_bytes(text))));
    }
    Result<RunTables> tables(ByteSpan preparation = {}) {
        return read_tables(kConfig, objects, preparation, {clock, executor, [] { return false; }});
    }
    Result<dataset::Prepared> prepared(ByteSpan preparation = {}) const {
        std::vector<ByteSpan> owners;
        for (const auto& text : texts_) owners.push_back(as_bytes(text));
        return dataset::prepare(kConfig, owners, preparation);
    }
    SleepClock clock;
    ThreadExecutor executor;
    RunObjects objects;

  private:
    const std::vector<std::string> texts_;
};

TEST(RunTables, are_the_examples_of_the_whole_tables) {
    Read read({table(1, 30'000), table(2, 20), table(3, 9'000)});
    const auto tables = read.tables().value();
    const auto prepared = read.prepared().value();
    EXPECT_EQ(tables.preparation, prepared.preparation);
    SeededRandom random(4);
    for (std::size_t i = 0; i < 3; ++i) {
        const auto& whole = prepared.examples[i];
        ASSERT_EQ(tables.examples[i]->size(), whole.size());
        EXPECT_EQ(tables.examples[i]->read(0, whole.size()).value(), whole);
        for (int n = 0; n < 30; ++n) {
            const auto at = random.below(whole.size());
            const auto size = random.below(std::min<std::uint64_t>(whole.size() - at, 5000) + 1);
            EXPECT_EQ(tables.examples[i]->read(at, size).value(),
                      to_bytes(ByteSpan(whole).subspan(at, size)));
        }
    }
}

TEST(RunTables, go_by_the_schema_of_a_checkpoint) {
    Read all({table(1, 3000), table(2, 500)}), one({table(2, 500)});
    const auto schema = all.prepared()->preparation;
    const auto tables = one.tables(schema).value();
    EXPECT_EQ(tables.preparation, schema);
    const auto whole = one.prepared(schema)->examples[0];
    EXPECT_EQ(tables.examples[0]->read(0, whole.size()).value(), whole);
    EXPECT_FALSE(one.tables(as_bytes("none")).ok());
}

TEST(RunTables, read_little_for_a_row_and_all_but_once_at_first) {
    const auto lines = std::make_shared<Lines>("rain,yield\n", 500'000, [](std::uint64_t number) {
        return std::to_string(1'000'000 + number) + (number % 3 == 0 ? ",low \n" : ",high\n");
    });
    SleepClock clock;
    ThreadExecutor executor;
    const auto tables =
        read_tables(kConfig, {lines}, {}, {clock, executor, [] { return false; }}).value();
    EXPECT_EQ(lines->bytes_read(), lines->size());
    const auto example = model::ModelConfig(kConfig).example_size();
    ASSERT_EQ(tables.examples[0]->size(), 500'000 * example);
    for (const std::uint64_t row : {0u, 1u, 5041u, 5042u, 250'000u, 499'999u}) {
        const auto before = lines->bytes_read();
        EXPECT_TRUE(tables.examples[0]->read(row * example, example).ok());
        EXPECT_LE(lines->bytes_read() - before, 70'000u);
    }
}

TEST(RunTables, say_what_is_wrong_by_owner_and_line) {
    const auto reason = [](const std::vector<std::string>& texts, ByteSpan preparation = {}) {
        const auto tables = Read(texts).tables(preparation);
        return tables.ok() ? "read" : tables.error().message;
    };
    const auto good = table(1, 300), late = table(2, 200'000);
    EXPECT_EQ(reason({good, late}), "read");
    const auto lines = std::to_string(std::ranges::count(late, '\n') + 1);
    const auto fields = reason({good, late + "1,clay\n"});
    EXPECT_NE(fields.find("owner 1: line " + lines), std::string::npos) << fields;
    EXPECT_NE(reason({good, late + "1,\"clay,low\n"}).find("owner 1: line " + lines),
              std::string::npos);
    EXPECT_NE(reason({good, "rain,yield\n1,low\n"}).find("owner 1: the tables have different"),
              std::string::npos);
    EXPECT_NE(reason({good, ""}).find("owner 1: line 1 of the table: there is no header"),
              std::string::npos);
    EXPECT_NE(reason({"rain,soil,yield\n1,clay,\n"}).find("no row of the table has an answer"),
              std::string::npos);
    const auto schema = Read({good}).prepared()->preparation;
    const auto text = reason({good, late + "much,clay,low\n"}, schema);
    EXPECT_NE(text.find("owner 1: line " + lines + " of the table, column \"rain\""),
              std::string::npos)
        << text;
    EXPECT_NE(
        reason({good, "rain,yield\n1,low\n"}, schema).find("owner 1: the table has no column"),
        std::string::npos);
}

}  // namespace
}  // namespace mutirao::node
