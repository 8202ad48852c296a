#include "train/blob.hpp"
#include "train/worker_state.hpp"

// A run state after its size, then what a worker's own has after its head. One state has one
// encoding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const ByteSpan input(data, size);
    Reader reader(input);
    const auto shared = reader.blob(size);
    if (!shared) return 0;
    Writer writer;
    writer.u(std::uint16_t{2}).raw(train::chunk_list(*shared).id().span());
    writer.raw(input.subspan(reader.offset()));
    const auto state = train::decode_worker_state(writer.bytes(), *shared);
    if (state) ENSURE(train::encode_worker_state(*state) == to_bytes(writer.bytes()));
    return 0;
}
