// Tables as spreadsheets write them: comma-separated values (RFC 4180), with a header line.
//
// The separator is a comma, a semicolon or a tab, whichever the header has most of. Lines end in LF
// or CRLF; a byte order mark is skipped, and so are empty lines. A quoted field may hold
// separators, line ends and, doubled, quotes.
//
// Pure; any thread, one at a time for a CsvReader.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao::dataset {

inline constexpr std::size_t kColumnsMax = 1024;
inline constexpr std::size_t kCellMax = 64 << 10;  // bytes
inline constexpr std::size_t kRowMax = 4 << 20;    // bytes of the file

struct Csv {
    struct Row {
        std::size_t line = 0;  // of the file, from 1
        std::vector<std::string> cells;

        bool operator==(const Row&) const = default;
    };
    std::vector<std::string> header;
    std::vector<Row> rows;  // each as long as the header

    bool operator==(const Csv&) const = default;
};

// corrupt, naming the line: a row of another length than the header or of more than kRowMax, a
// quote that is not closed or stands within a field, a header with a name twice or none.
Result<Csv> read_csv(ByteSpan text);

// The same, piece by piece, for tables that are too large for memory; how they are cut does not
// matter. Memory: a piece and a row.
class CsvReader {
  public:
    // Takes a row, which it may move from, and where its first byte lies in the file.
    using Take = std::function<Status(Csv::Row& row, std::uint64_t offset)>;

    CsvReader() = default;
    // Goes on with the same table at one of its rows. Wants the header to have been read.
    CsvReader at(std::uint64_t offset, std::size_t line) const;

    // Rows that end within what was given so far. Errors are those of read_csv() and of `take`;
    // nothing is read after one.
    Status add(ByteSpan piece, const Take& take);
    // After the last piece.
    Status finish(const Take& take);
    // Empty until it was read.
    const std::vector<std::string>& header() const { return header_; }

  private:
    Status read_row(std::string_view text, const Take& take);

    std::vector<std::string> header_;
    char separator_ = ',';
    std::string left_;           // of the pieces: a row that has not ended yet
    std::size_t looked_at_ = 0;  // bytes of it
    bool is_quoted_ = false;     // there
    std::uint64_t offset_ = 0;   // of left_
    std::size_t line_ = 1;       // of left_
    Csv::Row row_;
};

}  // namespace mutirao::dataset
