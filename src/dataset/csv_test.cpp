#include "dataset/csv.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <span>

namespace mutirao::dataset {
namespace {

Csv read(std::string_view text) { return read_csv(as_bytes(text)).value(); }
std::string reason(std::string_view text) {
    const auto csv = read_csv(as_bytes(text));
    return csv.ok() ? "read" : csv.error().message;
}

TEST(Csv, reads_quoted_fields_with_separators_quotes_and_lines) {
    const auto csv = read("name,\"note, long\"\r\nana,\"a \"\"good\"\"\nyear\"\r\n\r\nrui,\n");
    EXPECT_EQ(csv.header, (std::vector<std::string>{"name", "note, long"}));
    ASSERT_EQ(csv.rows.size(), 2u);
    EXPECT_EQ(csv.rows[0], (Csv::Row{2, {"ana", "a \"good\"\nyear"}}));
    EXPECT_EQ(csv.rows[1], (Csv::Row{5, {"rui", ""}}));
}

TEST(Csv, finds_the_separator_and_skips_a_byte_order_mark) {
    EXPECT_EQ(read("\xEF\xBB\xBF"
                   "a;b\n1,5;2\n")
                  .rows[0]
                  .cells,
              (std::vector<std::string>{"1,5", "2"}));
    EXPECT_EQ(read("a\tb\n1\t2").rows[0].cells, (std::vector<std::string>{"1", "2"}));
    EXPECT_EQ(read("only\n7\n").rows[0].cells, (std::vector<std::string>{"7"}));
    EXPECT_EQ(read("a,b\n").rows.size(), 0u);
}

TEST(Csv, names_the_line_of_what_is_wrong) {
    EXPECT_NE(reason("a,b\n1,2\n1,2,3\n").find("line 3"), std::string::npos);
    EXPECT_NE(reason("a,b\n1,\"x\ny\n").find("line 2"), std::string::npos);
    EXPECT_NE(reason("a,b\n\"x\ny\",1\n1,a\"b\n").find("line 4"), std::string::npos);
    EXPECT_NE(reason("a,b\n\"x\"y,1\n").find("after a closing quote"), std::string::npos);
    EXPECT_NE(reason("a,a\n1,2\n").find("twice"), std::string::npos);
    EXPECT_NE(reason("a,\n1,2\n").find("without a name"), std::string::npos);
    EXPECT_NE(reason("").find("no header"), std::string::npos);
    EXPECT_NE(reason("\n\n"), "read");
    EXPECT_NE(reason(std::string(kCellMax + 1, 'x')), "read");
    EXPECT_EQ(reason(std::string(kCellMax, 'x')), "read");
}

// All rows with their places; or the error.
std::string read_in_pieces(std::string_view text, std::size_t piece) {
    CsvReader reader;
    std::string out;
    const auto take = [&](Csv::Row& row, std::uint64_t offset) -> Status {
        out += std::to_string(row.line) + "@" + std::to_string(offset) + ":";
        for (const auto& cell : row.cells) out += "[" + cell + "]";
        return {};
    };
    for (std::size_t at = 0; at < text.size(); at += piece)
        if (const auto added = reader.add(as_bytes(text.substr(at, piece)), take); !added.ok())
            return added.error().message;
    const auto finished = reader.finish(take);
    return finished.ok() ? out : finished.error().message;
}

constexpr std::string_view kTexts[] = {
    "\xEF\xBB\xBF"
    "name;\"note; long\"\r\nana;\"a \"\"good\"\"\nyear, 1\"\r\n\r\nrui;\n\"\n\n\";\"\"",
    "a,b\n1,2\n1,2,3\n4,5\n", "a,b\n\"x\ny\",1\n1,a\"b\n2,3\n\"4\",5\n", "a,b\n1,\"x\ny\n"};

TEST(CsvReader, reads_the_same_however_the_file_is_cut) {
    EXPECT_EQ(read_in_pieces(kTexts[0], 1000),
              "2@22:[ana][a \"good\"\nyear, 1]5@50:[rui][]6@55:[\n\n][]");
    for (const auto text : kTexts)
        for (std::size_t piece = 1; piece <= text.size(); ++piece)
            EXPECT_EQ(read_in_pieces(text, piece), read_in_pieces(text, 1000)) << piece;
}

TEST(CsvReader, goes_on_at_any_row) {
    const auto text = kTexts[0];
    const auto csv = read(text);
    CsvReader reader;
    std::vector<std::pair<std::uint64_t, std::size_t>> places;
    const auto note = [&](Csv::Row& row, std::uint64_t offset) -> Status {
        places.emplace_back(offset, row.line);
        return {};
    };
    ASSERT_TRUE(reader.add(as_bytes(text), note).ok() && reader.finish(note).ok());
    ASSERT_EQ(places.size(), csv.rows.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
        std::vector<Csv::Row> rows;
        const auto keep = [&](Csv::Row& row, std::uint64_t) -> Status {
            rows.push_back(row);
            return {};
        };
        auto later = reader.at(places[i].first, places[i].second);
        ASSERT_TRUE(later.add(as_bytes(text.substr(places[i].first)), keep).ok());
        ASSERT_TRUE(later.finish(keep).ok());
        EXPECT_TRUE(std::ranges::equal(rows, std::span(csv.rows).subspan(i))) << i;
    }
}

TEST(CsvReader, holds_no_more_than_a_row_of_4_mib) {
    const auto none = [](Csv::Row&, std::uint64_t) { return Status(); };
    CsvReader reader;
    ASSERT_TRUE(reader.add(as_bytes("a,b\n1,\""), none).ok());
    const std::string some(1 << 20, 'x');
    Status status;
    int added = 0;
    for (; status.ok() && added < 10; ++added) status = reader.add(as_bytes(some), none);
    EXPECT_EQ(added, 4);
    EXPECT_NE(status.error().message.find("line 2"), std::string::npos);
}

TEST(CsvReader, ends_with_the_error_of_who_takes_the_rows) {
    CsvReader reader;
    const auto refuse = [](Csv::Row& row, std::uint64_t) {
        return row.line == 3 ? Status(Error{ErrorKind::io, "no more"}) : Status();
    };
    EXPECT_EQ(reader.add(as_bytes("a\n1\n2\n3\n"), refuse).error().message, "no more");
}

}  // namespace
}  // namespace mutirao::dataset
