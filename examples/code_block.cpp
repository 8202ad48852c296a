// Turns a text into 768 fragments, throws away every second one, and reads the text from the rest.
#include <iostream>

#include "block/statement.hpp"

int main() {
    using namespace mutirao;
    const std::string text = "Quem faz mutirão, colhe junto.";
    const auto coded = block::code_block(as_bytes(text), {}).value();
    const auto id = coded.statement.id();
    const auto& header = coded.statement.header;
    std::cout << "block " << id.hex() << "\n"
              << header.rows << " fragments of " << header.row_size << " bytes; any "
              << header.data_rows << " of them are enough\n";

    const auto check = block::StatementCheck::open(id, coded.statement).value();
    std::vector<coding::Row> kept;
    for (std::uint32_t i = 1; i < header.rows; i += 2) kept.push_back({i, coded.row(i)});
    const auto content = block::recover_content(check, kept);
    if (!content.ok()) {
        std::cerr << content.error().message << "\n";
        return 1;
    }
    std::cout << "read from " << kept.size() << " of them: " << as_text(*content) << "\n";
}
