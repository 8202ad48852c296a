#include "dataset/table.hpp"

// What is read has rows of the header's length, and fits or gives a sentence.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto csv = dataset::read_csv({data, size});
    if (!csv) return 0;
    for (const auto& row : csv->rows) ENSURE(row.cells.size() == csv->header.size());
    for (const auto answer : {dataset::Answer::number, dataset::Answer::one_of_classes}) {
        const auto schema = dataset::TableSchema::fit(std::span(&*csv, 1), answer);
        if (!schema) continue;
        const auto again = dataset::TableSchema::decode(schema->encode());
        ENSURE(again.ok() && *again == *schema);
        if (schema->features() > 64) continue;
        const auto rows = dataset::table_examples(*schema, *csv, 64);
        ENSURE(!rows.ok() || rows->size() % (65 * sizeof(float)) == 0);
    }
    return 0;
}
