// A table's columns as numbers that a model can learn from.
//
// The last column is the answer: one of some classes, or a number. The others are features: a
// column of numbers gives one, its distance from the mean in standard deviations, and, where some
// are missing, a second that is 1 for a missing one; any other column gives one feature a category.
// All that is learnt of the data (means, deviations, categories) is the schema, which travels with
// the model. Missing are: nothing, "?", "NA", "NaN", "null". A row without an answer is left out.
//
// Pure; any thread, one at a time for a SchemaLearner. The same tables give the same schema on
// every machine with IEEE floats.
#pragma once

#include <optional>
#include <set>

#include "base/codec.hpp"
#include "dataset/csv.hpp"

namespace mutirao::dataset {

inline constexpr std::size_t kCategoriesMax = 256;
inline constexpr std::size_t kSchemaMax = 16 << 20;

enum class Answer : std::uint8_t { number = 0, one_of_classes = 1 };

bool is_missing(std::string_view cell);

struct Column {
    std::string name;
    // Sorted; empty for a column of numbers.
    std::vector<std::string> categories;
    float mean = 0, deviation = 1;  // of numbers
    bool some_missing = false;      // numbers only

    bool operator==(const Column&) const = default;
    std::size_t features() const {
        return categories.empty() ? 1u + some_missing : categories.size();
    }
};

struct TableSchema {
    std::vector<Column> columns;  // the last one is the answer

    bool operator==(const TableSchema&) const = default;

    std::size_t features() const;
    // Classes, or 1 for a number.
    std::size_t outputs() const;
    const Column& answer() const { return columns.back(); }

    // Learns the schema of tables in memory, as SchemaLearner does.
    static Result<TableSchema> fit(std::span<const Csv> tables, Answer answer);

    // version u8 = 1 | columns u16 | each: name | mean f32 | deviation f32 | missing u8 |
    // categories u16, each a text
    Bytes encode() const;
    static Result<TableSchema> decode(ByteSpan bytes);

    // What a model's outputs for one row say: the class's name, or the number.
    std::string answer_text(std::span<const float> outputs) const;
};

// Learns the schema of tables with one header, row by row. Deviations are Welford's (1962, "Note on
// a Method for Calculating Corrected Sums of Squares and Products"), so that one pass is enough.
// Memory: kCategoriesMax texts a column, and kSchemaMax bytes of them in all.
class SchemaLearner {
  public:
    // Another table's rows follow. invalid_argument: its header is another one than the others', or
    // has fewer than two columns.
    Status begin(const std::vector<std::string>& header);
    // A row of that table. resource_exhausted, naming the column: texts of over kSchemaMax in all.
    Status add(const Csv::Row& row);
    // invalid_argument, naming the column: more than kCategoriesMax different texts, an answer that
    // is no number, or no row with an answer.
    Result<TableSchema> schema(Answer answer) const;

  private:
    struct Seen {
        bool some_missing = false, some_text = false;
        double count = 0, sum = 0, mean = 0, squares = 0;  // of numbers; squares: from the mean
        std::set<std::string, std::less<>> texts;          // at most kCategoriesMax + 1
    };
    std::vector<std::string> header_;
    std::vector<Seen> columns_;
    std::size_t text_bytes_ = 0;
    bool some_answer_ = false;
};

// Makes the examples of a TabularConfig of so many features (at least the schema's; the rest are 0)
// of rows of a table, whose columns may stand in another order and have others beside them.
class RowExamples {
  public:
    enum class For : std::uint8_t { learning, asking };  // asking: without an answer

    // The schema is borrowed. invalid_argument: too few features, or a column is not there.
    static Result<RowExamples> make(const TableSchema& schema, std::span<const std::string> header,
                                    std::size_t features, For use);

    // Rows without an answer give no example to learn from.
    bool takes(const Csv::Row& row) const;
    // Appends the example. invalid_argument, naming line and column: a text where the schema has a
    // number, an answer of an unknown class. A category that the schema does not know counts as
    // missing: none of them.
    Status add(const Csv::Row& row, Bytes& out) const;

  private:
    RowExamples(const TableSchema& schema, std::size_t padding, For use)
        : schema_(&schema), padding_(padding), use_(use) {}

    const TableSchema* schema_;
    std::size_t padding_;  // features that are 0
    For use_;
    std::vector<std::size_t> places_;  // of the schema's columns
};

// The examples of all rows that have an answer; errors are those of RowExamples. `lines`, when
// given, takes the line of each example.
Result<Bytes> table_examples(const TableSchema& schema, const Csv& table, std::size_t features,
                             std::vector<std::size_t>* lines = nullptr);
// The same of all rows, with or without an answer, whose column may be missing: to be asked.
Result<Bytes> table_questions(const TableSchema& schema, const Csv& table, std::size_t features,
                              std::vector<std::size_t>* lines = nullptr);

}  // namespace mutirao::dataset
