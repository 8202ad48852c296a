#include "publish/catalogue.hpp"

#include "base/codec.hpp"
#include "crypto/hash.hpp"
#include "publish/owner_request.hpp"

namespace mutirao::publish {
namespace {

constexpr std::size_t kRecordMax = kManifestSizeMax + 4096;
constexpr std::size_t kFrame = 4 + Digest::kSize;  // length, checksum
enum class RecordKind : std::uint8_t { put = 1, remove = 2 };

Digest checksum(ByteSpan record) {
    return crypto::blake3_keyed(crypto::domain_key("catalogue"), record);
}

Bytes encode_remove(const Address& owner, const std::string& name) {
    Writer out;
    out.u(static_cast<std::uint8_t>(RecordKind::remove)).raw(owner.span()).text(name);
    return std::move(out).take();
}

Bytes encode_put(const CatalogueEntry& entry) {
    Writer out;
    out.u(static_cast<std::uint8_t>(RecordKind::put)).raw(entry.owner.span()).text(entry.name);
    out.u(entry.stored_unix_ms).blob(entry.manifest.encode());
    return std::move(out).take();
}

}  // namespace

Result<std::unique_ptr<Catalogue>> Catalogue::open(Disk& disk) {
    TRY(auto log, disk.open("catalogue.log"));
    std::unique_ptr<Catalogue> out(new Catalogue(std::move(log)));
    std::uint64_t offset = 0;
    const std::uint64_t end = out->log_->size();
    while (end - offset >= kFrame) {
        Bytes frame(kFrame);
        TRY_VOID(out->log_->read(offset, frame));
        Reader in(frame);
        TRY(auto size, in.u<std::uint32_t>());
        TRY(auto expected, in.fixed<Digest>());
        if (size > kRecordMax || size > end - offset - kFrame) break;
        Bytes record(size);
        TRY_VOID(out->log_->read(offset + kFrame, record));
        if (checksum(record) != expected) {
            if (offset + kFrame + size == end) break;
            return Error{ErrorKind::corrupt, "catalogue.log is damaged at byte " +
                                                 std::to_string(offset) +
                                                 "; restore it from a copy"};
        }
        TRY_VOID(out->apply(record));
        offset += kFrame + size;
    }
    if (offset != end) TRY_VOID(out->log_->truncate(offset));
    return out;
}

Status Catalogue::apply(ByteSpan record) {
    Reader in(record);
    TRY(auto kind, in.u<std::uint8_t>());
    TRY(auto owner, in.fixed<Address>());
    TRY(auto name, in.text(kNameSizeMax));
    if (kind == static_cast<std::uint8_t>(RecordKind::remove)) {
        entries_.erase({owner, name});
        return in.finish();
    }
    if (kind != static_cast<std::uint8_t>(RecordKind::put))
        return Error{ErrorKind::corrupt, "catalogue.log holds a record of an unknown kind"};
    CatalogueEntry entry;
    TRY(entry.stored_unix_ms, in.u<std::uint64_t>());
    TRY(auto manifest, in.blob(kManifestSizeMax));
    TRY(entry.manifest, Manifest::decode(manifest));
    TRY_VOID(in.finish());
    entry.owner = owner;
    entry.name = name;
    entry.content = entry.manifest.content();
    entries_[{owner, name}] = std::move(entry);
    return {};
}

Status Catalogue::append(std::span<const Bytes> records) {
    Writer out;
    for (const auto& record : records)
        out.u(static_cast<std::uint32_t>(record.size())).raw(checksum(record).span()).raw(record);
    const auto before = log_->size();
    auto status = log_->append(out.bytes());
    if (status.ok()) status = log_->sync();
    if (!status.ok()) {
        // Leave no half record behind: what is listed must be what is on disk.
        if (auto undone = log_->truncate(before); !undone.ok()) return undone;
        return status;
    }
    for (const auto& record : records) TRY_VOID(apply(record));
    return {};
}

Status Catalogue::put_all(std::span<const CatalogueEntry> entries) {
    std::vector<Bytes> records;
    records.reserve(entries.size());
    for (const auto& entry : entries) records.push_back(encode_put(entry));
    const std::lock_guard lock(mutex_);
    return append(records);
}

Status Catalogue::remove(const Address& owner, const std::string& name) {
    const std::lock_guard lock(mutex_);
    if (!entries_.contains({owner, name}))
        return Error{ErrorKind::not_found, "no object is called \"" + name + "\""};
    return append({{encode_remove(owner, name)}});
}

Result<CatalogueEntry> Catalogue::find(const Address& owner, const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find({owner, name});
    if (at == entries_.end())
        return Error{ErrorKind::not_found, "no object is called \"" + name + "\""};
    return at->second;
}

bool Catalogue::is_named(const Digest& content) const { return manifest(content).has_value(); }

std::optional<Manifest> Catalogue::manifest(const Digest& content) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, entry] : entries_)
        if (entry.content == content) return entry.manifest;
    return std::nullopt;
}

std::vector<CatalogueEntry> Catalogue::list(const std::optional<Address>& owner) const {
    const std::lock_guard lock(mutex_);
    std::vector<CatalogueEntry> out;
    for (const auto& [key, entry] : entries_)
        if (!owner || entry.owner == *owner) out.push_back(entry);
    return out;
}

}  // namespace mutirao::publish
