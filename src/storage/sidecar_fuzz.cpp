// Any bytes as a sidecar: refused, or exactly what encode() writes; and as those of a segment in a
// store, which then opens and reads what is really there.
#include "base/ensure.hpp"
#include "base/memory_disk.hpp"
#include "base/random.hpp"
#include "storage/fragment_store.hpp"

namespace {

using namespace mutirao;

constexpr std::uint64_t kSegmentSize = 200;  // two records of this target are two segments

// The store of the seeds in corpus/: the first segment holds slot 1 of the block.
void open_with(MemoryDisk& disk, const BlockId& block, ByteSpan sidecar) {
    ENSURE(disk.write_file_atomic("segments/00000001.idx", sidecar).ok());
    SeededRandom random(1);
    const auto store = storage::FragmentStore::open(disk, random, kSegmentSize).value();
    for (const auto& id : store->blocks())
        for (const auto slot : store->slots(id)) static_cast<void>(store->slot(id, slot).ok());
    ENSURE(store->slot(block, 2).ok());  // in the last segment, which is scanned
    ENSURE(store->scrub_some(1 << 20).ok() && store->sync().ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    MemoryDisk disk;
    SeededRandom random(1);
    BlockId block;
    block.bytes.fill(7);
    {
        const auto store = storage::FragmentStore::open(disk, random, kSegmentSize).value();
        for (const std::uint32_t slot : {1u, 2u})
            ENSURE(store->put_slot(block, slot, Bytes(100, 5)).ok() && store->sync().ok());
    }
    const auto header = disk.read_file("segments/key", 1 << 10).value();
    const auto key = storage::decode_segment_header(header).value();

    // As they are, and under a good check: whoever holds the key wrote them.
    Bytes checked(data, data + size);
    const auto check = crypto::blake3_keyed(key, checked);
    checked.insert(checked.end(), check.bytes.begin(), check.bytes.begin() + storage::kCheckSize);
    for (const ByteSpan bytes : {ByteSpan(data, size), ByteSpan(checked)}) {
        const auto sidecar = storage::Sidecar::decode(bytes, key);
        ENSURE(!sidecar.ok() || sidecar->encode(key) == to_bytes(bytes));
        open_with(disk, block, bytes);
    }
    return 0;
}
