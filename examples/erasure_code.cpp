// Codes a mebibyte into 96 rows of which any 64 are enough, loses a third, and rebuilds the data.
#include <algorithm>
#include <cstdio>
#include <mutirao/coding.h>

using namespace mutirao;

int main() {
    const coding::Shape shape{.data_rows = 64, .rows = 96, .row_size = 16384};
    coding::RowBuffer data(shape.data_size()), parity(shape.parity_size()), back(shape.data_size());
    std::fill(data.begin(), data.end(), std::uint8_t{'m'});
    coding::encode(shape, data.span(), parity.span());

    std::vector<coding::Row> left;  // every third row is lost
    for (std::uint32_t i = 0; i < shape.rows; ++i) {
        const auto rows = i < shape.data_rows ? data.span() : parity.span();
        const std::size_t at = std::size_t{i % shape.data_rows} * shape.row_size;
        if (i % 3 != 0) left.push_back({i, rows.subspan(at, shape.row_size)});
    }
    const auto status = coding::decode(shape, left, back.span());
    if (!status.ok()) return std::puts(status.error().message.c_str()), 1;
    std::printf("%zu of %u rows gave the data back: %s\n", left.size(), shape.rows,
                std::equal(data.begin(), data.end(), back.begin()) ? "the same bytes" : "WRONG");
}
