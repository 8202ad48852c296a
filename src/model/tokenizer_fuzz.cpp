#include "model/tokenizer.hpp"

// A file that is taken encodes any text to tokens that it knows.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto tokenizer = model::Tokenizer::from_file({data, size});
    if (!tokenizer) return 0;
    for (const auto token : tokenizer->encode(as_bytes("o milho\n\xFF")))
        ENSURE(token < tokenizer->vocabulary());
    return 0;
}
