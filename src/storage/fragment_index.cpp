// The part of FragmentStore that opens segments, rebuilds the index from them and removes them.
#include <algorithm>
#include <charconv>

#include "base/codec.hpp"
#include "storage/fragment_store.hpp"

namespace mutirao::storage {
namespace {

constexpr std::string_view kFolder = "segments";
constexpr std::string_view kKeyPath = "segments/key";
constexpr std::string_view kReservePath = "segments/reserve";
constexpr std::uint64_t kReserveSize = 64 << 10;
constexpr std::string_view kSuffix = ".seg";
constexpr std::string_view kSidecarSuffix = ".idx";
constexpr std::size_t kSidecarSizeMax = 256u << 20;
constexpr std::size_t kDigits = 8;
constexpr std::uint32_t kSegmentNumberMax = (1u << 30) - 1;
constexpr std::uint64_t kSegmentFileSizeMax = ~std::uint32_t{0};

std::string path_of(std::uint32_t number, std::string_view suffix = kSuffix) {
    std::string digits = std::to_string(number);
    digits.insert(0, kDigits - std::min(kDigits, digits.size()), '0');
    return std::string(kFolder) + "/" + digits + std::string(suffix);
}

// The number in "00000001.seg"; nothing for any other name.
std::optional<std::uint32_t> number_in(std::string_view name) {
    if (!name.ends_with(kSuffix)) return std::nullopt;
    const auto digits = name.substr(0, name.size() - kSuffix.size());
    std::uint32_t number = 0;
    const auto* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, number);
    if (error != std::errc() || stop != end || number == 0 || number > kSegmentNumberMax)
        return std::nullopt;
    if (path_of(number).substr(kFolder.size() + 1) != name) return std::nullopt;
    return number;
}

// The key file is a segment header of number 0: a copy of what every segment begins with.
Result<crypto::Key> read_key(Disk& disk, std::string_view path) {
    TRY(auto file, disk.open(path));
    if (file->size() < kSegmentHeaderSize)
        return Error{ErrorKind::corrupt, std::string(path) + " is cut short"};
    Bytes header(kSegmentHeaderSize);
    TRY_VOID(file->read(0, header));
    return decode_segment_header(header);
}

}  // namespace

Result<std::unique_ptr<FragmentStore>> FragmentStore::open(Disk& disk, Random& random,
                                                           std::uint64_t segment_size_max) {
    TRY(auto names, disk.list(kFolder));
    std::vector<std::uint32_t> numbers;
    for (const auto& name : names)
        if (const auto number = number_in(name)) numbers.push_back(*number);
    std::sort(numbers.begin(), numbers.end());

    ENSURE(segment_size_max <= kShareSizeMax);
    std::unique_ptr<FragmentStore> store(new FragmentStore(disk, segment_size_max));
    TRY_VOID(store->load_key(random, numbers));
    TRY(store->has_reserve_, disk.exists(kReservePath));
    if (store->has_reserve_) TRY_VOID(disk.open(kReservePath));  // counts for a quota
    for (const auto number : numbers)
        TRY_VOID(store->load_segment(number, number == numbers.back()));
    store->trim_index();
    store->damaged_ = store->recovery_.damaged;
    store->remove_dead_segments();
    return store;
}

Status FragmentStore::load_key(Random& random, const std::vector<std::uint32_t>& numbers) {
    TRY(auto exists, disk_.exists(kKeyPath));
    if (exists) {
        auto key = read_key(disk_, kKeyPath);
        if (key.ok()) {
            key_ = *key;
            return {};
        }
        if (key.error().kind != ErrorKind::corrupt) return std::move(key).error();
    }
    bool known = numbers.empty();
    if (known) key_ = random.fixed<crypto::Key>();
    for (std::size_t i = 0; i < numbers.size() && !known; ++i) {
        auto key = read_key(disk_, path_of(numbers[i]));
        if (!key.ok() && key.error().kind != ErrorKind::corrupt) return std::move(key).error();
        known = key.ok();
        if (known) key_ = *key;
    }
    if (!known)
        return Error{ErrorKind::corrupt, std::string(kKeyPath) +
                                             " and the headers of all segments are damaged: their "
                                             "fragments cannot be told from garbage"};
    return disk_.write_file_atomic(kKeyPath, encode_segment_header(0, key_));
}

Status FragmentStore::load_segment(std::uint32_t number, bool last) {
    TRY(auto opened, disk_.open(path_of(number)));
    const std::uint64_t size = opened->size();
    if (size < kSegmentHeaderSize) {  // the power went while the segment was begun
        recovery_.torn_bytes += size;
        return disk_.remove(path_of(number));
    }
    if (size > kSegmentFileSizeMax)
        return Error{ErrorKind::corrupt, path_of(number) + " is larger than any segment; move it " +
                                             "out of the folder and start this node again"};
    auto& segment = segments_[number];
    segment.file = std::move(opened);
    if (!last) {
        TRY(const bool known, load_sidecar(number));
        if (known) return {};
    }
    unsynced_.insert(number);  // what a killed process appended may not be on the disk yet
    TRY(auto scan,
        scan_segment(*segment.file, key_, [&](std::uint64_t offset, const RecordHeader& header) {
            segment.records.push_back({offset, header});
            enter(header, Place(offset, number, header));
        }));
    segment.size = scan.end;
    recovery_.records += scan.records;
    recovery_.damaged += scan.damaged;
    if (scan.end < size) {
        recovery_.torn_bytes += size - scan.end;
        if (!segment.file->truncate(scan.end).ok()) segment.closed = true;
    }
    return {};
}

// Enters a segment's records as its sidecar lists them. False when there is no good one.
Result<bool> FragmentStore::load_sidecar(std::uint32_t number) {
    const auto path = path_of(number, kSidecarSuffix);
    TRY(const bool exists, disk_.exists(path));
    if (!exists) return false;
    auto bytes = disk_.read_file(path, kSidecarSizeMax);
    if (!bytes.ok()) return false;
    const auto sidecar = Sidecar::decode(*bytes, key_);
    auto& segment = segments_.at(number);
    if (!sidecar.ok() || sidecar->segment != number ||
        sidecar->segment_size != segment.file->size())
        return false;
    segment.size = sidecar->segment_size;
    segment.has_sidecar = true;
    for (const auto& [offset, header] : sidecar->records)
        enter(header, Place(offset, number, header));
    recovery_.records += sidecar->records.size();
    return true;
}

// For the synced segments that take no more records. What cannot be written now is written after a
// later opening.
void FragmentStore::write_sidecars() {
    std::vector<Sidecar> sidecars;
    {
        const std::lock_guard lock(mutex_);
        for (auto& [number, segment] : segments_) {
            if (segment.has_sidecar || unsynced_.contains(number) ||
                number == segments_.rbegin()->first)
                continue;
            segment.has_sidecar = true;
            sidecars.push_back({number, segment.size, std::move(segment.records)});
            segment.records = {};
        }
    }
    // A segment may be gone by now: its sidecar then means nothing.
    for (const auto& sidecar : sidecars)
        static_cast<void>(
            disk_.write_file_atomic(path_of(sidecar.segment, kSidecarSuffix), sidecar.encode(key_))
                .ok());
}

// A file that is there to be removed when a drop finds the disk full.
Status FragmentStore::keep_reserve() {
    if (has_reserve_) return {};
    const Bytes zeros(std::min(kReserveSize, segment_size_max_));
    TRY_VOID(disk_.write_file_atomic(kReservePath, zeros));
    has_reserve_ = true;
    return {};
}

bool FragmentStore::give_up_reserve() {
    if (!has_reserve_ || !disk_.remove(kReservePath).ok()) return false;
    has_reserve_ = false;
    return true;
}

void FragmentStore::remove_sidecar(std::uint32_t number) {
    static_cast<void>(disk_.remove(path_of(number, kSidecarSuffix)).ok());
}

Result<std::uint32_t> FragmentStore::segment_with_room(std::uint64_t record_size) {
    std::uint32_t number = 1;
    if (!segments_.empty()) {
        const auto& [last_number, last] = *segments_.rbegin();
        const bool empty = last.size == kSegmentHeaderSize;
        if (!last.closed && (empty || last.size + record_size <= segment_size_max_))
            return last_number;
        number = last_number + 1;
    }
    const auto path = path_of(number);
    TRY(auto file, disk_.open(path));
    // An earlier attempt may have left a part of its header.
    if (file->size() != 0) TRY_VOID(file->truncate(0));
    const auto header = encode_segment_header(number, key_);
    if (auto status = file->append(header); !status.ok()) {
        static_cast<void>(disk_.remove(path).ok());  // a leftover is cut off by the next attempt
        return std::move(status).error();
    }
    auto& segment = segments_[number];
    segment.file = std::move(file);
    segment.size = header.size();
    return number;
}

void FragmentStore::enter(const RecordHeader& header, const Place& place) {
    if (header.kind == RecordKind::drop) return erase_block(header.block, place.segment);
    auto& block = blocks_[header.block];
    const auto in = std::lower_bound(block.segments.begin(), block.segments.end(), place.segment);
    if (in == block.segments.end() || *in != place.segment)
        block.segments.insert(in, place.segment);
    if (auto* const before = place_of(header.kind, header.block, header.slot)) {
        // Written again because the first was lost or moved. The first one counts where it was
        // looked at; what only a sidecar says of it may be out of date.
        if (!segments_.at(before->segment).has_sidecar) return;
        release(*before);
        *before = place;
        return hold(place);
    }
    if (header.kind == RecordKind::statement) {
        block.statement = place;
    } else {
        const auto at =
            std::lower_bound(block.slots.begin(), block.slots.end(), place.slot,
                             [](const Place& p, std::uint32_t slot) { return p.slot < slot; });
        block.slots.insert(at, place);
        ++slot_count_;
    }
    hold(place);
}

// Records are entered one by one when opening, which leaves half of some tables unused.
void FragmentStore::trim_index() {
    for (auto& [id, block] : blocks_) {
        block.slots.shrink_to_fit();
        block.segments.shrink_to_fit();
    }
}

void FragmentStore::erase_block(const BlockId& id, std::uint32_t drop_segment) {
    const auto at = blocks_.find(id);
    if (at == blocks_.end()) return;
    auto& block = at->second;
    if (block.statement) release(*block.statement);
    for (const auto& place : block.slots) release(place);
    slot_count_ -= block.slots.size();
    segments_.at(drop_segment).drops[id].insert(block.segments.begin(), block.segments.end());
    blocks_.erase(at);
}

void FragmentStore::hold(const Place& place) {
    auto& segment = segments_.at(place.segment);
    ++segment.living;
    segment.living_bytes += kRecordHeaderSize + place.payload_size + kCheckSize;
    bytes_stored_ += place.payload_size;
}

void FragmentStore::release(const Place& place) {
    auto& segment = segments_.at(place.segment);
    --segment.living;
    segment.living_bytes -= kRecordHeaderSize + place.payload_size + kCheckSize;
    bytes_stored_ -= place.payload_size;
}

bool FragmentStore::keeps_others_dead(std::uint32_t segment,
                                      const std::set<std::uint32_t>& keeps_dead) const {
    return std::any_of(keeps_dead.begin(), keeps_dead.end(), [&](std::uint32_t other) {
        return other != segment && segments_.contains(other);
    });
}

bool FragmentStore::keeps_others_dead(std::uint32_t segment) const {
    const auto& drops = segments_.at(segment).drops;
    return std::any_of(drops.begin(), drops.end(),
                       [&](const auto& drop) { return keeps_others_dead(segment, drop.second); });
}

bool FragmentStore::lives(const BlockId& block) const {
    const auto at = blocks_.find(block);
    return at != blocks_.end() && !at->second.empty();
}

// A drop record must outlast the records that it keeps dead, or reading the segments again would
// bring them back. The last segment stays, so that no number is used twice.
void FragmentStore::remove_dead_segments() {
    const auto dead = [&](std::uint32_t number, const Segment& segment) {
        if (segment.living > 0 || segment.needs_syncs > syncs_ended_ ||
            number == segments_.rbegin()->first)
            return false;
        return !keeps_others_dead(number);
    };
    // Ascending, as a drop record only ever keeps records of earlier segments dead.
    for (auto at = segments_.begin(); at != segments_.end();) {
        if (dead(at->first, at->second) && disk_.remove(path_of(at->first)).ok()) {
            // Without its segment a sidecar means nothing; one that stays is written over.
            remove_sidecar(at->first);
            unsynced_.erase(at->first);
            at = segments_.erase(at);
        } else {
            ++at;
        }
    }
}

}  // namespace mutirao::storage
