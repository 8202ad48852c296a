#include "train/blob.hpp"

#include <algorithm>
#include <string>

#include "crypto/hash.hpp"

namespace mutirao::train {

namespace {

constexpr std::uint16_t kVersion = 1;

Error broken(const std::string& reason) {
    return {ErrorKind::corrupt, "chunks of a blob: " + reason};
}

Digest chunk_hash(ByteSpan chunk) {
    return crypto::blake3_keyed(crypto::domain_key("training chunk"), chunk);
}

std::uint64_t chunks_of(std::uint64_t size) { return (size + kChunkBytes - 1) / kChunkBytes; }

}  // namespace

Digest ChunkList::id() const {
    return crypto::blake3_keyed(crypto::domain_key("training blob"), encode_chunk_list(*this));
}

ByteSpan chunk_of(ByteSpan blob, std::uint32_t index) {
    const std::size_t from = std::min(blob.size(), std::size_t{index} * kChunkBytes);
    return blob.subspan(from, std::min(kChunkBytes, blob.size() - from));
}

ChunkList chunk_list(ByteSpan blob) {
    ChunkList list{blob.size(), {}};
    const auto count = static_cast<std::uint32_t>(chunks_of(blob.size()));
    for (std::uint32_t i = 0; i < count; ++i) list.hashes.push_back(chunk_hash(chunk_of(blob, i)));
    return list;
}

Bytes encode_chunk_list(const ChunkList& list) {
    Writer writer;
    writer.u(kVersion).u(list.size);
    for (const auto& hash : list.hashes) writer.raw(hash.span());
    return std::move(writer).take();
}

Result<ChunkList> decode_chunk_list(ByteSpan bytes) {
    Reader reader(bytes);
    TRY(const auto version, reader.u<std::uint16_t>());
    if (version != kVersion) return broken("the version is not 1");
    ChunkList list;
    TRY(list.size, reader.u<std::uint64_t>());
    if (list.size > kBlobBytesMax || reader.remaining() != chunks_of(list.size) * Digest::kSize)
        return broken("their number does not fit the blob's size");
    while (reader.remaining() > 0) {
        TRY(const auto hash, reader.fixed<Digest>());
        list.hashes.push_back(hash);
    }
    return list;
}

void BlobFetch::add_holder(std::uint32_t holder) { holders_[holder].failures = 0; }

std::optional<BlobFetch::Ask> BlobFetch::next() {
    if (is_whole()) return std::nullopt;
    const Holder* best = nullptr;
    std::uint32_t name = 0;
    for (const auto& [candidate, holder] : holders_) {
        if (holder.is_bad || holder.failures >= kFailuresMax || holder.under_way >= kAsksEach)
            continue;
        if (best && best->under_way <= holder.under_way) continue;
        best = &holder;
        name = candidate;
    }
    if (!best) return std::nullopt;
    Ask ask{name, {}};
    if (!list_) {
        if (list_asked_) return std::nullopt;
        list_asked_ = true;
    } else {
        const auto chunk = std::ranges::find(chunks_, State::missing);
        if (chunk == chunks_.end()) return std::nullopt;
        *chunk = State::asked;
        ask.chunk = static_cast<std::uint32_t>(chunk - chunks_.begin());
    }
    ++holders_.at(name).under_way;
    return ask;
}

// Answers may be to asks of an earlier fetch of the same blob.
BlobFetch::Holder& BlobFetch::answered(const Ask& ask) {
    auto& holder = holders_[ask.holder];
    if (holder.under_way > 0) --holder.under_way;
    return holder;
}

void BlobFetch::failed(const Ask& ask) {
    auto& holder = answered(ask);
    ++holder.failures;
    if (!ask.chunk)
        list_asked_ = false;
    else if (*ask.chunk < chunks_.size() && chunks_[*ask.chunk] == State::asked)
        chunks_[*ask.chunk] = State::missing;
}

Status BlobFetch::got_list(ByteSpan bytes) {
    TRY(auto list, decode_chunk_list(bytes));
    if (list.id() != id_) return broken("the list is of another blob");
    chunks_.assign(list.hashes.size(), State::missing);
    missing_ = list.hashes.size();
    bytes_.resize(list.size);
    list_ = std::move(list);
    return {};
}

Status BlobFetch::offer(std::optional<std::uint32_t> chunk, ByteSpan bytes) {
    if (!chunk) return list_ ? Status() : got_list(bytes);
    if (!list_ || *chunk >= chunks_.size()) return broken("there is no such chunk");
    if (chunks_[*chunk] == State::here) return {};
    const auto place = chunk_of(bytes_, *chunk);
    if (bytes.size() != place.size() || chunk_hash(bytes) != list_->hashes[*chunk])
        return broken("chunk " + std::to_string(*chunk) + " is not what its hash says");
    std::ranges::copy(bytes, bytes_.begin() + (place.data() - bytes_.data()));
    chunks_[*chunk] = State::here;
    --missing_;
    return {};
}

Status BlobFetch::got(const Ask& ask, ByteSpan bytes) {
    if (auto status = offer(ask.chunk, bytes); !status.ok()) {
        failed(ask);
        holders_.at(ask.holder).is_bad = true;
        return status;
    }
    answered(ask).failures = 0;
    return {};
}

void BlobFetch::ask_again() {
    list_asked_ = false;
    std::ranges::replace(chunks_, State::asked, State::missing);
}

bool BlobFetch::is_stuck() const {
    return !is_whole() && std::ranges::all_of(holders_, [](const auto& entry) {
        const auto& holder = entry.second;
        return holder.under_way == 0 && (holder.is_bad || holder.failures >= kFailuresMax);
    });
}

}  // namespace mutirao::train
