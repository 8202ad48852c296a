#include "node/kept_chunks.hpp"

#include "base/log.hpp"

namespace mutirao::node {
namespace {

constexpr std::uint32_t kList = 0xffffffff;
constexpr std::size_t kRecordMax = 64 << 20;  // a list of two million chunks
constexpr std::string_view kPrefix = "part-";

Status append(File& file, std::uint32_t index, ByteSpan bytes) {
    Writer writer;
    writer.u(index).blob(bytes);
    return file.append(writer.bytes());
}

// The record at `offset`, and where the next one is; an error where the file is torn.
Result<std::pair<std::uint32_t, Bytes>> record_at(const File& file, std::uint64_t& offset) {
    constexpr std::size_t kHead = 2 * sizeof(std::uint32_t);
    Bytes head(kHead);
    TRY_VOID(file.read(offset, head));
    Reader reader(head);
    TRY(const auto index, reader.u<std::uint32_t>());
    TRY(const auto size, reader.u<std::uint32_t>());
    if (size > kRecordMax || size > file.size() - offset - kHead)
        return Error{ErrorKind::corrupt, "the file was cut off"};
    Bytes bytes(size);
    TRY_VOID(file.read(offset + kHead, bytes));
    offset += kHead + size;
    return std::pair(index, std::move(bytes));
}

}  // namespace

Status KeptChunks::take_up(const Digest& id, train::BlobFetch& fetch) {
    TRY(const auto exists, disk_.exists(path(id)));
    if (!exists) return {};
    TRY(auto file, disk_.open(path(id)));
    std::uint64_t whole = 0;
    for (auto at = whole; at < file->size(); whole = at) {
        const auto record = record_at(*file, at);
        if (!record.ok()) break;
        const auto& [index, bytes] = *record;
        const auto chunk = index == kList ? std::nullopt : std::optional(index);
        if (auto status = fetch.offer(chunk, bytes); !status.ok())
            LOG_WARN(path(id) + ": " + status.error().message);
    }
    if (whole == 0) return drop(id);
    if (whole < file->size()) TRY_VOID(file->truncate(whole));
    open_[id] = std::move(file);
    return {};
}

Status KeptChunks::keep(const Digest& id, const train::BlobFetch& fetch, std::uint32_t chunk,
                        ByteSpan bytes) {
    if (fetch.list().hashes.size() < kChunksKeptFrom) return {};
    auto& file = open_[id];
    if (!file) {
        TRY(file, disk_.open(path(id)));
        TRY_VOID(append(*file, kList, train::encode_chunk_list(fetch.list())));
    }
    return append(*file, chunk, bytes);
}

Status KeptChunks::drop(const Digest& id) {
    open_.erase(id);
    TRY(const auto exists, disk_.exists(path(id)));
    return exists ? disk_.remove(path(id)) : Status();
}

Status KeptChunks::drop_all_but(const std::set<Digest>& wanted) {
    TRY(const auto names, disk_.list(folder_));
    for (const auto& name : names) {
        if (!name.starts_with(kPrefix)) continue;
        const auto id = Digest::from_hex(name.substr(kPrefix.size()));
        if (id.ok() && !wanted.contains(*id)) TRY_VOID(drop(*id));
    }
    return {};
}

}  // namespace mutirao::node
