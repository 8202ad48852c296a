// A worker's folder of a run after a crash or by another's hand: it opens with what is whole, goes
// on, and opens again with the same.
#include "base/codec.hpp"
#include "base/ensure.hpp"
#include "base/memory_disk.hpp"
#include "base/random.hpp"
#include "node/own_state.hpp"

namespace {

using namespace mutirao;
using namespace mutirao::node;

// One file for each part of the input, behind its size (u16); blobs have their names.
void write_files(Disk& disk, const std::string& folder, ByteSpan bytes) {
    Reader in(bytes);
    for (unsigned i = 0; in.remaining() > 0; ++i) {
        const auto length = in.u<std::uint16_t>();
        if (!length.ok()) return;
        const auto part = *in.raw(std::min<std::size_t>(*length, in.remaining()));
        const auto id = train::chunk_list(part).id().hex();
        const std::string names[] = {"work", "said", "blob-" + id, "part-" + id, "sum-3", "plan"};
        ENSURE(disk.write_file_atomic(folder + "/" + names[i % std::size(names)], part).ok());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    MemoryDisk disk;
    SeededRandom random(1);
    const train::RunId run{{7}};
    write_files(disk, "runs/" + run.hex(), {data, size});
    if (const auto work = WorkDone::decode({data, size}); work.ok())
        ENSURE(work->encode() == to_bytes({data, size}), "two encodings of a worker's record");
    auto store = RunStore::open(disk, run);
    if (!store.ok()) return 0;
    const auto work = (*store)->work().value();
    if (work) (void)own_state_of(**store, *work);
    (void)(*store)->sum_secret(3, random).ok();
    for (const auto& blob : (*store)->blobs()) {
        ENSURE(train::chunk_list((*store)->get(blob).value()).id() == blob);
        ENSURE(train::decode_chunk_list((*store)->list(blob).value()).ok());
        auto chunks = (*store)->chunks_to_come();
        train::BlobFetch fetch(blob);
        (void)chunks.take_up(blob, fetch).ok();
    }
    const auto said = (*store)->said();
    const Bytes word(5, 1);
    ENSURE((*store)->say({&word, 1}).ok());
    store = RunStore::open(disk, run);
    ENSURE(store.ok() && (*store)->said().size() == said.size() + 1);
    return 0;
}
