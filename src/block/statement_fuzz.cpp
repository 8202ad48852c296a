#include "block/statement.hpp"

// What decodes is what encode() writes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto statement = block::Statement::decode({data, size});
    if (statement) ENSURE(statement->encode() == to_bytes({data, size}));
    return 0;
}
