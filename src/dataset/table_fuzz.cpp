#include "dataset/table.hpp"

// One schema has one encoding, and any table fits it or gives a sentence.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const ByteSpan bytes{data, size};
    const auto schema = dataset::TableSchema::decode(bytes);
    if (!schema) return 0;
    ENSURE(schema->encode() == to_bytes(bytes));
    const auto csv = dataset::read_csv(as_bytes("rain,soil,tonnes\n1,clay,2\nx,?,\n")).value();
    const auto features = schema->features();
    const auto rows = dataset::table_questions(*schema, csv, features);
    ENSURE(!rows.ok() || rows->size() == csv.rows.size() * (features + 1) * sizeof(float));
    (void)schema->answer_text(std::vector<float>(schema->outputs()));
    return 0;
}
