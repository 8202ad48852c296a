#include "node/ledger_application.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "consensus/fault.hpp"
#include "net/address.hpp"

namespace mutirao::node {

Result<Digest> LedgerApplication::finalize(std::uint64_t height, std::uint64_t time_ms,
                                           const std::vector<Bytes>& transactions) {
    std::vector<ledger::ValidatorFault> faults;
    for (const auto& raw : transactions)
        if (const auto fault = consensus::Fault::decode(raw); fault.ok())
            faults.push_back({fault->validator, fault->height});
    Expanded block{content_of(transactions)};
    if (lane_ != nullptr) {
        TRY(block, lane_->expand(std::move(block.transactions), next_batches(), height));
    }
    look_at_unknown(block);
    TRY(const auto hash,
        ledger_.finalize_prepared(height, time_ms, block.known, block.tips, faults, threads_));
    to_run_ = block.transactions.size();
    finalized_ = {height, std::move(block)};
    return hash;
}

// Signatures are nearly always checked already; not when the log is read.
void LedgerApplication::look_at_unknown(Expanded& block) const {
    block.known.resize(block.transactions.size());
    std::vector<ByteSpan> unknown;
    for (std::size_t i = 0; i < block.known.size(); ++i)
        if (block.known[i] == nullptr) unknown.push_back(block.transactions[i]);
    auto found = check_signatures(unknown);
    auto next = found.begin();
    for (auto& known : block.known)
        if (known == nullptr) known = std::move(*next++);
}

void LedgerApplication::set_lane(LedgerLane& lane, bool by_validators, Bring bring) {
    lane_ = &lane;
    by_validators_ = by_validators;
    bring_ = std::move(bring);
    lane.set_believe([this](auto transactions, auto findings) {
        return ledger::believe(genesis_, *memo_, transactions, findings, threads_);
    });
    set_keepers();
}

// Validators keep batches, as the committed state has them. All machines have the same state, so
// that a state which cannot be read has no keepers anywhere.
void LedgerApplication::set_keepers() {
    if (lane_ == nullptr || !by_validators_) return;
    LaneKeepers out;
    const auto read = [&]() -> Status {
        TRY(const auto validators, ledger::voting_validators(ledger_.state()));
        for (const auto& one : validators) {
            TRY(const auto key, memo_->key(one.bls_key));
            out.keepers.keys.push_back(key);
            out.keepers.votes.push_back(one.power);
            out.accounts.push_back(one.account);
            out.peers.push_back(net::peer_name(one.account, one.endpoint));
        }
        return {};
    }();
    if (!read.ok()) LOG_ERROR("nobody keeps batches: " + read.error().message);
    lane_->set_keepers(read.ok() ? std::move(out) : LaneKeepers{}, height());
}

Result<Expanded> LedgerApplication::told(const consensus::Block& block) {
    if (!finalized_ || finalized_->height != block.height)
        return Error{ErrorKind::invalid_argument, "it was not the last to be finalized"};
    auto out = std::move(finalized_->block);
    finalized_.reset();
    return out;
}

Result<Expanded> LedgerApplication::expand_again(const consensus::Block& block,
                                                 LaneTips& tips) const {
    auto content = content_of(block.transactions);
    if (lane_ == nullptr) return Expanded{std::move(content)};
    for (const auto& raw : content)
        if (const auto certificate = lane::Certificate::decode(raw); certificate.ok())
            tips.try_emplace(certificate->batch.author, certificate->batch.sequence);
    TRY(auto out,
        lane_->expand_again(std::move(content), [&](const auto& author) -> Result<std::uint64_t> {
            return tips.at(author);
        }));
    for (const auto& tip : out.tips) tips[tip.author] = tip.next;
    return out;
}

// Faults are for the state, not for whoever runs transactions; without a lane certificates are
// nothing.
std::vector<Bytes> LedgerApplication::content_of(const std::vector<Bytes>& block) const {
    std::vector<Bytes> out;
    for (const auto& raw : block)
        if (!consensus::is_fault(raw) && (lane_ != nullptr || !lane::is_certificate(raw)))
            out.push_back(raw);
    return out;
}

Status LedgerApplication::check(ByteSpan transaction) {
    if (!lane::is_certificate(transaction)) return ledger_.check(transaction);
    if (lane_ == nullptr)
        return Error{ErrorKind::unimplemented,
                     "this ledger has no data lane: certificates of batches are refused"};
    return lane_->check(transaction, next_batches(), height() + 1);
}

std::size_t LedgerApplication::weight(ByteSpan transaction) const {
    if (!lane::is_certificate(transaction)) return 1;
    const auto certificate = lane::Certificate::decode(transaction);
    return certificate.ok() ? certificate->batch.count : 1;
}

std::vector<Bytes> LedgerApplication::propose(const std::vector<Bytes>& waiting,
                                              std::size_t bytes_max) {
    if (std::none_of(waiting.begin(), waiting.end(), lane::is_certificate))
        return ledger_.propose(waiting, bytes_max);
    LedgerLane::Proposed batches;
    if (lane_ != nullptr) {
        // The rest is for transactions that come by themselves: neither starves the other.
        auto found = lane_->propose(waiting, bytes_max / 2, next_batches(), height() + 1);
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

std::vector<consensus::ValidatorUpdate> LedgerApplication::validator_updates() const {
    std::vector<consensus::ValidatorUpdate> out;
    for (const auto& [key, power] : ledger_.validator_updates())
        out.push_back({to_bytes(key.span()), power});
    return out;
}

Status LedgerApplication::commit() {
    ledger_.commit();
    set_keepers();
    ran_ += to_run_;
    return {};
}

std::unique_ptr<consensus::FrozenState> LedgerApplication::freeze() const {
    struct Frozen final : consensus::FrozenState {
        Frozen(std::unique_ptr<ledger::FrozenLedger> state, bool has_all)
            : ledger(std::move(state)), has_all_history(has_all) {}
        Bytes next(std::size_t bytes) override { return ledger->next(bytes); }
        std::optional<consensus::HistoryPart> next_history(std::uint64_t height) override {
            auto part = ledger->next_history(height);
            if (!part) return std::nullopt;
            return consensus::HistoryPart{part->height, std::move(part->bytes)};
        }
        std::uint64_t history_begin() const override {
            return has_all_history ? ledger->history_begin() : 0;
        }
        std::unique_ptr<ledger::FrozenLedger> ledger;
        const bool has_all_history;
    };
    return std::make_unique<Frozen>(ledger_.freeze(ledger::HistoryPlace::beside), has_recalled_);
}

Result<LedgerApplication::Recalled> LedgerApplication::read(const consensus::ReadHistory& read) {
    Recalled out;
    TRY_VOID(read([&](std::uint64_t height, ByteSpan part) -> Status {
        // After a gap, what came before it is forgotten.
        if (height != out.last_height + 1) out.history = ledger::History();
        out.last_height = height;
        return out.history.add_part(part);
    }));
    return out;
}

Status LedgerApplication::restore(ByteSpan snapshot) {
    TRY(ledger_, ledger::Ledger::restore(snapshot, memo_, threads_));
    set_keepers();
    finalized_.reset();
    has_recalled_ = height() == 0;
    return {};
}

}  // namespace mutirao::node
