#include "dataset/csv.hpp"

#include <algorithm>
#include <set>

namespace mutirao::dataset {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Error broken(std::size_t line, const std::string& reason) {
    return {ErrorKind::corrupt, "line " + std::to_string(line) + " of the table: " + reason};
}

// The commonest separator outside of quotes in the first line.
char separator_of(std::string_view text) {
    constexpr std::string_view kSeparators = ",;\t";
    std::array<std::size_t, kSeparators.size()> counts{};
    bool quoted = false;
    for (const char c : text) {
        if (c == '\n' && !quoted) break;
        if (c == '"') quoted = !quoted;
        const auto at = kSeparators.find(c);
        if (!quoted && at != std::string_view::npos) ++counts[at];
    }
    return kSeparators[static_cast<std::size_t>(std::max_element(counts.begin(), counts.end()) -
                                                counts.begin())];
}

class CsvReader {
  public:
    explicit CsvReader(std::string_view text) : left_(text), separator_(separator_of(text)) {}

    bool done() const { return left_.empty(); }

    // One row, which may span lines.
    Result<Csv::Row> next() {
        Csv::Row row{line_, {}};
        for (;;) {
            TRY(auto cell, left_.starts_with('"') ? quoted() : plain());
            if (cell.size() > kCellMax) return broken(row.line, "a field of more than 64 KiB");
            if (row.cells.size() == kColumnsMax)
                return broken(row.line, "more than " + std::to_string(kColumnsMax) + " columns");
            row.cells.push_back(std::move(cell));
            if (!left_.starts_with(separator_)) break;
            left_.remove_prefix(1);
        }
        if (left_.starts_with('\r')) left_.remove_prefix(1);
        if (!left_.empty() && left_.front() != '\n')
            return broken(line_, "text after a closing quote");
        if (!left_.empty()) left_.remove_prefix(1), ++line_;
        return row;
    }

  private:
    Result<std::string> quoted() {
        const auto begun = line_;
        left_.remove_prefix(1);
        std::string cell;
        for (;;) {
            const auto at = left_.find('"');
            if (at == std::string_view::npos)
                return broken(begun, "a quote is opened and never closed");
            cell += left_.substr(0, at);
            line_ += static_cast<std::size_t>(
                std::count(left_.begin(), left_.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
            left_.remove_prefix(at + 1);
            if (!left_.starts_with('"')) return cell;
            cell += '"';
            left_.remove_prefix(1);
        }
    }

    Result<std::string> plain() {
        std::size_t end = 0;
        while (end < left_.size() && left_[end] != separator_ && left_[end] != '\n') ++end;
        auto cell = left_.substr(0, end);
        left_.remove_prefix(end);
        if (cell.ends_with('\r')) cell.remove_suffix(1);
        if (cell.find('"') != std::string_view::npos)
            return broken(line_, "a quote within a field that does not begin with one");
        return std::string(cell);
    }

    std::string_view left_;
    char separator_;
    std::size_t line_ = 1;
};

bool is_empty(const Csv::Row& row) { return row.cells.size() == 1 && row.cells[0].empty(); }

Status check_header(const Csv::Row& row) {
    std::set<std::string> names;
    for (const auto& name : row.cells) {
        if (name.empty()) return broken(row.line, "the header has a column without a name");
        if (!names.insert(name).second)
            return broken(row.line, "the header has the column \"" + name + "\" twice");
    }
    return {};
}

}  // namespace

Result<Csv> read_csv(ByteSpan bytes) {
    auto text = as_text(bytes);
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    CsvReader reader(text);
    Csv out;
    while (!reader.done()) {
        TRY(auto row, reader.next());
        if (is_empty(row)) continue;
        if (out.header.empty()) {
            TRY_VOID(check_header(row));
            out.header = std::move(row.cells);
            continue;
        }
        if (row.cells.size() != out.header.size())
            return broken(row.line, std::to_string(row.cells.size()) + " fields; the header has " +
                                        std::to_string(out.header.size()));
        out.rows.push_back(std::move(row));
    }
    if (out.header.empty()) return broken(1, "there is no header");
    return out;
}

}  // namespace mutirao::dataset
