// A table's columns as numbers that a model can learn from.
//
// The last column is the answer: one of some classes, or a number. The others are features: a
// column of numbers gives one, its distance from the mean in standard deviations, and, where some
// are missing, a second that is 1 for a missing one; any other column gives one feature a category.
// All that is learnt of the data (means, deviations, categories) is the schema, which travels with
// the model. Missing are: nothing, "?", "NA", "NaN", "null". A row without an answer is left out.
//
// Pure; any thread. The same tables give the same schema on every machine with IEEE floats.
#pragma once

#include <optional>

#include "base/codec.hpp"
#include "dataset/csv.hpp"

namespace mutirao::dataset {

inline constexpr std::size_t kCategoriesMax = 256;
inline constexpr std::size_t kSchemaMax = 16 << 20;

enum class Answer : std::uint8_t { number = 0, one_of_classes = 1 };

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

    // Learns the schema of tables with one header. invalid_argument, naming the column: headers
    // differ, a column has more than kCategoriesMax different texts, an answer is no number, or
    // there is no row with an answer.
    static Result<TableSchema> fit(std::span<const Csv> tables, Answer answer);

    // version u8 = 1 | columns u16 | each: name | mean f32 | deviation f32 | missing u8 |
    // categories u16, each a text
    Bytes encode() const;
    static Result<TableSchema> decode(ByteSpan bytes);

    // What a model's outputs for one row say: the class's name, or the number.
    std::string answer_text(std::span<const float> outputs) const;
};

// Rows as the examples of a TabularConfig of so many features (at least the schema's; the rest are
// 0). invalid_argument, naming line and column: a text where the schema has a number, an answer of
// an unknown class. A category that the schema does not know counts as missing: none of them.
// `lines`, when given, takes the line of each example.
Result<Bytes> table_examples(const TableSchema& schema, const Csv& table, std::size_t features,
                             std::vector<std::size_t>* lines = nullptr);
// The same of all rows, with or without an answer, whose column may be missing: to be asked.
Result<Bytes> table_questions(const TableSchema& schema, const Csv& table, std::size_t features,
                              std::vector<std::size_t>* lines = nullptr);

}  // namespace mutirao::dataset
