// Tables as spreadsheets write them: comma-separated values (RFC 4180), with a header line.
//
// The separator is a comma, a semicolon or a tab, whichever the header has most of. Lines end in LF
// or CRLF; a byte order mark is skipped, and so are empty lines. A quoted field may hold
// separators, line ends and, doubled, quotes.
//
// Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao::dataset {

inline constexpr std::size_t kColumnsMax = 1024;
inline constexpr std::size_t kCellMax = 64 << 10;  // bytes

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

// corrupt, naming the line: a row of another length than the header, a quote that is not closed or
// stands within a field, a header with a name twice or none.
Result<Csv> read_csv(ByteSpan text);

}  // namespace mutirao::dataset
