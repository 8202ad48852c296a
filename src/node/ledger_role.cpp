#include "node/ledger_role.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "mutirao/v1/ledger.pb.h"
#include "node/wire/fields.hpp"

namespace mutirao::node {
namespace {

using wire::fixed_field;
using wire::to_field;

constexpr std::size_t kGenesisMax = 1 << 20;
constexpr std::uint32_t kScanMax = 1000;
constexpr int kReadManyMax = 1024;
constexpr std::uint32_t kWaitMaxMs = 5000;

}  // namespace

Result<Digest> LedgerApplication::finalize(std::uint64_t height, std::uint64_t time_ms,
                                           const std::vector<Bytes>& transactions) {
    TRY(const auto block,
        expand(transactions, [this](const auto& author) { return next_batch(author); }));
    // Nearly always done already; not when the log is read.
    prepare(std::vector<ByteSpan>(block.transactions.begin(), block.transactions.end()));
    return ledger_.finalize(height, time_ms, block.transactions, block.tips);
}

Result<Expanded> LedgerApplication::expand(const std::vector<Bytes>& block,
                                           const NextBatch& next) const {
    if (lane_ != nullptr) return lane_->expand(block, next);
    Expanded out;
    for (const auto& raw : block)
        if (!lane::is_certificate(raw)) out.transactions.push_back(raw);
    return out;
}

Result<Expanded> LedgerApplication::told(const consensus::Block& block) {
    // The log may begin after a state from elsewhere, of which only this is seen.
    for (const auto& raw : block.transactions)
        if (const auto certificate = lane::Certificate::decode(raw); certificate.ok())
            told_.try_emplace(certificate->batch.author, certificate->batch.sequence);
    auto out = expand(block.transactions, [this](const auto& author) -> Result<std::uint64_t> {
        return told_[author];
    });
    if (out.ok())
        for (const auto& tip : out->tips) told_[tip.author] = tip.next;
    return out;
}

Status LedgerApplication::check(ByteSpan transaction) {
    if (!lane::is_certificate(transaction)) return ledger_.check(transaction);
    if (lane_ == nullptr)
        return Error{ErrorKind::unimplemented,
                     "the data lane is kept by one machine so far: it needs the engine solo"};
    return lane_->check(transaction, [this](const auto& author) { return next_batch(author); });
}

std::vector<Bytes> LedgerApplication::propose(const std::vector<Bytes>& waiting,
                                              std::size_t bytes_max) {
    if (std::none_of(waiting.begin(), waiting.end(), lane::is_certificate))
        return ledger_.propose(waiting, bytes_max);
    LedgerLane::Proposed batches;
    if (lane_ != nullptr) {
        // The rest is for transactions that come by themselves: neither starves the other.
        auto found = lane_->propose(waiting, bytes_max / 2,
                                    [this](const auto& author) { return next_batch(author); });
        if (found.ok())
            batches = std::move(*found);
        else
            LOG_ERROR("no batch was proposed: " + found.error().message);
    }
    std::vector<Bytes> plain;
    for (const auto& raw : waiting)
        if (!lane::is_certificate(raw)) plain.push_back(raw);
    auto out = ledger_.propose(plain, bytes_max - batches.bytes);
    std::move(batches.certificates.begin(), batches.certificates.end(), std::back_inserter(out));
    return out;
}

Status LedgerApplication::commit() {
    ledger_.commit();
    return {};
}

Status LedgerApplication::restore(ByteSpan snapshot) {
    TRY(ledger_, ledger::Ledger::restore(snapshot, memo_));
    return {};
}

Result<std::unique_ptr<LedgerRole>> LedgerRole::open(Disk& disk, Clock& clock,
                                                     consensus::EngineOptions options,
                                                     const Threads& threads) {
    TRY(auto bytes, disk.read_file(kGenesisFile, kGenesisMax));
    TRY(auto genesis, ledger::decode_record<ledger::Genesis>(bytes));
    TRY(auto ledger, ledger::Ledger::begin(genesis));
    std::unique_ptr<LedgerRole> role(new LedgerRole(std::move(ledger), clock, threads));
    TRY_VOID(role->open_lane(disk, options));
    options.on_block = [&role = *role](const auto& block) { role.on_block(block); };
    TRY(role->engine_, consensus::open_engine(disk, clock, role->application_, std::move(options)));
    TRY_VOID(role->ethereum_.set_engine(*role->engine_));
    TRY_VOID(role->submit_kept_batches());
    role->add_methods();
    return role;
}

Status LedgerRole::open_lane(Disk& disk, const consensus::EngineOptions& options) {
    if (options.engine != "solo") return {};
    TRY(auto log, lane::BatchLog::open(disk));
    TRY(const auto key, crypto::BlsVerifiedKey::possession_shown(options.proposer.public_key()));
    lane_ = std::make_unique<LedgerLane>(std::move(log), lane::Keepers{{key}}, options.proposer, 0,
                                         application_.ledger().genesis().chain_id);
    application_.set_lane(*lane_);
    return {};
}

Status LedgerRole::submit_kept_batches() {
    if (!lane_) return {};
    TRY(const auto kept, lane_->without_block([this](const auto& author) {
        return application_.next_batch(author);
    }));
    for (const auto& batch : kept) TRY_VOID(submit_batch(batch));
    return {};
}

void LedgerRole::on_block(const consensus::Block& block) {
    const auto told = application_.told(block);
    if (!told.ok()) {
        LOG_ERROR("block " + std::to_string(block.height) +
                  " cannot be told of: " + told.error().message);
        return;
    }
    // Blocks of the log hold what never waited here.
    lane_waiting_ -= std::min(lane_waiting_.load(), told->from_batches);
    lane_batches_waiting_ -= std::min(lane_batches_waiting_.load(), told->batches);
    ethereum_.on_block(block, told->transactions);
}

// Acknowledges, certifies and hands over a batch that is kept.
Result<lane::Certificate> LedgerRole::submit_batch(const lane::BatchStatement& batch) {
    const auto acknowledgement = lane_->acknowledge(batch);
    TRY(auto certificate, lane_->certify(batch, {&acknowledgement, 1}));
    const auto bytes = certificate.encode();
    const bool waits = engine_->is_waiting(bytes);
    TRY_VOID(engine_->submit(bytes));
    if (!waits) {
        lane_waiting_ += batch.count;
        ++lane_batches_waiting_;
    }
    return certificate;
}

Result<Bytes> LedgerRole::put_batch(ByteSpan request) {
    if (!lane_)
        return Error{ErrorKind::unimplemented,
                     "the data lane is kept by one machine so far: it needs the engine solo"};
    if (lane_waiting_ > kLaneWaitingMax || lane_batches_waiting_ > kLaneBatchesMax)
        return Error{ErrorKind::resource_exhausted,
                     "too many batches wait for a block; send it again in a moment"};
    TRY(const auto batch, lane::Batch::decode(request));
    TRY_VOID(batch.verify(application_.ledger().genesis().chain_id));
    application_.prepare(
        std::vector<ByteSpan>(batch.transactions.begin(), batch.transactions.end()));
    Status refused;
    Result<std::uint64_t> floor = std::uint64_t{0};
    engine_->with_application([&](const auto&) {
        floor = application_.next_batch(batch.author);
        for (std::size_t i = 0; i < batch.transactions.size() && refused.ok(); ++i)
            if (auto checked = application_.ledger().check(batch.transactions[i]); !checked.ok())
                refused = std::move(checked).error().within("transaction " + std::to_string(i) +
                                                            " of the batch");
    });
    TRY_VOID(refused);
    TRY(const auto next, std::move(floor));
    TRY_VOID(lane_->keep(batch, next));
    TRY(const auto certificate, submit_batch(batch.statement()));
    return certificate.encode();
}

Status LedgerRole::tick() {
    TRY(auto made, engine_->make_block(ethereum_.wants_empty_block()));
    if (made) {
        const std::lock_guard lock(block_mutex_);
        block_made_.notify_all();
    }
    return {};
}

Result<ledger::Receipt> LedgerRole::wait_for_receipt(const Digest& hash, Duration wait) {
    const auto until = clock_.monotonic() + wait;
    std::unique_lock lock(block_mutex_);
    for (;;) {
        Result<std::optional<ledger::Receipt>> found = std::optional<ledger::Receipt>();
        engine_->with_application(
            [&](const auto&) { found = application_.ledger().receipt(hash); });
        if (!found.ok()) return std::move(found).error();
        if (*found) return **found;
        const auto left = until - clock_.monotonic();
        if (left <= Duration::zero())
            return Error{ErrorKind::not_found, "transaction " + hash.hex() + " is in no block yet"};
        block_made_.wait_for(lock, std::min<Duration>(left, std::chrono::milliseconds(100)));
    }
}

void LedgerRole::add_methods() {
    service_.on_bytes(std::string(kPutBatch),
                      [this](ByteSpan request) { return put_batch(request); });
    service_.on<v1::SubmitRequest, v1::SubmitReply>(
        "/mutirao.v1.Ledger/Submit", [this](const auto& in) -> Result<v1::SubmitReply> {
            const auto raw = as_bytes(in.transaction());
            if (lane::is_certificate(raw))
                return Error{ErrorKind::invalid_argument, "batches come by the data lane"};
            application_.prepare({&raw, 1});
            TRY_VOID(engine_->submit(raw));
            const auto hash = ledger::Transaction::hash(raw);
            ethereum_.note(hash, raw);
            v1::SubmitReply out;
            out.set_hash(to_field(hash.span()));
            return out;
        });
    service_.on<v1::ReceiptRequest, v1::ReceiptReply>(
        "/mutirao.v1.Ledger/Receipt", [this](const auto& in) -> Result<v1::ReceiptReply> {
            TRY(auto hash, fixed_field<Digest>(in.hash()));
            TRY(auto receipt, wait_for_receipt(hash, std::chrono::milliseconds(
                                                         std::min(in.wait_ms(), kWaitMaxMs))));
            v1::ReceiptReply out;
            out.set_receipt(to_field(ledger::encode_record(receipt)));
            out.set_height(receipt.height);
            return out;
        });
    service_.on<v1::ReadRequest, v1::ReadReply>(
        "/mutirao.v1.Ledger/Read", [this](const auto& in) -> Result<v1::ReadReply> {
            v1::ReadReply out;
            Result<ledger::Value> value = ledger::Value();
            engine_->with_application([&](const auto&) {
                value = application_.ledger().state().get(as_bytes(in.key()));
                out.set_height(application_.height());
            });
            if (!value.ok()) return std::move(value).error();
            out.set_found(value->has_value());
            if (*value) out.set_value(to_field(**value));
            return out;
        });
    service_.on<v1::ReadManyRequest, v1::ReadManyReply>(
        "/mutirao.v1.Ledger/ReadMany", [this](const auto& in) -> Result<v1::ReadManyReply> {
            if (in.keys_size() > kReadManyMax)
                return Error{ErrorKind::invalid_argument,
                             "at most " + std::to_string(kReadManyMax) + " keys at once"};
            v1::ReadManyReply out;
            Status failed;
            engine_->with_application([&](const auto&) {
                for (const auto& key : in.keys()) {
                    auto value = application_.ledger().state().get(as_bytes(key));
                    if (!value.ok()) return static_cast<void>(failed = std::move(value).error());
                    auto& record = *out.add_records();
                    record.set_found(value->has_value());
                    if (*value) record.set_value(to_field(**value));
                    record.set_height(application_.height());
                }
            });
            TRY_VOID(failed);
            return out;
        });
    service_.on<v1::ScanRequest, v1::ScanReply>(
        "/mutirao.v1.Ledger/Scan", [this](const auto& in) -> Result<v1::ScanReply> {
            Result<std::vector<std::pair<Bytes, Bytes>>> found =
                std::vector<std::pair<Bytes, Bytes>>();
            engine_->with_application([&](const auto&) {
                found = application_.ledger().state().scan(
                    as_bytes(in.prefix()), as_bytes(in.after()), std::min(in.limit(), kScanMax));
            });
            if (!found.ok()) return std::move(found).error();
            v1::ScanReply out;
            for (const auto& [key, value] : *found) {
                auto& record = *out.add_records();
                record.set_key(to_field(key));
                record.set_value(to_field(value));
            }
            return out;
        });
    service_.on<v1::LedgerStatusRequest, v1::LedgerStatusReply>(
        "/mutirao.v1.Ledger/Status", [this](const auto&) -> Result<v1::LedgerStatusReply> {
            v1::LedgerStatusReply out;
            engine_->with_application([&](const auto&) {
                const auto& ledger = application_.ledger();
                out.set_chain_id(ledger.genesis().chain_id);
                out.set_height(ledger.height());
                out.set_state_hash(to_field(ledger.state_hash().span()));
                out.set_time_ms(ledger.time_ms());
                out.set_genesis(to_field(ledger::encode_record(ledger.genesis())));
            });
            out.set_consensus_bytes(engine_->bytes_carried());
            out.set_ethereum_url(ethereum_url_);
            return out;
        });
    service_.on<v1::BlocksRequest, v1::BlocksReply>(
        "/mutirao.v1.Ledger/Blocks", [this](const auto& in) -> Result<v1::BlocksReply> {
            v1::BlocksReply out;
            for (const auto& facts : engine_->blocks(in.from(), std::min(in.limit(), kScanMax))) {
                auto& block = *out.add_blocks();
                block.set_height(facts.height);
                block.set_time_ms(facts.time_ms);
                block.set_transactions(facts.transactions);
                block.set_bytes(static_cast<std::uint32_t>(facts.bytes));
                block.set_hash(to_field(facts.hash.span()));
            }
            return out;
        });
}

}  // namespace mutirao::node
