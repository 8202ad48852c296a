#include "consensus/state_export.hpp"

#include <algorithm>

#include "base/codec.hpp"
#include "consensus/chain.hpp"
#include "crypto/hash.hpp"

namespace mutirao::consensus {
namespace {

constexpr std::string_view kMagic = "MUTSTATE";
constexpr std::uint16_t kVersion = 2;

std::size_t piece_count(std::uint64_t size) { return (size + kStatePiece - 1) / kStatePiece; }

Digest checksum(ByteSpan head, const std::vector<Digest>& pieces) {
    crypto::KeyedHasher hasher(crypto::domain_key("ledger export"));
    hasher.update(head);
    for (const auto& piece : pieces) hasher.update(piece.span());
    return hasher.digest();
}

// A head without what its checksum is over.
struct Head {
    StateIndex index;
    ByteSpan before_checksum;
    Digest checksum;
};

Result<Head> read_head(Reader& in, ByteSpan bytes) {
    const auto magic = in.raw(kMagic.size());
    if (!magic.ok() || as_text(*magic) != kMagic)
        return Error{ErrorKind::corrupt, "this is no exported state of a ledger"};
    TRY(auto version, in.u<std::uint16_t>());
    if (version != kVersion)
        return Error{ErrorKind::corrupt,
                     "the exported state has version " + std::to_string(version) +
                         " and this program reads version " + std::to_string(kVersion)};
    Head out;
    TRY(out.index.height, in.u<std::uint64_t>());
    TRY(out.index.last_hash, in.fixed<Digest>());
    TRY(out.index.size, in.u<std::uint64_t>());
    out.before_checksum = bytes.first(in.offset());
    TRY(out.checksum, in.fixed<Digest>());
    return out;
}

Error damaged() {
    return {ErrorKind::corrupt, "the exported state is damaged or cut short; copy it again"};
}

}  // namespace

void StateIndex::add(ByteSpan bytes) {
    ENSURE(size % kStatePiece == 0, "only the last piece is shorter");
    size += bytes.size();
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(kStatePiece, bytes.size())))
        pieces.push_back(crypto::blake3(bytes.first(std::min(kStatePiece, bytes.size()))));
}

bool StateIndex::matches(ByteSpan state) const {
    StateIndex other;
    other.add(state);
    return other.size == size && other.pieces == pieces;
}

Bytes StateIndex::encode_head() const {
    Writer out;
    out.raw(as_bytes(kMagic)).u(kVersion).u(height).raw(last_hash.span()).u(size);
    const auto sum = checksum(out.bytes(), pieces);
    return out.raw(sum.span()).bytes();
}

Bytes StateIndex::encode() const {
    auto out = encode_head();
    for (const auto& piece : pieces) out.insert(out.end(), piece.bytes.begin(), piece.bytes.end());
    return out;
}

Result<StateIndex> StateIndex::decode(ByteSpan bytes) {
    Reader in(bytes);
    TRY(auto head, read_head(in, bytes));
    auto& out = head.index;
    if (out.size > kStateMax || in.remaining() != piece_count(out.size) * Digest::kSize)
        return damaged();
    while (in.remaining() > 0) {
        TRY(const auto piece, in.fixed<Digest>());
        out.pieces.push_back(piece);
    }
    if (checksum(head.before_checksum, out.pieces) != head.checksum) return damaged();
    return out;
}

StateIndex StateExport::index() const {
    StateIndex out{height, last_hash, 0, {}};
    out.add(state);
    return out;
}

Bytes StateExport::encode() const {
    auto out = index().encode_head();
    out.insert(out.end(), state.begin(), state.end());
    return out;
}

Result<StateExport> StateExport::decode(ByteSpan bytes) {
    Reader in(bytes);
    TRY(auto head, read_head(in, bytes));
    const auto state = bytes.subspan(in.offset());
    if (head.index.size != state.size()) return damaged();
    StateIndex found;
    found.add(state);
    if (checksum(head.before_checksum, found.pieces) != head.checksum) return damaged();
    return StateExport{head.index.height, head.index.last_hash, to_bytes(state)};
}

Result<StateExport> export_state(Disk& disk, Application& application,
                                 const EngineOptions& options) {
    Chain chain(disk, application, options);
    TRY_VOID(chain.open());
    TRY_VOID(application.recall([&](const auto& each) { return chain.read_history(each); }));
    return StateExport{application.height(), chain.last_hash(), application.snapshot()};
}

Status import_state(Disk& disk, Application& application, const StateExport& state) {
    const EngineOptions options;
    Chain chain(disk, application, options);
    TRY_VOID(chain.open());
    TRY_VOID(application.restore(state.state));
    if (application.height() != state.height)
        return Error{ErrorKind::corrupt, "the exported state names block " +
                                             std::to_string(state.height) + " and is of block " +
                                             std::to_string(application.height())};
    return chain.begin_at(state, Origin::import);
}

}  // namespace mutirao::consensus
