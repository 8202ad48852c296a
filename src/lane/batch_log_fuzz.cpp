// Records of a log of batches, each behind its size (u16), under good checksums: whoever writes the
// disk may make those. The log opens with what it can give back, or not at all.
#include <algorithm>

#include "base/codec.hpp"
#include "base/ensure.hpp"
#include "base/memory_disk.hpp"
#include "crypto/hash.hpp"
#include "lane/batch_log.hpp"

namespace {

using namespace mutirao;

Digest checksum(ByteSpan bytes) {
    return crypto::blake3_keyed(crypto::domain_key("batch log"), bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    MemoryDisk disk;
    {
        const auto records =
            RecordLog::open(disk, {"batches.log", 1 << 20, checksum}, [](auto, auto) {
                return Status();
            }).value();
        Reader in({data, size});
        while (in.remaining() > 0) {
            const auto length = in.u<std::uint16_t>();
            if (!length.ok()) break;
            const auto record = in.raw(std::min<std::size_t>(*length, in.remaining()));
            ENSURE(records->append(*record).ok());
        }
        ENSURE(records->sync().ok());
    }
    const auto log = lane::BatchLog::open(disk);
    if (!log.ok()) return 0;
    const auto kept = (*log)->from([](const Address&) { return std::uint64_t{0}; });
    ENSURE(kept.ok());
    for (const auto& batch : *kept) {
        ENSURE((*log)->has(batch));
        const auto found = (*log)->get(batch);
        ENSURE(found.ok() && found->transactions.size() == batch.count);
        ENSURE(lane::Batch::decode((*log)->encoded(batch).value()).value().statement() == batch);
    }
    (*log)->all_needed_until(9);
    ENSURE((*log)->forget_below(10).ok());
    return 0;
}
