// Any bytes as a segment: opening never fails or crashes, what it finds is readable, what it cut
// off stays cut off, and the store goes on working.
#include <algorithm>

#include "base/ensure.hpp"
#include "base/memory_disk.hpp"
#include "base/random.hpp"
#include "storage/fragment_store.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    constexpr std::uint64_t kKeySeed = 1;  // the seeds in corpus/ are checked under this key
    MemoryDisk disk;
    SeededRandom random(kKeySeed);
    ENSURE(storage::FragmentStore::open(disk, random).ok());  // writes the key
    ENSURE(disk.write_file_atomic("segments/00000001.seg", {data, size}).ok());

    std::vector<BlockId> blocks;
    {
        const auto store = storage::FragmentStore::open(disk, random).value();
        blocks = store->blocks();
        for (const auto& id : blocks) {
            ENSURE(!store->has_statement(id) || store->statement(id).ok());
            for (const auto slot : store->slots(id)) ENSURE(store->slot(id, slot).ok());
        }
        BlockId fresh;
        fresh.bytes.fill(0xee);
        if (!store->contains(fresh, 1)) {
            ENSURE(store->put_slot(fresh, 1, ByteSpan(data, size).first(size / 2)).ok());
            ENSURE(store->slot(fresh, 1).value() == to_bytes({data, size / 2}));
            if (std::find(blocks.begin(), blocks.end(), fresh) == blocks.end())
                blocks.push_back(fresh);
        }
    }
    const auto again = storage::FragmentStore::open(disk, random).value();
    std::sort(blocks.begin(), blocks.end());
    ENSURE(again->blocks() == blocks);
    ENSURE(again->recovery().torn_bytes == 0);
    return 0;
}
