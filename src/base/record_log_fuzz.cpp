// Files of a log, damaged as the input says: opening gives records that were written, in their
// order, or a sentence; what is appended then is found after them.
#include <algorithm>

#include "base/codec.hpp"
#include "base/ensure.hpp"
#include "base/memory_disk.hpp"
#include "base/record_log.hpp"
#include "base/test_record_log.hpp"

namespace {

using namespace mutirao;

constexpr std::size_t kRecordMax = 64;
const char* const kName = "things.log";

struct Opened {
    std::vector<Bytes> records;
    std::unique_ptr<RecordLog> log;  // null when it is refused
};
Opened open(Disk& disk, bool cut_damage) {
    Opened out;
    auto log = RecordLog::open(disk, {kName, kRecordMax, test_checksum, 200, cut_damage},
                               [&](ByteSpan record, auto) {
                                   out.records.push_back(to_bytes(record));
                                   return Status();
                               });
    ENSURE(log.ok() || log.error().kind == ErrorKind::corrupt, "another error than damage");
    if (log.ok()) out.log = std::move(*log);
    return out;
}

// How many records, how long each is, and then where to flip, cut and add.
Status damage_and_open(Reader in) {
    TRY(const auto flags, in.u<std::uint8_t>());
    TRY(const auto count, in.u<std::uint8_t>());
    MemoryDisk disk;
    std::vector<Bytes> written;
    {
        const auto log = open(disk, false).log;
        for (unsigned i = 0; i < count % 8u; ++i) {
            TRY(const auto size, in.u<std::uint8_t>());
            written.emplace_back(size % (kRecordMax + 1), static_cast<std::uint8_t>(i));
            ENSURE(log->append(written.back()).ok() && log->sync().ok());
        }
    }
    while (in.remaining() > 0) {
        TRY(const auto what, in.u<std::uint8_t>());
        TRY(const auto where, in.u<std::uint16_t>());
        const auto names = disk.list("").value();
        const auto& name = names[what / 4u % names.size()];
        auto bytes = disk.read_file(name, 1 << 20).value();
        if (what % 4 == 0 && !bytes.empty()) bytes[where % bytes.size()] ^= 1u << what % 8;
        if (what % 4 == 1) bytes.resize(where % (bytes.size() + 1));
        if (what % 4 == 2) bytes.insert(bytes.end(), where % 512, what);
        ENSURE(disk.write_file_atomic(name, bytes).ok());
        if (what % 4 == 3 && where % 8 == 0) ENSURE(disk.remove(name).ok());
        if (disk.list("").value().empty()) return {};
    }
    const bool cut_damage = flags % 2 == 1;
    auto found = open(disk, cut_damage);
    // Whole records that are gone are for whoever knows what follows what.
    auto next = written.begin();
    for (const auto& record : found.records) {
        next = std::find(next, written.end(), record);
        ENSURE(next++ != written.end(), "a record that nobody wrote");
    }
    if (!found.log) return {};
    const Bytes more(9, 0xee);
    ENSURE(found.log->append(more).ok() && found.log->sync().ok());
    found.log.reset();
    auto again = open(disk, cut_damage);
    found.records.push_back(more);
    ENSURE(again.log && again.records == found.records, "the log does not go on");
    return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    (void)damage_and_open(Reader({data, size}));
    return 0;
}
