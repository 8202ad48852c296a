#include "hot/sealed_level.hpp"

#include <array>

#include "base/codec.hpp"
#include "crypto/hash.hpp"

namespace mutirao::hot {
namespace {

constexpr std::uint32_t kMagic = 0x31746f68;  // "hot1"
constexpr std::uint64_t kSealedSizeMax = kShardSizeMax + (1u << 16);
constexpr std::string_view kFolder = "hot";

std::string path_of(const ShardName& name) {
    return std::string(kFolder) + "/" + name.digest().hex();
}

Digest check_of(const ShardName& name, ByteSpan sealed) {
    const Digest key = name.digest();
    return crypto::blake3_keyed(crypto::Key{key.bytes}, sealed);
}

}  // namespace

Digest ShardName::digest() const {
    std::array<std::uint8_t, 64> both{};
    std::copy(object.bytes.begin(), object.bytes.end(), both.begin());
    std::copy(block.bytes.begin(), block.bytes.end(), both.begin() + 32);
    return crypto::blake3(both);
}

Bytes SealedFile::head(const ShardName& name, ByteSpan sealed) {
    Writer out;
    out.u(kMagic).u(std::uint64_t{sealed.size()}).raw(check_of(name, sealed).span());
    return std::move(out).take();
}

Result<ByteSpan> SealedFile::open(const ShardName& name, ByteSpan file) {
    Reader in(file);
    TRY(const auto magic, in.u<std::uint32_t>());
    TRY(const auto size, in.u<std::uint64_t>());
    TRY(const auto check, in.fixed<Digest>());
    const auto sealed = file.subspan(in.offset());
    if (magic != kMagic || size != sealed.size() || check != check_of(name, sealed))
        return Error{ErrorKind::corrupt,
                     "the disk gave other bytes of shard " + name.block.hex() + " than were put"};
    return sealed;
}

Result<std::unique_ptr<SealedLevel>> SealedLevel::open(Disk& disk, std::uint64_t bytes_max) {
    std::unique_ptr<SealedLevel> level(new SealedLevel(disk, bytes_max));
    TRY_VOID(level->load());
    return level;
}

Status SealedLevel::load() {
    TRY(const auto names, disk_.list(kFolder));
    for (const auto& name : names) {
        const auto path = std::string(kFolder) + "/" + name;
        TRY(const auto file, disk_.open(path));
        enter(path, file->size());
    }
    for (const auto& path : make_room(0)) TRY_VOID(disk_.remove(path));
    return {};
}

void SealedLevel::enter(const std::string& path, std::uint64_t size) {
    recent_.push_front(path);
    entries_[path] = {size, recent_.begin()};
    bytes_ += size;
}

std::list<std::string> SealedLevel::make_room(std::uint64_t size) {
    std::list<std::string> out;
    while (!recent_.empty() && bytes_ + size > bytes_max_) {
        const auto at = entries_.find(recent_.back());
        bytes_ -= at->second.size;
        out.splice(out.end(), recent_, at->second.recency);
        entries_.erase(at);
    }
    return out;
}

Result<Bytes> SealedLevel::get(const ShardName& name) {
    const auto path = path_of(name);
    {
        const std::lock_guard lock(mutex_);
        const auto at = entries_.find(path);
        if (at == entries_.end())
            return Error{ErrorKind::not_found, "shard " + name.block.hex() + " is not on disk"};
        recent_.splice(recent_.begin(), recent_, at->second.recency);
    }
    auto file = disk_.read_file(path, SealedFile::kHeadSize + kSealedSizeMax);
    auto sealed = file.ok() ? SealedFile::open(name, *file) : Result<ByteSpan>(file.error());
    if (!sealed.ok()) {
        forget(name);
        return std::move(sealed).error();
    }
    file->erase(file->begin(), file->begin() + SealedFile::kHeadSize);
    return file;
}

Status SealedLevel::put(const ShardName& name, ByteSpan sealed) {
    const auto path = path_of(name);
    const auto size = SealedFile::kHeadSize + sealed.size();
    if (size > bytes_max_ || sealed.size() > kSealedSizeMax) return {};
    std::list<std::string> leaving;
    {
        const std::lock_guard lock(mutex_);
        if (entries_.contains(path)) return {};
        leaving = make_room(size);
        enter(path, size);
    }
    for (const auto& old : leaving) TRY_VOID(disk_.remove(old));
    auto written = write(path, name, sealed);
    if (!written.ok()) forget(name);
    return written;
}

Status SealedLevel::write(const std::string& path, const ShardName& name, ByteSpan sealed) {
    TRY(const auto file, disk_.open(path));
    if (file->size() > 0) TRY_VOID(file->truncate(0));
    const auto head = SealedFile::head(name, sealed);
    const std::array<ByteSpan, 2> pieces{head, sealed};
    return file->append_pieces(pieces);
}

void SealedLevel::forget(const ShardName& name) {
    const auto path = path_of(name);
    {
        const std::lock_guard lock(mutex_);
        const auto at = entries_.find(path);
        if (at == entries_.end()) return;
        bytes_ -= at->second.size;
        recent_.erase(at->second.recency);
        entries_.erase(at);
    }
    // What cannot be removed is overwritten by the next put, or found again at the next start.
    static_cast<void>(disk_.remove(path));
}

std::uint64_t SealedLevel::bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
}

}  // namespace mutirao::hot
