#include "node/ledger_lane.hpp"

#include <algorithm>
#include <map>

#include "base/codec.hpp"
#include "crypto/hash.hpp"

namespace mutirao::node {
namespace {

Digest claim_of(const LaneKeepers& keepers, const lane::Certificate& certificate) {
    const auto claim = Writer().raw(keepers.id.span()).raw(certificate.encode()).bytes();
    return crypto::blake3_keyed(crypto::domain_key("claim batch"), claim);
}

// Asks for each author once, and counts on from there.
class Tips {
  public:
    explicit Tips(const NextBatch& next) : next_(next) {}
    Result<std::uint64_t*> of(const Address& author) {
        const auto at = known_.find(author);
        if (at != known_.end()) return &at->second;
        TRY(const auto number, next_(author));
        return &known_.emplace(author, number).first->second;
    }

  private:
    const NextBatch& next_;
    std::map<Address, std::uint64_t> known_;
};

}  // namespace

void LedgerLane::set_keepers(LaneKeepers keepers, std::uint64_t height) {
    const auto id = keepers.keepers.id();
    const std::lock_guard lock(mutex_);
    height_ = height;
    if (id == keepers_->id && keepers.peers == keepers_->peers) return;
    keepers.id = id;
    keepers.self.reset();
    for (std::uint32_t i = 0; i < keepers.keepers.keys.size(); ++i)
        if (keepers.keepers.keys[i].public_key() == key_.public_key()) keepers.self = i;
    keepers_ = std::make_shared<const LaneKeepers>(std::move(keepers));
}

LaneKeepersPtr LedgerLane::keepers() const {
    const std::lock_guard lock(mutex_);
    return keepers_;
}

Result<lane::Acknowledgement> LedgerLane::acknowledge(const lane::BatchStatement& batch,
                                                      std::uint64_t until) const {
    const auto now = keepers();
    if (!now->self)
        return Error{ErrorKind::permission_denied,
                     "this ledger keeps no batches: it is no validator, or has no votes; send "
                     "batches to one that has"};
    log_->needed_until(batch, until);
    return lane::Acknowledgement{*now->self, key_.sign(batch.kept_message(chain_id_, until)), true};
}

Result<lane::Certificate> LedgerLane::certify(const lane::BatchStatement& batch,
                                              std::uint64_t until,
                                              std::span<const lane::Acknowledgement> given) {
    const auto now = keepers();
    for (const auto& one : given)
        if (one.own && now->self != one.keeper)
            return Error{ErrorKind::permission_denied, "the keepers have changed; send it again"};
    TRY(auto out, lane::certify(batch, until, now->keepers, chain_id_, given));
    memo_->remember_good(claim_of(*now, out));
    return out;
}

Status LedgerLane::verify(const lane::Certificate& certificate, std::uint64_t height) {
    if (certificate.until < height)
        return Error{ErrorKind::permission_denied, "the batch's certificate was good until block " +
                                                       std::to_string(certificate.until)};
    const auto now = keepers();
    const auto claim = claim_of(*now, certificate);
    if (memo_->is_good(claim)) return {};
    TRY_VOID(certificate.verify(now->keepers, chain_id_));
    memo_->remember_good(claim);
    return {};
}

void LedgerLane::know(const lane::BatchStatement& batch, Known transactions) {
    const std::lock_guard lock(mutex_);
    if (!known_.try_emplace(batch.digest, std::move(transactions), batch.bytes).second) return;
    known_order_.push_back(batch.digest);
    known_bytes_ += batch.bytes;
    while (known_bytes_ > kLaneKnownBytes) {
        forget_known(known_order_.front());
        known_order_.pop_front();
    }
}

void LedgerLane::forget_known(const Digest& batch) {
    const auto at = known_.find(batch);
    if (at == known_.end()) return;
    known_bytes_ -= at->second.bytes;
    known_.erase(at);
}

LedgerLane::Known LedgerLane::known(const lane::BatchStatement& batch) const {
    const std::lock_guard lock(mutex_);
    const auto at = known_.find(batch.digest);
    return at == known_.end() ? Known() : at->second.transactions;
}

void LedgerLane::ran(std::span<const lane::BatchStatement> batches, std::uint64_t height) {
    for (const auto& batch : batches) log_->needed_until(batch, height);
    const std::lock_guard lock(mutex_);
    for (const auto& batch : batches) forget_known(batch.digest);
    while (!known_order_.empty() && !known_.contains(known_order_.front()))
        known_order_.pop_front();
}

Result<std::vector<Bytes>> LedgerLane::transactions(const lane::BatchStatement& batch) const {
    TRY(auto kept, log_->get(batch));
    if (believe_)
        believe_(std::vector<ByteSpan>(kept.transactions.begin(), kept.transactions.end()),
                 kept.findings);
    return std::move(kept.transactions);
}

Result<LedgerLane::Content> LedgerLane::content(const lane::BatchStatement& batch,
                                                const Believe& believe) const {
    Content out;
    if (believe) out.known = known(batch);
    if (!out.known.empty()) {
        out.transactions.resize(out.known.size());
        return out;
    }
    TRY(auto kept, log_->get(batch));
    out.transactions = std::move(kept.transactions);
    if (believe)
        out.known = believe(std::vector<ByteSpan>(out.transactions.begin(), out.transactions.end()),
                            kept.findings);
    out.known.resize(out.transactions.size());
    return out;
}

void LedgerLane::read_ahead(std::span<const ByteSpan> block) {
    for (const auto raw : block) {
        if (!lane::is_certificate(raw)) continue;
        const auto certificate = lane::Certificate::decode(raw);
        if (!certificate.ok()) continue;
        // What does not hold among the keepers of now may hold among the block's: expand() decides.
        static_cast<void>(verify(*certificate, 0));
        auto found = content(certificate->batch, believe_);
        if (found.ok() && std::none_of(found->known.begin(), found->known.end(),
                                       [](const auto& one) { return one == nullptr; }))
            know(certificate->batch, std::move(found->known));
    }
}

Status LedgerLane::check(ByteSpan bytes, const NextBatch& next, std::uint64_t height) {
    TRY(const auto certificate, lane::Certificate::decode(bytes));
    TRY(const auto number, next(certificate.batch.author));
    if (certificate.batch.sequence < number)
        return Error{ErrorKind::already_exists,
                     "replayed: batch " + std::to_string(certificate.batch.sequence) +
                         " was in a block, the author's next is " + std::to_string(number)};
    return verify(certificate, height);
}

std::vector<lane::Certificate> LedgerLane::lacking(std::span<const ByteSpan> block) {
    std::vector<lane::Certificate> out;
    const auto height = [&] {
        const std::lock_guard lock(mutex_);
        return height_ + 1;
    }();
    for (const auto raw : block) {
        if (!lane::is_certificate(raw)) continue;
        auto certificate = lane::Certificate::decode(raw);
        if (certificate.ok() && !log_->has(certificate->batch) && verify(*certificate, height).ok())
            out.push_back(std::move(*certificate));
    }
    return out;
}

Result<LedgerLane::Proposed> LedgerLane::propose(const std::vector<Bytes>& waiting,
                                                 std::size_t bytes_max, const NextBatch& next,
                                                 std::uint64_t height) {
    struct Waiting {
        std::uint64_t turn;  // 0 is the author's next
        lane::BatchStatement batch;
        const Bytes* raw;
    };
    Tips tips(next);
    std::vector<Waiting> found;
    for (const auto& raw : waiting) {
        if (!lane::is_certificate(raw)) continue;
        const auto certificate = lane::Certificate::decode(raw);
        if (!certificate.ok() || !verify(*certificate, height).ok()) continue;
        TRY(const auto* number, tips.of(certificate->batch.author));
        if (certificate->batch.sequence >= *number)
            found.push_back({certificate->batch.sequence - *number, certificate->batch, &raw});
    }
    // Authors take turns.
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.turn < b.turn; });
    Proposed out;
    for (const auto& [turn, batch, raw] : found) {
        TRY(auto* number, tips.of(batch.author));
        if (batch.sequence != *number || out.bytes + batch.bytes > bytes_max) continue;
        ++*number;
        out.bytes += batch.bytes;
        out.certificates.push_back(*raw);
    }
    return out;
}

Result<Expanded> LedgerLane::expand(std::vector<Bytes> block, const NextBatch& next,
                                    std::uint64_t height) {
    return expand_those(
        std::move(block), next, [&](const auto& one) { return verify(one, height).ok(); },
        believe_);
}

Result<Expanded> LedgerLane::expand_again(std::vector<Bytes> block, const NextBatch& next) const {
    return expand_those(std::move(block), next, [](const auto&) { return true; }, {});
}

Result<Expanded> LedgerLane::expand_those(std::vector<Bytes> block, const NextBatch& next,
                                          const Holds& holds, const Believe& believe) const {
    Tips tips(next);
    Expanded out;
    for (auto& raw : block) {
        if (!lane::is_certificate(raw)) {
            out.transactions.push_back(std::move(raw));
            continue;
        }
        const auto certificate = lane::Certificate::decode(raw);
        if (!certificate.ok() || !holds(*certificate)) continue;
        const auto& batch = certificate->batch;
        TRY(auto* number, tips.of(batch.author));
        if (batch.sequence != *number) continue;
        TRY(auto found, content(batch, believe));
        ++*number;
        out.batches.push_back(batch);
        out.from_batches += found.transactions.size();
        out.known.resize(out.transactions.size());
        std::move(found.known.begin(), found.known.end(), std::back_inserter(out.known));
        std::move(found.transactions.begin(), found.transactions.end(),
                  std::back_inserter(out.transactions));
        out.tips.push_back({batch.author, *number});
    }
    out.known.resize(out.transactions.size());
    return out;
}

}  // namespace mutirao::node
