#include "rights/share_log.hpp"

#include <algorithm>

#include "base/codec.hpp"
#include "base/log.hpp"
#include "crypto/account.hpp"
#include "crypto/hash.hpp"

namespace mutirao::rights {
namespace {

constexpr std::string_view kPath = "keys/shares.log";
constexpr std::string_view kMagic = "MKEY";
constexpr std::size_t kHeadSize = 4 + 4 + 1 + Digest::kSize;
constexpr std::size_t kRecordMax = kHeadSize + kManifestSizeMax + 4096 + Digest::kSize;
constexpr std::uint64_t kLogMax = std::uint64_t{2} << 30;
// A log this small is written anew with every share that is forgotten.
constexpr std::uint64_t kSmall = 1 << 20;

enum class Kind : std::uint8_t { kept = 1, forgotten = 2 };

Digest check_of(ByteSpan bytes) {
    return crypto::blake3_keyed(crypto::domain_key("kept share"), bytes);
}

Bytes encode_record(Kind kind, const Digest& content, ByteSpan share) {
    Writer out;
    const auto rest = 1 + Digest::kSize + share.size() + Digest::kSize;
    out.raw(as_bytes(kMagic)).u(static_cast<std::uint32_t>(rest));
    out.u(static_cast<std::uint8_t>(kind)).raw(content.span()).raw(share);
    const auto check = check_of(out.bytes());
    out.raw(check.span());
    return std::move(out).take();
}

// The record that `bytes` begins with, if it is whole and undamaged.
std::optional<ByteSpan> record_in(ByteSpan bytes) {
    if (bytes.size() < kHeadSize + Digest::kSize || !as_text(bytes).starts_with(kMagic))
        return std::nullopt;
    Reader in(bytes.subspan(kMagic.size()));
    const std::size_t size = kMagic.size() + 4 + in.u<std::uint32_t>().value();
    if (size > kRecordMax || size > bytes.size() || size < kHeadSize + Digest::kSize)
        return std::nullopt;
    const auto record = bytes.first(size);
    const auto check = check_of(record.first(size - Digest::kSize));
    const bool holds =
        std::equal(check.bytes.begin(), check.bytes.end(), record.end() - Digest::kSize);
    return holds ? std::optional(record) : std::nullopt;
}

Kind kind_of(ByteSpan record) { return static_cast<Kind>(record[kMagic.size() + 4]); }
Digest content_of(ByteSpan record) {
    return Digest::from_bytes(record.subspan(kMagic.size() + 5, Digest::kSize)).value();
}
ByteSpan share_of(ByteSpan record) {
    return record.subspan(kHeadSize, record.size() - kHeadSize - Digest::kSize);
}

}  // namespace

Result<std::unique_ptr<ShareLog>> ShareLog::open(Disk& disk) {
    std::unique_ptr<ShareLog> log(new ShareLog(disk));
    TRY_VOID(log->load());
    return log;
}

Status ShareLog::load() {
    TRY(file_, disk_.open(kPath));
    if (file_->size() > kLogMax)
        return Error{ErrorKind::resource_exhausted, "the log of key shares is over 2 GiB"};
    Bytes all(static_cast<std::size_t>(file_->size()));
    TRY_VOID(file_->read(0, all));
    std::uint64_t damaged = 0;
    std::size_t at = 0, end = 0;
    while (at < all.size()) {
        const auto record = record_in(ByteSpan(all).subspan(at));
        if (!record) {
            // Whatever is between here and the next good record belongs to a damaged one.
            const auto next = as_text(all).find(kMagic, at + 1);
            at = next == std::string_view::npos ? all.size() : next;
            continue;
        }
        damaged += at != end;
        const auto content = content_of(*record);
        const auto known = places_.find(content);
        if (known != places_.end()) {
            dead_ += known->second.size;
            places_.erase(known);
        }
        const auto size = static_cast<std::uint32_t>(record->size());
        if (kind_of(*record) == Kind::kept)
            places_[content] = {at, size};
        else
            dead_ += size;
        at += record->size();
        end = at;
    }
    size_ = end;  // the next record cuts off a torn end
    if (damaged > 0)
        LOG_WARN("the log of key shares has " + std::to_string(damaged) + " damaged records");
    return {};
}

Result<Bytes> ShareLog::record_at(const Place& place) const {
    Bytes record(place.size);
    TRY_VOID(file_->read(place.offset, record));
    return record;
}

Result<KeptShare> ShareLog::find(const Digest& content) const {
    const std::lock_guard lock(mutex_);
    const auto at = places_.find(content);
    if (at == places_.end())
        return Error{ErrorKind::not_found,
                     "no key share of content " + content.hex() + " is kept here"};
    TRY(auto record, record_at(at->second));
    const auto whole = record_in(record);
    if (!whole || whole->size() != record.size() || content_of(record) != content)
        return Error{ErrorKind::corrupt, "the key share of content " + content.hex() +
                                             " is damaged on this keeper's disk"};
    return KeptShare::decode(share_of(record));
}

Status ShareLog::append(ByteSpan record) {
    // What an earlier failure or a power cut left behind.
    if (file_->size() != size_) TRY_VOID(file_->truncate(size_));
    auto written = file_->append(record);
    if (!written.ok()) {
        static_cast<void>(file_->truncate(size_).ok());  // else the next one tries again
        return std::move(written).error().within("the key share was not kept");
    }
    size_ += record.size();
    return {};
}

Status ShareLog::sync() {
    return syncs_.run([this] {
        std::shared_ptr<File> file;
        {
            const std::lock_guard lock(mutex_);
            file = file_;
        }
        return file->sync();
    });
}

Status ShareLog::keep_all(std::span<const KeptShare> shares) {
    for (const auto& share : shares) TRY_VOID(enter(share));
    return sync();
}

// Appends the share unless it is there; nothing is durable yet.
Status ShareLog::enter(const KeptShare& share) {
    const auto known = find(share.content);
    if (known.ok() && *known != share)
        return Error{ErrorKind::already_exists,
                     "another key share of content " + share.content.hex() +
                         " is kept here already, for " + crypto::to_checksum_text(known->owner)};
    // One that is known may be known for a moment only: it is synced with the others.
    if (known.ok()) return {};
    const auto kind = known.error().kind;
    if (kind != ErrorKind::not_found && kind != ErrorKind::corrupt) return Error(known.error());
    const auto record = encode_record(Kind::kept, share.content, share.encode());
    const std::lock_guard lock(mutex_);
    const auto there = places_.find(share.content);
    if (there != places_.end() && kind == ErrorKind::not_found)
        return Error{ErrorKind::unavailable, "this content is being kept right now; try again"};
    const auto offset = size_;
    TRY_VOID(append(record));
    if (there != places_.end()) dead_ += there->second.size;
    places_[share.content] = {offset, static_cast<std::uint32_t>(record.size())};
    return {};
}

Status ShareLog::forget(const Digest& content) {
    const auto record = encode_record(Kind::forgotten, content, {});
    {
        const std::lock_guard lock(mutex_);
        const auto at = places_.find(content);
        if (at == places_.end())
            return Error{ErrorKind::not_found,
                         "no key share of content " + content.hex() + " is kept here"};
        TRY_VOID(append(record));
        dead_ += at->second.size + record.size();
        places_.erase(at);
    }
    TRY_VOID(sync());
    const std::lock_guard lock(mutex_);
    if (size_ <= kSmall || 2 * dead_ >= size_) return write_anew();
    return {};
}

// Only what is kept, in a new file that takes the old one's place.
Status ShareLog::write_anew() {
    Bytes all;
    std::map<Digest, Place> places;
    for (const auto& [content, place] : places_) {
        TRY(const auto record, record_at(place));
        places[content] = {all.size(), place.size};
        all.insert(all.end(), record.begin(), record.end());
    }
    TRY_VOID(disk_.write_file_atomic(kPath, all));
    TRY(file_, disk_.open(kPath));
    size_ = all.size();
    dead_ = 0;
    places_ = std::move(places);
    return {};
}

}  // namespace mutirao::rights
