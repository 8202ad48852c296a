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

std::string at(const Csv::Row& row, const std::string& column) {
    return "line " + std::to_string(row.line) + " of the table, column \"" + column + "\": ";
}

// A column that never changes says nothing, and must not divide by 0.
float deviation_of(double squares, double count) {
    const auto deviation = static_cast<float>(count > 0 ? std::sqrt(squares / count) : 0);
    return deviation > 0 && std::isfinite(deviation) ? deviation : 1;
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
    if (!value) return refused(at(row, column.name) + "\"" + cell + "\" is no number");
    put(out, (*value - column.mean) / column.deviation);
    if (column.some_missing) put(out, missing ? 1.0f : 0.0f);
    return {};
}

Result<float> answer_in(const Csv::Row& row, const Column& column, const std::string& cell) {
    if (column.categories.empty()) {
        const auto value = number_in(cell);
        if (!value) return refused(at(row, column.name) + "\"" + cell + "\" is no number");
        return (*value - column.mean) / column.deviation;
    }
    const auto found = std::ranges::lower_bound(column.categories, cell);
    if (found == column.categories.end() || *found != cell)
        return refused(at(row, column.name) + "\"" + cell +
                       "\" is a class that the model does not know");
    return static_cast<float>(found - column.categories.begin());
}

}  // namespace

bool is_missing(std::string_view cell) {
    constexpr std::string_view kMissing[] = {"", "?", "NA", "NaN", "nan", "null"};
    return std::ranges::find(kMissing, cell) != std::end(kMissing);
}

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
    SchemaLearner learner;
    for (const auto& table : tables) {
        TRY_VOID(learner.begin(table.header));
        for (const auto& row : table.rows) TRY_VOID(learner.add(row));
    }
    return learner.schema(answer);
}

Status SchemaLearner::begin(const std::vector<std::string>& header) {
    if (header.size() < 2)
        return refused(
            "a table to learn from has at least two columns: something known, and last "
            "the answer");
    if (header_.empty()) {
        header_ = header;
        columns_.resize(header.size());
    }
    if (header != header_)
        return refused("the tables have different columns: all must have the same header");
    return {};
}

Status SchemaLearner::add(const Csv::Row& row) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        auto& column = columns_[i];
        const auto& cell = row.cells[i];
        if (is_missing(cell)) {
            column.some_missing = true;
            continue;
        }
        const auto number = column.some_text ? std::nullopt : number_in(cell);
        column.some_text = !number;
        if (number) {
            const auto value = static_cast<double>(*number);
            column.sum += value;
            const auto off = value - column.mean;
            column.mean += off / ++column.count;
            column.squares += off * (value - column.mean);
        }
        if (column.texts.size() > kCategoriesMax || !column.texts.insert(cell).second) continue;
        text_bytes_ += cell.size();
        if (text_bytes_ > kSchemaMax)
            return Error{ErrorKind::resource_exhausted,
                         at(row, header_[i]) +
                             "different texts of over 16 MiB in all: leave "
                             "columns of long texts out of the table"};
    }
    some_answer_ = some_answer_ || !is_missing(row.cells.back());
    return {};
}

Result<TableSchema> SchemaLearner::schema(Answer answer) const {
    if (!some_answer_) return refused("no row of the table has an answer in its last column");
    TableSchema out;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const auto& seen = columns_[i];
        const auto name = "column \"" + header_[i] + "\"";
        const bool is_answer = i + 1 == columns_.size();
        const bool numbers =
            !seen.some_text && seen.count > 0 && !(is_answer && answer == Answer::one_of_classes);
        if (is_answer && answer == Answer::number && !numbers)
            return refused(name + " is the answer and is to be a number, and holds other text");
        auto& column = out.columns.emplace_back(Column{header_[i], {}, 0, 1, false});
        if (numbers) {
            column.mean = static_cast<float>(seen.sum / seen.count);
            column.deviation = deviation_of(seen.squares, seen.count);
            column.some_missing = seen.some_missing && !is_answer;  // those rows are left out
            continue;
        }
        if (seen.texts.size() > kCategoriesMax)
            return refused(name + " has more than " + std::to_string(kCategoriesMax) +
                           " different texts: leave it out of the table, or group them");
        if (seen.texts.empty()) return refused(name + " is empty: leave it out of the table");
        column.categories.assign(seen.texts.begin(), seen.texts.end());
    }
    return out;
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

Result<RowExamples> RowExamples::make(const TableSchema& schema,
                                      std::span<const std::string> header, std::size_t features,
                                      For use) {
    const auto known = schema.features();
    if (known > features)
        return refused("the table gives " + std::to_string(known) + " features; the model takes " +
                       std::to_string(features));
    RowExamples out(schema, features - known, use);
    const auto wanted = schema.columns.size() - (use == For::asking);
    for (const auto& column : std::span(schema.columns).first(wanted)) {
        const auto found = std::ranges::find(header, column.name);
        if (found == header.end())
            return refused("the table has no column \"" + column.name + "\"");
        out.places_.push_back(static_cast<std::size_t>(found - header.begin()));
    }
    return out;
}

bool RowExamples::takes(const Csv::Row& row) const {
    return use_ == For::asking || !is_missing(row.cells[places_.back()]);
}

Status RowExamples::add(const Csv::Row& row, Bytes& out) const {
    for (std::size_t i = 0; i + 1 < schema_->columns.size(); ++i)
        TRY_VOID(put_feature(row, schema_->columns[i], row.cells[places_[i]], out));
    for (std::size_t i = 0; i < padding_; ++i) put(out, 0);
    float answer = 0;
    if (use_ == For::learning) {
        TRY(answer, answer_in(row, schema_->answer(), row.cells[places_.back()]));
    }
    put(out, answer);
    return {};
}

namespace {

Result<Bytes> examples_of(const RowExamples& examples, const Csv& table,
                          std::vector<std::size_t>* lines) {
    Bytes out;
    for (const auto& row : table.rows) {
        if (!examples.takes(row)) continue;
        TRY_VOID(examples.add(row, out));
        if (lines) lines->push_back(row.line);
    }
    return out;
}

}  // namespace

Result<Bytes> table_examples(const TableSchema& schema, const Csv& table, std::size_t features,
                             std::vector<std::size_t>* lines) {
    TRY(const auto examples,
        RowExamples::make(schema, table.header, features, RowExamples::For::learning));
    return examples_of(examples, table, lines);
}

Result<Bytes> table_questions(const TableSchema& schema, const Csv& table, std::size_t features,
                              std::vector<std::size_t>* lines) {
    TRY(const auto examples,
        RowExamples::make(schema, table.header, features, RowExamples::For::asking));
    return examples_of(examples, table, lines);
}

}  // namespace mutirao::dataset
