#include "dataset/table.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <set>

namespace mutirao::dataset {

namespace {

constexpr std::uint8_t kVersion = 1;

Error refused(std::string reason) { return {ErrorKind::invalid_argument, std::move(reason)}; }
Error broken(std::string reason) {
    return {ErrorKind::corrupt, "not a table's schema: " + std::move(reason)};
}

bool is_missing(std::string_view cell) {
    constexpr std::string_view kMissing[] = {"", "?", "NA", "NaN", "nan", "null"};
    return std::ranges::find(kMissing, cell) != std::end(kMissing);
}

// A finite number; a decimal comma counts as a point.
std::optional<float> number_in(std::string_view cell) {
    while (cell.starts_with(' ')) cell.remove_prefix(1);
    while (cell.ends_with(' ')) cell.remove_suffix(1);
    if (cell.starts_with('+')) cell.remove_prefix(1);
    std::string text(cell);
    if (const auto comma = text.find(','); comma != std::string::npos) text[comma] = '.';
    float value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
        return {};
    return value;
}

std::string at(const Csv::Row& row, const Column& column) {
    return "line " + std::to_string(row.line) + " of the table, column \"" + column.name + "\": ";
}

// Cells of one column in all tables.
template <class Work>
void each_cell(std::span<const Csv> tables, std::size_t column, Work work) {
    for (const auto& table : tables)
        for (const auto& row : table.rows) work(row, row.cells[column]);
}

bool holds_numbers(std::span<const Csv> tables, std::size_t column) {
    bool any = false, all = true;
    each_cell(tables, column, [&](const Csv::Row&, const std::string& cell) {
        if (is_missing(cell)) return;
        any = true;
        all = all && number_in(cell);
    });
    return any && all;
}

Column fit_numbers(std::span<const Csv> tables, std::size_t index, std::string name) {
    Column column{std::move(name), {}, 0, 1, false};
    double sum = 0, squares = 0, count = 0;
    each_cell(tables, index, [&](const Csv::Row&, const std::string& cell) {
        if (is_missing(cell)) {
            column.some_missing = true;
            return;
        }
        sum += static_cast<double>(*number_in(cell));
        ++count;
    });
    const double mean = count > 0 ? sum / count : 0;
    each_cell(tables, index, [&](const Csv::Row&, const std::string& cell) {
        if (!is_missing(cell)) squares += std::pow(static_cast<double>(*number_in(cell)) - mean, 2);
    });
    column.mean = static_cast<float>(mean);
    const auto deviation = static_cast<float>(count > 0 ? std::sqrt(squares / count) : 0);
    // A column that never changes says nothing, and must not divide by 0.
    column.deviation = deviation > 0 && std::isfinite(deviation) ? deviation : 1;
    return column;
}

Result<Column> fit_categories(std::span<const Csv> tables, std::size_t index, std::string name) {
    std::set<std::string> seen;
    each_cell(tables, index, [&](const Csv::Row&, const std::string& cell) {
        if (!is_missing(cell) && seen.size() <= kCategoriesMax) seen.insert(cell);
    });
    if (seen.size() > kCategoriesMax)
        return refused("column \"" + name + "\" has more than " + std::to_string(kCategoriesMax) +
                       " different texts: leave it out of the table, or group them");
    if (seen.empty()) return refused("column \"" + name + "\" is empty: leave it out of the table");
    return Column{std::move(name), {seen.begin(), seen.end()}, 0, 1, false};
}

void put(Bytes& out, float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8)
        out.push_back(static_cast<std::uint8_t>(bits >> shift));
}

Status put_feature(const Csv::Row& row, const Column& column, const std::string& cell, Bytes& out) {
    if (!column.categories.empty()) {
        for (const auto& category : column.categories) put(out, category == cell ? 1.0f : 0.0f);
        return {};
    }
    const bool missing = is_missing(cell);
    const auto value = missing ? column.mean : number_in(cell);
    if (!value) return refused(at(row, column) + "\"" + cell + "\" is no number");
    put(out, (*value - column.mean) / column.deviation);
    if (column.some_missing) put(out, missing ? 1.0f : 0.0f);
    return {};
}

Result<float> answer_in(const Csv::Row& row, const Column& column, const std::string& cell) {
    if (column.categories.empty()) {
        const auto value = number_in(cell);
        if (!value) return refused(at(row, column) + "\"" + cell + "\" is no number");
        return (*value - column.mean) / column.deviation;
    }
    const auto found = std::ranges::lower_bound(column.categories, cell);
    if (found == column.categories.end() || *found != cell)
        return refused(at(row, column) + "\"" + cell +
                       "\" is a class that the model does not know");
    return static_cast<float>(found - column.categories.begin());
}

}  // namespace

std::size_t TableSchema::features() const {
    std::size_t sum = 0;
    for (std::size_t i = 0; i + 1 < columns.size(); ++i) sum += columns[i].features();
    return sum;
}

std::size_t TableSchema::outputs() const {
    return std::max<std::size_t>(1, answer().categories.size());
}

Result<TableSchema> TableSchema::fit(std::span<const Csv> tables, Answer answer) {
    if (tables.empty()) return refused("there is no table");
    const auto& header = tables[0].header;
    for (const auto& table : tables)
        if (table.header != header)
            return refused("the tables have different columns: all must have the same header");
    if (header.size() < 2)
        return refused(
            "a table to learn from has at least two columns: something known, and last "
            "the answer");
    const std::size_t last = header.size() - 1;
    std::size_t answers = 0;
    each_cell(tables, last,
              [&](const Csv::Row&, const std::string& cell) { answers += !is_missing(cell); });
    if (answers == 0) return refused("no row of the table has an answer in its last column");

    TableSchema schema;
    for (std::size_t i = 0; i < header.size(); ++i) {
        const bool numbers =
            holds_numbers(tables, i) && !(i == last && answer == Answer::one_of_classes);
        if (i == last && answer == Answer::number && !numbers)
            return refused("column \"" + header[i] +
                           "\" is the answer and is to be a number, and "
                           "holds other text");
        if (numbers) {
            schema.columns.push_back(fit_numbers(tables, i, header[i]));
        } else {
            TRY(auto column, fit_categories(tables, i, header[i]));
            schema.columns.push_back(std::move(column));
        }
    }
    schema.columns.back().some_missing = false;  // rows without an answer are left out
    return schema;
}

Bytes TableSchema::encode() const {
    Writer out;
    out.u(kVersion).u(static_cast<std::uint16_t>(columns.size()));
    for (const auto& column : columns) {
        out.text(column.name);
        out.u(std::bit_cast<std::uint32_t>(column.mean));
        out.u(std::bit_cast<std::uint32_t>(column.deviation));
        out.u(std::uint8_t{column.some_missing});
        out.u(static_cast<std::uint16_t>(column.categories.size()));
        for (const auto& category : column.categories) out.text(category);
    }
    return std::move(out).take();
}

namespace {

Result<Column> decode_column(Reader& reader) {
    Column column;
    TRY(column.name, reader.text(kCellMax));
    TRY(const auto mean, reader.u<std::uint32_t>());
    TRY(const auto deviation, reader.u<std::uint32_t>());
    TRY(const auto missing, reader.u<std::uint8_t>());
    TRY(const auto categories, reader.u<std::uint16_t>());
    column.mean = std::bit_cast<float>(mean);
    column.deviation = std::bit_cast<float>(deviation);
    if (!std::isfinite(column.mean) || !(column.deviation > 0) || !std::isfinite(column.deviation))
        return broken("a mean or deviation is no number");
    if (missing > 1 || categories > kCategoriesMax || column.name.empty())
        return broken("a column is out of its limits");
    column.some_missing = missing == 1;
    for (std::uint16_t i = 0; i < categories; ++i) {
        TRY(auto category, reader.text(kCellMax));
        if (!column.categories.empty() && category <= column.categories.back())
            return broken("categories are not in order");
        column.categories.push_back(std::move(category));
    }
    if (categories > 0 && (column.some_missing || column.mean != 0 || column.deviation != 1))
        return broken("a column of categories has numbers");
    return column;
}

}  // namespace

Result<TableSchema> TableSchema::decode(ByteSpan bytes) {
    Reader reader(bytes);
    TRY(const auto version, reader.u<std::uint8_t>());
    if (version != kVersion) return broken("its version is not 1");
    TRY(const auto count, reader.u<std::uint16_t>());
    if (count < 2 || count > kColumnsMax)
        return broken("it has " + std::to_string(count) + " columns");
    TableSchema schema;
    std::set<std::string> names;
    for (std::uint16_t i = 0; i < count; ++i) {
        TRY(auto column, decode_column(reader));
        if (!names.insert(column.name).second) return broken("a column is there twice");
        schema.columns.push_back(std::move(column));
    }
    if (schema.answer().some_missing) return broken("its answer may be missing");
    TRY_VOID(reader.finish());
    return schema;
}

std::string TableSchema::answer_text(std::span<const float> outputs) const {
    if (!answer().categories.empty()) {
        const auto known = outputs.first(std::min(outputs.size(), answer().categories.size()));
        const auto best = std::max_element(known.begin(), known.end()) - known.begin();
        return answer().categories[static_cast<std::size_t>(best)];
    }
    char text[32];
    std::snprintf(text, sizeof(text), "%.6g",
                  static_cast<double>(outputs[0] * answer().deviation + answer().mean));
    return text;
}

namespace {

enum class Ask : std::uint8_t { to_learn, to_answer };

Result<Bytes> examples_of(const TableSchema& schema, const Csv& table, std::size_t features,
                          Ask ask, std::vector<std::size_t>* lines) {
    const auto known = schema.features();
    if (known > features)
        return refused("the table gives " + std::to_string(known) + " features; the model takes " +
                       std::to_string(features));
    // Columns may stand in another order, and others beside them.
    std::vector<std::size_t> places;
    const auto wanted = schema.columns.size() - (ask == Ask::to_answer);
    for (const auto& column : std::span(schema.columns).first(wanted)) {
        const auto found = std::ranges::find(table.header, column.name);
        if (found == table.header.end())
            return refused("the table has no column \"" + column.name + "\"");
        places.push_back(static_cast<std::size_t>(found - table.header.begin()));
    }
    Bytes out;
    for (const auto& row : table.rows) {
        if (ask == Ask::to_learn && is_missing(row.cells[places.back()])) continue;
        for (std::size_t i = 0; i + 1 < schema.columns.size(); ++i)
            TRY_VOID(put_feature(row, schema.columns[i], row.cells[places[i]], out));
        for (std::size_t i = known; i < features; ++i) put(out, 0);
        float answer = 0;
        if (ask == Ask::to_learn) {
            TRY(answer, answer_in(row, schema.answer(), row.cells[places.back()]));
        }
        put(out, answer);
        if (lines) lines->push_back(row.line);
    }
    return out;
}

}  // namespace

Result<Bytes> table_examples(const TableSchema& schema, const Csv& table, std::size_t features,
                             std::vector<std::size_t>* lines) {
    return examples_of(schema, table, features, Ask::to_learn, lines);
}

Result<Bytes> table_questions(const TableSchema& schema, const Csv& table, std::size_t features,
                              std::vector<std::size_t>* lines) {
    return examples_of(schema, table, features, Ask::to_answer, lines);
}

}  // namespace mutirao::dataset
