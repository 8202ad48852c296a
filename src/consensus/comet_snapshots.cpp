#include "consensus/comet_snapshots.hpp"

#include <algorithm>

#include "base/codec.hpp"
#include "base/log.hpp"
#include "consensus/abci_wire.hpp"
#include "crypto/hash.hpp"

namespace mutirao::consensus {
namespace {

constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kOfferedMax = 2;

template <class Outcome>
Bytes answer(Outcome outcome) {
    return WireWriter().number(1, static_cast<std::uint64_t>(outcome)).take();
}

}  // namespace

Result<Bytes> CometSnapshots::Offered::chunk(std::size_t number) const {
    if (number == 0) return head;
    const auto at = (number - 1) * kStatePiece;
    Bytes out(std::min<std::uint64_t>(kStatePiece, index.size - at));
    TRY_VOID(file->read(at, out));
    return out;
}

Status CometSnapshots::prepare() {
    TRY(auto index, chain_.snapshot());
    if (!offered_.empty() && offered_.back().index.height == index.height) return {};
    Offered next;
    next.index = std::move(index);
    TRY(next.file, disk_.open(snapshot_state_file(next.index.height)));
    if (next.file->size() != next.index.size)
        return Error{ErrorKind::corrupt, "the snapshot's state has another size than it should"};
    if (next.chunks() > kSnapshotChunksMax)
        return Error{ErrorKind::resource_exhausted, "the state is too large for state sync"};
    next.head = next.index.encode_head();
    next.hashes.raw(crypto::blake3(next.head).span());
    for (const auto& piece : next.index.pieces) next.hashes.raw(piece.span());
    offered_.push_back(std::move(next));
    if (offered_.size() > kOfferedMax) offered_.pop_front();
    return {};
}

Bytes CometSnapshots::list() {
    if (auto ready = prepare(); !ready.ok() && ready.error().kind != ErrorKind::not_found)
        LOG_WARN("no snapshot can be offered: " + ready.error().message);
    WireWriter out;
    for (const auto& one : offered_) {
        WireWriter snapshot;
        snapshot.number(1, one.index.height).number(2, kFormat).number(3, one.chunks());
        snapshot.bytes(4, crypto::blake3(one.hashes.bytes()).span()).bytes(5, one.hashes.bytes());
        out.element(1, snapshot.take());
    }
    return out.take();
}

Result<Bytes> CometSnapshots::load(ByteSpan request) {
    std::uint64_t height = 0, format = 0, chunk = 0;
    TRY_VOID(each_field(request, [&](const WireField& field) {
        if (field.number == 1) height = field.value;
        if (field.number == 2) format = field.value;
        if (field.number == 3) chunk = field.value;
    }));
    const auto found = std::find_if(offered_.begin(), offered_.end(),
                                    [&](const Offered& one) { return one.index.height == height; });
    // No piece is CometBFT's word for "not here any more".
    if (found == offered_.end() || format != kFormat || chunk >= found->chunks()) return Bytes();
    TRY(auto bytes, found->chunk(chunk));
    return WireWriter().bytes(1, bytes).take();
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
        metadata.size() != count * Digest::kSize || crypto::blake3(metadata) != *whole)
        return OfferResult::reject;
    in.app_hash = *state;
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
    // No piece is empty: an empty place is one that is missing.
    if (chunk.empty() || crypto::blake3(chunk) != incoming_->chunk_hashes[index]) {
        WireWriter out;
        out.number(1, static_cast<std::uint64_t>(ApplyResult::retry));
        Bytes wanted;  // a packed list of one
        append_varint(wanted, index);
        out.bytes(2, wanted);
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
    const auto state = StateExport::decode(all);
    if (!state.ok() || state->height != incoming_->height) return ApplyResult::reject_snapshot;
    const auto before = application_.snapshot();
    auto restored = application_.restore(state->state);
    const bool good = restored.ok() && application_.height() == state->height &&
                      application_.state_hash() == incoming_->app_hash;
    if (!good) {
        // What came in is forgotten; the next snapshot may be an honest one.
        return application_.restore(before).ok() ? ApplyResult::reject_snapshot
                                                 : ApplyResult::abort;
    }
    if (auto begun = chain_.begin_at(*state, Origin::state_sync); !begun.ok()) {
        LOG_WARN("the snapshot was not stored: " + begun.error().message);
        return ApplyResult::abort;
    }
    return ApplyResult::accept;
}

}  // namespace mutirao::consensus
