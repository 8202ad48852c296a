#include "consensus/comet_snapshots.hpp"

#include <algorithm>

#include "base/codec.hpp"
#include "base/log.hpp"
#include "consensus/abci_wire.hpp"
#include "crypto/hash.hpp"

namespace mutirao::consensus {
namespace {

constexpr std::uint32_t kFormat = 1;

std::size_t chunks_of(const Bytes& bytes) {
    return (bytes.size() + kSnapshotChunk - 1) / kSnapshotChunk;
}

ByteSpan chunk_of(const Bytes& bytes, std::size_t index) {
    const auto at = index * kSnapshotChunk;
    return ByteSpan(bytes).subspan(at, std::min(kSnapshotChunk, bytes.size() - at));
}

template <class Outcome>
Bytes answer(Outcome outcome) {
    return WireWriter().number(1, static_cast<std::uint64_t>(outcome)).take();
}

}  // namespace

Bytes CometSnapshots::list() {
    auto stored = chain_.snapshot();
    if (!stored.ok()) return {};
    if (stored->height != prepared_height_) {
        prepared_ = to_bytes(stored->last_hash.span());
        prepared_.insert(prepared_.end(), stored->state.begin(), stored->state.end());
        prepared_height_ = stored->height;
    }
    const auto count = chunks_of(prepared_);
    if (count > kSnapshotChunksMax) return {};
    Writer hashes;
    for (std::size_t i = 0; i < count; ++i)
        hashes.raw(crypto::blake3(chunk_of(prepared_, i)).span());
    WireWriter snapshot;
    snapshot.number(1, prepared_height_).number(2, kFormat).number(3, count);
    snapshot.bytes(4, crypto::blake3(prepared_).span()).bytes(5, hashes.bytes());
    return WireWriter().element(1, snapshot.take()).take();
}

Result<Bytes> CometSnapshots::load(ByteSpan request) {
    std::uint64_t height = 0, format = 0, chunk = 0;
    TRY_VOID(each_field(request, [&](const WireField& field) {
        if (field.number == 1) height = field.value;
        if (field.number == 2) format = field.value;
        if (field.number == 3) chunk = field.value;
    }));
    // No piece is CometBFT's word for "not here any more".
    if (height != prepared_height_ || format != kFormat || chunk >= chunks_of(prepared_))
        return Bytes();
    return WireWriter().bytes(1, chunk_of(prepared_, chunk)).take();
}

OfferResult CometSnapshots::take_offer(ByteSpan snapshot, ByteSpan app_hash) {
    Incoming in;
    std::uint64_t format = 0, count = 0;
    ByteSpan hash, metadata;
    const auto read = each_field(snapshot, [&](const WireField& field) {
        if (field.number == 1) in.height = field.value;
        if (field.number == 2) format = field.value;
        if (field.number == 3) count = field.value;
        if (field.number == 4) hash = field.bytes;
        if (field.number == 5) metadata = field.bytes;
    });
    if (!read.ok()) return OfferResult::reject;
    if (format != kFormat) return OfferResult::reject_format;
    const auto state = Digest::from_bytes(app_hash);
    const auto whole = Digest::from_bytes(hash);
    if (!state.ok() || !whole.ok() || in.height == 0 || count == 0 || count > kSnapshotChunksMax ||
        metadata.size() != count * Digest::kSize)
        return OfferResult::reject;
    in.app_hash = *state;
    in.hash = *whole;
    for (std::size_t i = 0; i < count; ++i)
        in.chunk_hashes.push_back(
            Digest::from_bytes(metadata.subspan(i * Digest::kSize, Digest::kSize)).value());
    in.chunks.resize(count);
    in.missing = count;
    incoming_ = std::move(in);
    return OfferResult::accept;
}

Result<Bytes> CometSnapshots::offer(ByteSpan request) {
    if (application_.height() != 0) return answer(OfferResult::abort);
    ByteSpan snapshot, app_hash;
    TRY_VOID(each_field(request, [&](const WireField& field) {
        if (field.number == 1) snapshot = field.bytes;
        if (field.number == 2) app_hash = field.bytes;
    }));
    return answer(take_offer(snapshot, app_hash));
}

Result<Bytes> CometSnapshots::apply(ByteSpan request) {
    if (!incoming_) return answer(ApplyResult::abort);
    std::uint64_t index = 0;
    ByteSpan chunk, sender;
    TRY_VOID(each_field(request, [&](const WireField& field) {
        if (field.number == 1) index = field.value;
        if (field.number == 2) chunk = field.bytes;
        if (field.number == 3) sender = field.bytes;
    }));
    if (index >= incoming_->chunks.size()) return answer(ApplyResult::abort);
    if (crypto::blake3(chunk) != incoming_->chunk_hashes[index]) {
        WireWriter out;
        out.number(1, static_cast<std::uint64_t>(ApplyResult::retry));
        const std::uint8_t wanted[] = {
            static_cast<std::uint8_t>((index & 0x7f) | (index > 127 ? 0x80 : 0)),
            static_cast<std::uint8_t>(index >> 7)};
        out.bytes(2, ByteSpan(wanted).first(index > 127 ? 2 : 1));  // a packed list of one
        out.bytes(3, sender);
        return out.take();
    }
    auto& place = incoming_->chunks[index];
    if (place.empty()) --incoming_->missing;
    place = to_bytes(chunk);
    if (incoming_->missing > 0) return answer(ApplyResult::accept);
    const auto outcome = finish();
    incoming_.reset();
    return answer(outcome);
}

ApplyResult CometSnapshots::finish() {
    Bytes all;
    for (auto& chunk : incoming_->chunks) {
        all.insert(all.end(), chunk.begin(), chunk.end());
        chunk = {};
    }
    if (crypto::blake3(all) != incoming_->hash || all.size() < Digest::kSize)
        return ApplyResult::reject_snapshot;
    StoredSnapshot snapshot;
    snapshot.height = incoming_->height;
    snapshot.last_hash = Digest::from_bytes(ByteSpan(all).first(Digest::kSize)).value();
    snapshot.state.assign(all.begin() + Digest::kSize, all.end());
    const auto before = application_.snapshot();
    auto restored = application_.restore(snapshot.state);
    const bool good = restored.ok() && application_.height() == snapshot.height &&
                      application_.state_hash() == incoming_->app_hash;
    if (!good) {
        // What came in is forgotten; the next snapshot may be an honest one.
        return application_.restore(before).ok() ? ApplyResult::reject_snapshot
                                                 : ApplyResult::abort;
    }
    if (auto begun = chain_.begin_at(snapshot); !begun.ok()) {
        LOG_WARN("the snapshot was not stored: " + begun.error().message);
        return ApplyResult::abort;
    }
    return ApplyResult::accept;
}

}  // namespace mutirao::consensus
