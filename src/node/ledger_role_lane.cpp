// The ledger role's data lane: batches in, to the other keepers, and from them.
#include <algorithm>

#include "base/log.hpp"
#include "node/ledger_role.hpp"

namespace mutirao::node {
namespace {

constexpr std::uint64_t kTendEvery = 8;   // blocks
constexpr std::uint64_t kTendAfter = 16;  // blocks: nearly all batches have one by then
constexpr std::size_t kTendMax = 8;       // batches at once
// Whoever waits for other keepers holds a thread that they may need to be answered by.
constexpr unsigned kGatheringMax = 4;
constexpr std::size_t kSeekingMax = 1024;
constexpr auto kFetchAgain = std::chrono::milliseconds(200);

std::vector<ByteSpan> spans_of(std::span<const Bytes> transactions) {
    return {transactions.begin(), transactions.end()};
}

}  // namespace

Status LedgerRole::open_lane(Disk& disk, const consensus::EngineOptions& options,
                             std::optional<LaneDoor> door) {
    TRY(auto log, lane::BatchLog::open(disk));
    lane_ = std::make_unique<LedgerLane>(std::move(log), application_.memo(), options.proposer,
                                         chain_id_);
    if (options.engine == "solo") {
        TRY(const auto key,
            crypto::BlsVerifiedKey::possession_shown(options.proposer.public_key()));
        lane_->set_keepers({{{key}, {1}}, {Address()}, {}}, 0);
        application_.set_lane(*lane_, false);
        return {};
    }
    if (door) peers_ = std::make_unique<LanePeers>(std::move(*door), chain_id_);
    application_.set_lane(*lane_, true,
                          {[this](auto block) { seek_batches(block); },
                           [this](auto block) { return await_batches(block); }});
    return {};
}

Status LedgerRole::submit_kept_batches() {
    const auto height = application_.height();
    // Until when each was promised to be kept, the last process knew.
    lane_->log().all_needed_until(height + 2 * kBatchBlocks);
    if (peers_ || !lane_->keepers()->self) return {};
    TRY(const auto kept,
        lane_->log().from([this](const auto& author) { return application_.next_batch(author); }));
    for (const auto& batch : kept) {
        TRY(const auto transactions, lane_->transactions(batch));
        const auto prepared = application_.check_signatures(spans_of(transactions));
        TRY(const auto certificate, certify_batch(batch, {}, height + kBatchBlocks));
        TRY_VOID(submit_batch(certificate, prepared));
    }
    return {};
}

void LedgerRole::on_forgotten(std::uint64_t first) {
    const auto done = lane_->log().forget_below(first);
    if (!done.ok()) LOG_WARN("old batches were not forgotten: " + done.error().message);
}

Result<LedgerRole::Tip> LedgerRole::tip_of(const Address& author) const {
    Tip out;
    Result<std::uint64_t> next = std::uint64_t{0};
    engine_->with_application([&](const auto&) {
        out.height = application_.height();
        next = application_.next_batch(author);
    });
    TRY(out.next, std::move(next));
    return out;
}

Result<lane::Certificate> LedgerRole::certify_batch(const lane::BatchStatement& batch,
                                                    ByteSpan encoded, std::uint64_t until) {
    TRY(const auto own, lane_->acknowledge(batch, until));
    std::vector<lane::Acknowledgement> given{own};
    if (peers_) {
        TRY(given, peers_->gather(lane_->keepers(), batch, until, encoded, own));
    }
    return lane_->certify(batch, until, given);
}

Status LedgerRole::submit_batch(const lane::Certificate& certificate,
                                std::span<const ledger::AdmittedPtr> transactions) {
    const auto bytes = certificate.encode();
    if (!engine_->is_waiting(bytes)) ethereum_.expect_batch(certificate.batch.digest, transactions);
    queue_.enter({}, certificate.batch, certificate.until, bytes);
    return engine_->submit(bytes);
}

Result<Bytes> LedgerRole::put_batch(ByteSpan request) {
    TRY_VOID(queue_.room_for({}));
    struct Turnstile {
        explicit Turnstile(std::atomic<unsigned>& through) : count(through), place(++through) {}
        ~Turnstile() { --count; }
        std::atomic<unsigned>& count;
        const unsigned place;
    };
    const Turnstile turnstile(gathering_);
    if (peers_ && turnstile.place > kGatheringMax)
        return Error{ErrorKind::resource_exhausted,
                     "too many batches are being certified; send it again in a moment"};
    TRY(const auto batch, lane::Batch::decode(request));
    TRY(const auto statement, batch.verify(chain_id_));
    auto prepared = application_.check_signatures(spans_of(batch.transactions));
    Status refused;
    engine_->with_application([&](const auto&) {
        const auto& ledger = application_.ledger();
        for (std::size_t i = 0; i < prepared.size() && refused.ok(); ++i)
            // What is wrong with one that is not good, check() says.
            if (auto checked = prepared[i] == nullptr ? ledger.check(batch.transactions[i])
                                                      : ledger.check(*prepared[i]);
                !checked.ok())
                refused = std::move(checked).error().within("transaction " + std::to_string(i) +
                                                            " of the batch");
    });
    TRY(const auto tip, tip_of(batch.author));
    if (statement.sequence < tip.next)
        return Error{ErrorKind::already_exists,
                     "the author's batch " + std::to_string(statement.sequence) +
                         " was in a block; its next is " + std::to_string(tip.next)};
    TRY_VOID(refused);
    if (auto known = queue_.certificate({}, statement); engine_->is_waiting(known)) return known;
    const auto until = tip.height + kBatchBlocks;
    TRY_VOID(lane_->log().keep(statement, request, application_.findings(prepared), until,
                               {tip.next, 0}));
    queue_.enter({}, statement, until, {});  // it takes room, whether it is certified or not
    TRY(const auto certificate, certify_batch(statement, request, until));
    lane_->know(statement, prepared);
    TRY_VOID(submit_batch(certificate, prepared));
    return certificate.encode();
}

Result<Bytes> LedgerRole::answer(const net::Caller& caller, std::string_view method,
                                 ByteSpan request) {
    if (method == kKeepBatch) return keep_batch(caller, request);
    return serve(method, request);
}

// Whether transactions can run is for whoever took the batch from its author to say: keepers that
// are at different blocks would say different things, and the number would be certified by nobody.
Result<Bytes> LedgerRole::keep_batch(const net::Caller& caller, ByteSpan request) {
    const auto keepers = lane_->keepers();
    const auto& accounts = keepers->accounts;
    if (!caller.account ||
        std::find(accounts.begin(), accounts.end(), *caller.account) == accounts.end())
        return Error{ErrorKind::permission_denied, "only validators' ledgers have batches kept"};
    TRY_VOID(queue_.room_for(*caller.account));
    TRY(const auto asked, lane::KeepRequest::decode(request));
    TRY(const auto batch, lane::Batch::decode(asked.batch));
    TRY(const auto statement, batch.verify(chain_id_));
    auto prepared = application_.check_signatures(spans_of(batch.transactions));
    for (std::size_t i = 0; i < prepared.size(); ++i)
        if (prepared[i] == nullptr)
            return Error{ErrorKind::invalid_argument, "transaction " + std::to_string(i) +
                                                          " of the batch is none of this chain"};
    TRY(const auto tip, tip_of(batch.author));
    if (asked.until <= tip.height || asked.until > tip.height + 2 * kBatchBlocks)
        return Error{ErrorKind::invalid_argument,
                     "block " + std::to_string(asked.until) + " is not within " +
                         std::to_string(2 * kBatchBlocks) + " after this ledger's, " +
                         std::to_string(tip.height)};
    TRY_VOID(lane_->log().keep(statement, asked.batch, application_.findings(prepared), asked.until,
                               {tip.next, kLaneBatchesMax}));
    lane_->know(statement, std::move(prepared));
    TRY(const auto own, lane_->acknowledge(statement, asked.until));
    queue_.enter(*caller.account, statement, asked.until, {});
    return to_bytes(own.signature.span());
}

void LedgerRole::tend_batches() {
    const auto keepers = lane_->keepers();
    if (!peers_ || !keepers->self) return;
    std::uint64_t height = 0;
    Result<std::vector<lane::BatchStatement>> kept = std::vector<lane::BatchStatement>();
    engine_->with_application([&](const auto&) {
        height = application_.height();
        if (height < tended_ + kTendEvery) return;
        kept = lane_->log().from([&](const auto& a) { return application_.next_batch(a); });
    });
    if (height < tended_ + kTendEvery) return;
    tended_ = height;
    if (!kept.ok()) {
        LOG_ERROR("batches without a block are left alone: " + kept.error().message);
        return;
    }
    std::map<Digest, std::uint64_t> since;
    std::size_t tended = 0;
    for (const auto& batch : *kept) {
        const auto at = without_block_.find(batch.digest);
        const auto first = at == without_block_.end() ? height : at->second;
        since.emplace(batch.digest, first);
        // Keepers take turns.
        const auto turn = (height / kTendEvery + batch.sequence) % keepers->accounts.size();
        if (height - first < kTendAfter || height - first > kBatchBlocks ||
            turn != *keepers->self || tended == kTendMax || stopping_ ||
            engine_->is_waiting(queue_.certificate({}, batch)))
            continue;
        ++tended;
        const auto done = [&]() -> Status {
            TRY(const auto encoded, lane_->log().encoded(batch));
            TRY(const auto transactions, lane_->transactions(batch));
            const auto prepared = application_.check_signatures(spans_of(transactions));
            TRY(const auto certificate, certify_batch(batch, encoded, height + kBatchBlocks));
            return submit_batch(certificate, prepared);
        }();
        if (!done.ok())
            LOG_INFO("batch " + batch.digest.hex() + " goes on waiting: " + done.error().message);
    }
    without_block_ = std::move(since);
}

Status LedgerRole::bring_batch(const lane::Certificate& certificate) {
    if (lane_->log().has(certificate.batch)) return {};
    if (!peers_)
        return Error{ErrorKind::unavailable, "this ledger has no way to call other machines"};
    TRY(const auto batch, peers_->get(*lane_->keepers(), certificate));
    const auto prepared = application_.check_signatures(spans_of(batch.transactions));
    return lane_->log().keep_certified(certificate.batch, batch.encode(),
                                       application_.findings(prepared), certificate.until);
}

void LedgerRole::seek_batches(std::span<const ByteSpan> block) {
    if (!peers_ || stopping_) return;
    for (const auto& certificate : lane_->lacking(block)) {
        {
            const std::lock_guard lock(seeking_mutex_);
            if (seeking_.size() >= kSeekingMax || !seeking_.insert(certificate.batch.digest).second)
                continue;
        }
        peers_->executor().post([this, certificate] {
            const auto brought = stopping_ ? Status() : bring_batch(certificate);
            if (!brought.ok()) LOG_DEBUG("a batch is not here yet: " + brought.error().message);
            const std::lock_guard lock(seeking_mutex_);
            seeking_.erase(certificate.batch.digest);
        });
    }
}

// The block is decided, and a quorum has signed that it keeps each batch: they are there.
Status LedgerRole::await_batches(std::span<const ByteSpan> block) {
    for (bool told = false;; clock_.sleep(kFetchAgain)) {
        Status failed;
        for (const auto& certificate : lane_->lacking(block)) {
            if (stopping_) return Error{ErrorKind::unavailable, "this ledger is stopping"};
            if (auto brought = bring_batch(certificate); !brought.ok()) failed = std::move(brought);
        }
        if (failed.ok()) return {};
        if (stopping_) return failed;
        if (!std::exchange(told, true))
            LOG_WARN("a block waits for its batches: " + failed.error().message);
    }
}

}  // namespace mutirao::node
