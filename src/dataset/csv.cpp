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

// The cells of one row, which may span lines; `line` is its first one's number, and goes on to the
// next row's.
class RowCells {
  public:
    RowCells(std::string_view text, char separator, std::size_t& line)
        : left_(text), separator_(separator), line_(line) {}

    Status read(Csv::Row& row) {
        row.line = line_;
        row.cells.clear();
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
        if (!left_.empty()) ++line_;
        return {};
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
    const char separator_;
    std::size_t& line_;
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

CsvReader CsvReader::at(std::uint64_t offset, std::size_t line) const {
    CsvReader out;
    out.header_ = header_;
    out.separator_ = separator_;
    out.offset_ = offset;
    out.line_ = line;
    return out;
}

// A row ends at the first line end that is outside of quotes. That a quote within a field does not
// begin one is no matter: such a row is an error at whatever it ends.
Status CsvReader::add(ByteSpan piece, const Take& take) {
    left_ += as_text(piece);
    std::size_t begun = 0;
    for (; looked_at_ < left_.size(); ++looked_at_) {
        const char c = left_[looked_at_];
        if (c == '"') is_quoted_ = !is_quoted_;
        if (c != '\n' || is_quoted_) continue;
        const auto end = looked_at_ + 1;
        TRY_VOID(read_row(std::string_view(left_).substr(begun, end - begun), take));
        begun = end;
    }
    left_.erase(0, begun);
    looked_at_ -= begun;
    return left_.size() > kRowMax ? read_row(left_, take) : Status();
}

Status CsvReader::finish(const Take& take) {
    if (!left_.empty()) TRY_VOID(read_row(left_, take));
    left_.clear();
    return header_.empty() ? Status(broken(1, "there is no header")) : Status();
}

Status CsvReader::read_row(std::string_view text, const Take& take) {
    const auto offset = offset_;
    offset_ += text.size();
    if (text.size() > kRowMax)
        return broken(
            line_, "a row of more than 4 MiB: is there a quote that is opened and never closed?");
    if (offset == 0 && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    if (header_.empty()) separator_ = separator_of(text);
    TRY_VOID(RowCells(text, separator_, line_).read(row_));
    if (is_empty(row_)) return {};
    if (header_.empty()) {
        TRY_VOID(check_header(row_));
        header_ = std::move(row_.cells);
        return {};
    }
    if (row_.cells.size() != header_.size())
        return broken(row_.line, std::to_string(row_.cells.size()) + " fields; the header has " +
                                     std::to_string(header_.size()));
    return take(row_, offset);
}

Result<Csv> read_csv(ByteSpan text) {
    constexpr std::size_t kPiece = 1 << 20;  // or all of the text would be in memory twice
    CsvReader reader;
    Csv out;
    const auto take = [&out](Csv::Row& row, std::uint64_t) -> Status {
        out.rows.push_back(std::move(row));
        return {};
    };
    for (; !text.empty(); text = text.subspan(std::min(kPiece, text.size())))
        TRY_VOID(reader.add(text.first(std::min(kPiece, text.size())), take));
    TRY_VOID(reader.finish(take));
    out.header = reader.header();
    return out;
}

}  // namespace mutirao::dataset
