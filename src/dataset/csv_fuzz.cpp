#include <algorithm>

#include "dataset/table.hpp"

// What is read has rows of the header's length, however it is cut, and fits or gives a sentence.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto csv = dataset::read_csv({data, size});
    dataset::CsvReader reader;
    std::vector<dataset::Csv::Row> rows;
    const auto keep = [&rows](dataset::Csv::Row& row, std::uint64_t) -> Status {
        rows.push_back(row);
        return {};
    };
    Status status;
    for (std::size_t at = 0, piece = 1; at < size && status.ok();
         at += piece, piece = piece % 7 + 1)
        status = reader.add({data + at, std::min(piece, size - at)}, keep);
    if (status.ok()) status = reader.finish(keep);
    ENSURE(status.ok() ? csv.ok() && csv->rows == rows
                       : !csv.ok() && csv.error() == status.error());
    if (!csv) return 0;
    for (const auto& row : csv->rows) ENSURE(row.cells.size() == csv->header.size());
    for (const auto answer : {dataset::Answer::number, dataset::Answer::one_of_classes}) {
        const auto schema = dataset::TableSchema::fit(std::span(&*csv, 1), answer);
        if (!schema) continue;
        const auto again = dataset::TableSchema::decode(schema->encode());
        ENSURE(again.ok() && *again == *schema);
        if (schema->features() > 64) continue;
        const auto examples = dataset::table_examples(*schema, *csv, 64);
        ENSURE(!examples.ok() || examples->size() % (65 * sizeof(float)) == 0);
    }
    return 0;
}
