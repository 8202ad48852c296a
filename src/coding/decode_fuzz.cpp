#include <algorithm>

#include "base/ensure.hpp"
#include "coding/coding.hpp"

// The input says which rows are there, how often, and which are wanted: whatever it says, the
// rebuilt rows are those of the word, or the error says why not.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    if (size < 2) return 0;
    const coding::Shape shape{64, 65 + data[0] % 192u, 128};
    static Bytes all;
    static std::uint32_t rows = 0;
    if (rows != shape.rows) {
        rows = shape.rows;
        all.assign(std::size_t{rows} * shape.row_size, 0);
        for (std::size_t i = 0; i < shape.data_size(); ++i)
            all[i] = static_cast<std::uint8_t>(i * 31 + i / 97);
        coding::encode(shape, ByteSpan(all).first(shape.data_size()),
                       MutableByteSpan(all).subspan(shape.data_size()));
    }
    const auto row = [&](std::uint32_t i) {
        return ByteSpan(all).subspan(std::size_t{i % rows} * shape.row_size, shape.row_size);
    };
    const std::size_t count = std::min<std::size_t>(size - 2, 400);
    const std::size_t split = count * data[1] / 255;  // rows given, then rows wanted
    std::vector<coding::Row> given;
    std::vector<std::uint32_t> wanted;
    std::vector<bool> distinct(256 + 1);
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t index = data[2 + i] % (rows + 1);  // one too many at times
        if (i >= split) {
            wanted.push_back(index);
            continue;
        }
        given.push_back({index, row(index)});
        distinct[index] = true;
    }
    const auto valid = [&](std::uint32_t index) { return index < rows; };
    const bool indices_fit =
        std::all_of(given.begin(), given.end(), [&](auto& r) { return valid(r.index); }) &&
        std::all_of(wanted.begin(), wanted.end(), valid);
    const bool enough = std::count(distinct.begin(), distinct.end(), true) >= 64;
    Bytes out(wanted.size() * shape.row_size);
    const auto status = coding::repair(shape, given, wanted, out);
    ENSURE(status.ok() == (indices_fit && enough));
    if (!status.ok()) return 0;
    for (std::size_t i = 0; i < wanted.size(); ++i)
        ENSURE(std::equal(out.begin() + static_cast<std::ptrdiff_t>(i * shape.row_size),
                          out.begin() + static_cast<std::ptrdiff_t>((i + 1) * shape.row_size),
                          row(wanted[i]).begin()));
    return 0;
}
