#include "train/settings.hpp"

// One set of settings has one encoding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    Reader reader({data, size});
    const auto settings = train::RunSettings::decode(reader);
    if (!settings || !reader.finish()) return 0;
    Writer writer;
    settings->encode(writer);
    ENSURE(writer.bytes() == to_bytes({data, size}));
    return 0;
}
