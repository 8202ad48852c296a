#include "consensus/chain.hpp"

#include "base/codec.hpp"
#include "base/log.hpp"
#include "crypto/hash.hpp"

namespace mutirao::consensus {
namespace {

constexpr std::size_t kSnapshotMax = std::size_t{4} << 30;
// Height and hash of the block before the log, and its Origin.
constexpr std::string_view kBaseFile = "blocks.base";
constexpr std::size_t kBaseSize = 8 + Digest::kSize + 1;

Digest snapshot_checksum(ByteSpan snapshot) {
    return crypto::blake3_keyed(crypto::domain_key("ledger snapshot"), snapshot);
}

Result<Bytes> read_snapshot(Disk& disk) {
    TRY(auto stored, disk.read_file(kSnapshotFile, kSnapshotMax));
    Reader in(stored);
    const auto expected = in.fixed<Digest>();
    const auto snapshot = ByteSpan(stored).subspan(in.offset());
    if (!expected.ok() || *expected != snapshot_checksum(snapshot))
        return Error{
            ErrorKind::corrupt,
            "the file \"snapshot\" is damaged; delete it, and the ledger replays blocks.log "
            "from the beginning"};
    return to_bytes(snapshot);
}

Status store_snapshot(Disk& disk, ByteSpan state) {
    Writer out;
    out.raw(snapshot_checksum(state).span()).raw(state);
    return disk.write_file_atomic(kSnapshotFile, out.bytes());
}

}  // namespace

void Chain::remember(const Block& block) {
    const auto bytes = block.encode().size();
    last_hash_ = block.hash();
    last_height_ = block.height;
    bytes_carried_ += bytes;
    facts_.push_back({block.height, block.time_ms,
                      static_cast<std::uint32_t>(block.transactions.size()), bytes, last_hash_});
    if (facts_.size() > kFactsKept) facts_.pop_front();
}

Status Chain::finalize(const Block& block) {
    if (block.state_before != application_.state_hash())
        return Error{ErrorKind::corrupt, "block " + std::to_string(block.height) +
                                             " builds on another state than this ledger has; its "
                                             "data folder mixes two histories"};
    auto finalized = application_.finalize(block.height, block.time_ms, block.transactions);
    if (!finalized.ok()) return std::move(finalized).error();
    at("after_finalize");
    return {};
}

Status Chain::replay(const Block& block) {
    const auto name = "block " + std::to_string(block.height);
    if (block.previous != last_hash_ || block.height != last_height_ + 1)
        return Error{ErrorKind::corrupt, name + " does not follow the one before"};
    // Later blocks name the hash of earlier ones, so a signature covers all that came before it.
    if (block.height >= snapshot_height_ &&
        !crypto::verify(options_.proposer.public_key(), block.hash().span(), block.signature))
        return Error{ErrorKind::corrupt, name + " is not signed by this ledger"};
    remember(block);
    // Blocks up to the snapshot are part of it.
    if (block.height > snapshot_height_) {
        TRY_VOID(finalize(block));
        TRY_VOID(application_.commit());
    }
    announce(block);
    return {};
}

Status Chain::restore() {
    TRY(auto exists, disk_.exists(kSnapshotFile));
    if (!exists) return {};
    TRY(auto snapshot, read_snapshot(disk_));
    TRY_VOID(application_.restore(snapshot));
    snapshot_height_ = application_.height();
    return {};
}

// A base without its snapshot was written just before the process died: it is none, and must not
// become one when there is a later snapshot.
Status Chain::read_base() {
    TRY(auto exists, disk_.exists(kBaseFile));
    if (!exists) return {};
    TRY(auto stored, disk_.read_file(kBaseFile, kBaseSize));
    Reader in(stored);
    TRY(auto height, in.u<std::uint64_t>());
    TRY(auto hash, in.fixed<Digest>());
    TRY(auto origin, in.u<std::uint8_t>());
    TRY_VOID(in.finish());
    if (snapshot_height_ < height) return disk_.remove(kBaseFile);
    set_base(height, hash, static_cast<Origin>(origin));
    return {};
}

void Chain::set_base(std::uint64_t height, const Digest& hash, Origin origin) {
    last_height_ = base_height_ = height;
    last_hash_ = base_hash_ = hash;
    origin_ = origin;
    if (application_.height() == height)
        facts_.push_back({height, application_.time_ms(), 0, 0, hash});
}

Status Chain::open() {
    TRY_VOID(restore());
    TRY_VOID(read_base());
    TRY(log_, BlockLog::open(disk_, [this](const Block& block) { return replay(block); }));
    if (last_height_ < snapshot_height_)
        return Error{ErrorKind::corrupt,
                     "blocks.log ends at block " + std::to_string(last_height_) +
                         " and the snapshot is of block " + std::to_string(snapshot_height_) +
                         "; restore both from one copy"};
    return {};
}

Block Chain::next(std::uint64_t time_ms, std::vector<Bytes> transactions) const {
    Block block;
    block.height = application_.height() + 1;
    block.time_ms = std::max(time_ms, application_.time_ms());
    block.previous = last_hash_;
    block.state_before = application_.state_hash();
    block.transactions = std::move(transactions);
    block.signature = options_.proposer.sign(block.hash().span());
    return block;
}

Status Chain::append(const Block& block) {
    at("block_before_append");
    TRY_VOID(log_->append(block));
    at("block_after_append");
    return {};
}

Status Chain::sync() {
    TRY_VOID(log_->sync());
    at("block_after_sync");
    return {};
}

void Chain::finished(const Block& block) {
    remember(block);
    announce(block);
    if (block.height - snapshot_height_ >= options_.snapshot_every) write_snapshot();
}

// The block is final already, so a snapshot that cannot be written is only tried again later.
void Chain::write_snapshot() {
    at("snapshot_before_write");
    if (auto written = store_snapshot(disk_, application_.snapshot()); !written.ok()) {
        LOG_WARN("the ledger's snapshot was not written: " + written.error().message);
        return;
    }
    snapshot_height_ = application_.height();
    at("snapshot_after_write");
}

Result<SnapshotPlace> Chain::snapshot() const {
    if (snapshot_height_ == 0) return Error{ErrorKind::not_found, "there is no snapshot yet"};
    if (snapshot_height_ == base_height_) return SnapshotPlace{base_height_, base_hash_};
    const auto found = blocks(snapshot_height_, 1);
    if (found.empty() || found.front().height != snapshot_height_)
        return Error{ErrorKind::not_found, "the snapshot's block is no longer remembered"};
    return SnapshotPlace{snapshot_height_, found.front().hash};
}

Status Chain::begin_at(const StateExport& state, Origin origin) {
    if (last_height_ != 0 || snapshot_height_ != 0)
        return Error{ErrorKind::already_exists, "this ledger has blocks already"};
    Writer base;
    base.u(state.height).raw(state.last_hash.span()).u(static_cast<std::uint8_t>(origin));
    TRY_VOID(disk_.write_file_atomic(kBaseFile, base.bytes()));
    TRY_VOID(store_snapshot(disk_, state.state));
    snapshot_height_ = state.height;
    set_base(state.height, state.last_hash, origin);
    return {};
}

std::vector<BlockFacts> Chain::blocks(std::uint64_t from, std::size_t limit) const {
    std::vector<BlockFacts> out;
    for (const auto& facts : facts_)
        if (facts.height >= from && out.size() < limit) out.push_back(facts);
    return out;
}

}  // namespace mutirao::consensus
