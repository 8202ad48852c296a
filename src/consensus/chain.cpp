#include "consensus/chain.hpp"

#include "base/codec.hpp"
#include "base/log.hpp"
#include "crypto/hash.hpp"

namespace mutirao::consensus {
namespace {

// Height and hash of the block before the log, and its Origin.
constexpr std::string_view kBaseFile = "blocks.base";
constexpr std::size_t kBaseSize = 8 + Digest::kSize + 1;

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

Result<Digest> Chain::finalize(const Block& block) {
    if (block.state_before != application_.state_hash())
        return Error{ErrorKind::corrupt, "block " + std::to_string(block.height) +
                                             " builds on another state than this ledger has; its "
                                             "data folder mixes two histories"};
    TRY(const auto hash, application_.finalize(block.height, block.time_ms, block.transactions));
    at("after_finalize");
    return hash;
}

// The snapshot has what they did, and the block that follows them names the last of them.
Status Chain::begin_after_forgotten(const Block& first) {
    const auto before = first.height - 1;
    if (before > snapshot_height())
        return Error{ErrorKind::corrupt,
                     "blocks.log begins with block " + std::to_string(first.height) +
                         " and the snapshot " +
                         (snapshot_height() == 0 ? "is missing" : "is of an earlier one") +
                         "; restore both from one copy"};
    last_height_ = before;
    last_hash_ = first.previous;
    return {};
}

// Blocks up to the snapshot are part of it.
void Chain::believe(const Block& block, ByteSpan findings) const {
    if (block.height <= snapshot_height()) return;
    const std::vector<ByteSpan> transactions(block.transactions.begin(), block.transactions.end());
    application_.believe(transactions, findings);
}

Status Chain::read_ahead(Block block, ByteSpan findings) {
    Status done;
    run_parallel(options_.threads, 2, [&](unsigned, std::size_t which) {
        if (which == 0)
            done = replay_read();
        else
            believe(block, findings);
    });
    read_ = std::move(block);
    return done;
}

Status Chain::replay_read() {
    if (!read_) return {};
    const auto block = std::exchange(read_, std::nullopt);
    return replay(*block);
}

Status Chain::replay(const Block& block) {
    const auto name = "block " + std::to_string(block.height);
    if (facts_.empty() && block.height > last_height_ + 1) TRY_VOID(begin_after_forgotten(block));
    if (block.previous != last_hash_ || block.height != last_height_ + 1)
        return Error{ErrorKind::corrupt, name + " does not follow the one before"};
    // Later blocks name the hash of earlier ones, so a signature covers all that came before it.
    if (block.height >= snapshot_height() &&
        !crypto::verify(options_.proposer.public_key(), block.hash().span(), block.signature))
        return Error{ErrorKind::corrupt, name + " is not signed by this ledger"};
    remember(block);
    if (block.height > snapshot_height()) {
        TRY_VOID(finalize(block));
        TRY_VOID(application_.commit());
        announce(block);
    }
    return {};
}

Status Chain::restore() {
    TRY(auto snapshot, read_snapshot(disk_));
    TRY_VOID(remove_stray_states(disk_));
    if (!snapshot) return {};
    TRY_VOID(application_.restore(snapshot->state));
    if (application_.height() != snapshot->height)
        return Error{ErrorKind::corrupt,
                     "the snapshot names block " + std::to_string(snapshot->height) +
                         " and is of block " + std::to_string(application_.height())};
    TRY(snapshot_, read_snapshot_index(disk_));  // with which it was compared
    written_ = begun_ = {snapshot->height, application_.ran()};
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
    if (snapshot_height() < height) return disk_.remove(kBaseFile);
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
    opened_at_ = snapshot_height();
    if (options_.on_restored) options_.on_restored(opened_at_);
    TRY(log_, BlockLog::open(
                  disk_,
                  [this](Block block, ByteSpan findings) {
                      return read_ahead(std::move(block), findings);
                  },
                  options_.log_segment_bytes, opened_at_));
    TRY_VOID(replay_read());
    if (last_height_ < snapshot_height())
        return Error{ErrorKind::corrupt,
                     "blocks.log ends at block " + std::to_string(last_height_) +
                         " and the snapshot is of block " + std::to_string(snapshot_height()) +
                         "; restore both from one copy"};
    // Last, as what the snapshot does not know of is cut off.
    TRY(history_, HistoryLog::open(disk_, opened_at_, options_.log_segment_bytes));
    if (history_->last_height() != 0 && history_->last_height() < opened_at_)
        LOG_WARN("history.log is damaged: what blocks from " +
                 std::to_string(history_->last_height() + 1) + " to " + std::to_string(opened_at_) +
                 " left cannot be shown");
    return {};
}

Status Chain::read_blocks(std::uint64_t from, const Engine::EachBlock& each) const {
    std::optional<Digest> last;
    return log_->read(from, opened_at_, [&](const Block& block) -> Status {
        if (last && block.previous != *last)
            return Error{ErrorKind::corrupt, "block " + std::to_string(block.height) +
                                                 " does not follow the one before"};
        last = block.hash();
        return each(block);
    });
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
    const std::vector<ByteSpan> transactions(block.transactions.begin(), block.transactions.end());
    TRY_VOID(log_->append(block, application_.findings(transactions)));
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
    end_snapshot();
    if (!writer_.is_writing() &&
        (block.height - begun_.height >= options_.snapshot_every ||
         application_.ran() - begun_.ran >= options_.snapshot_transactions))
        begin_snapshot(block);
    forget_old();
}

std::uint64_t Chain::kept_from() const {
    if (options_.blocks_kept == 0 || last_height_ < options_.blocks_kept) return 0;
    return std::min(last_height_ - options_.blocks_kept, snapshot_height()) + 1;
}

// What cannot be removed now is tried again with the next block.
void Chain::forget_old() {
    const auto forgotten = log_->forget_below(kept_from());
    if (!forgotten.ok()) {
        LOG_WARN("old blocks were not forgotten: " + forgotten.error().message);
        return;
    }
    if (*forgotten && options_.on_forgotten) options_.on_forgotten(log_->first_height());
}

void Chain::begin_snapshot(const Block& block) {
    at("snapshot_before_write");
    begun_ = {block.height, application_.ran()};
    writer_.begin(application_.freeze(), block.height, last_hash_, *history_);
    end_snapshot();  // where it is written at once
}

// Its block is final already, so one that cannot be written is only tried again with a later one.
void Chain::end_snapshot() {
    auto outcome = writer_.take_outcome();
    if (!outcome) return;
    if (outcome->ok()) {
        snapshot_ = std::move(**outcome);
        written_ = begun_;
        return;
    }
    LOG_WARN("the ledger's snapshot was not written: " + outcome->error().message);
    begun_ = written_;
}

Result<StateIndex> Chain::snapshot() const {
    if (!snapshot_) return Error{ErrorKind::not_found, "there is no snapshot yet"};
    return *snapshot_;
}

Status Chain::begin_at(const StateExport& state, Origin origin) {
    if (last_height_ != 0 || snapshot_height() != 0)
        return Error{ErrorKind::already_exists, "this ledger has blocks already"};
    Writer base;
    base.u(state.height).raw(state.last_hash.span()).u(static_cast<std::uint8_t>(origin));
    TRY_VOID(disk_.write_file_atomic(kBaseFile, base.bytes()));
    TRY_VOID(store_snapshot(disk_, state));
    snapshot_ = state.index();
    written_ = begun_ = {state.height, application_.ran()};
    set_base(state.height, state.last_hash, origin);
    // All that there is of its history is in the state.
    return application_.recall([](const auto&) { return Status(); });
}

std::vector<BlockFacts> Chain::blocks(std::uint64_t from, std::size_t limit) const {
    std::vector<BlockFacts> out;
    for (const auto& facts : facts_)
        if (facts.height >= from && out.size() < limit) out.push_back(facts);
    return out;
}

}  // namespace mutirao::consensus
