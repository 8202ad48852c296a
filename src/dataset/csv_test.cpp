#include "dataset/csv.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace mutirao::dataset
