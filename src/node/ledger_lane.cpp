#include "node/ledger_lane.hpp"

#include <algorithm>
#include <map>

#include "crypto/hash.hpp"

namespace mutirao::node {
namespace {

constexpr std::size_t kGoodKept = 8192;  // certificates: 0.6 MB

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

Result<lane::Certificate> LedgerLane::certify(const lane::BatchStatement& batch,
                                              std::span<const lane::Acknowledgement> given) {
    TRY(auto out, lane::certify(batch, keepers_, chain_id_, given));
    remember(crypto::blake3(out.encode()));
    return out;
}

void LedgerLane::remember(const Digest& certificate) {
    const std::lock_guard lock(mutex_);
    if (!good_.insert(certificate).second) return;
    good_order_.push_back(certificate);
    if (good_order_.size() > kGoodKept) {
        good_.erase(good_order_.front());
        good_order_.pop_front();
    }
}

Status LedgerLane::verify(const lane::Certificate& certificate) {
    const auto id = crypto::blake3(certificate.encode());
    {
        const std::lock_guard lock(mutex_);
        if (good_.contains(id)) return {};
    }
    TRY_VOID(certificate.verify(keepers_, chain_id_));
    remember(id);
    return {};
}

Status LedgerLane::check(ByteSpan bytes, const NextBatch& next) {
    TRY(const auto certificate, lane::Certificate::decode(bytes));
    TRY(const auto number, next(certificate.batch.author));
    if (certificate.batch.sequence < number)
        return Error{ErrorKind::already_exists,
                     "replayed: batch " + std::to_string(certificate.batch.sequence) +
                         " was in a block, the author's next is " + std::to_string(number)};
    return verify(certificate);
}

Result<LedgerLane::Proposed> LedgerLane::propose(const std::vector<Bytes>& waiting,
                                                 std::size_t bytes_max, const NextBatch& next) {
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
        if (!certificate.ok()) continue;
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

Result<Expanded> LedgerLane::expand(const std::vector<Bytes>& block, const NextBatch& next) {
    Tips tips(next);
    Expanded out;
    for (const auto& raw : block) {
        if (!lane::is_certificate(raw)) {
            out.transactions.push_back(raw);
            continue;
        }
        const auto certificate = lane::Certificate::decode(raw);
        if (!certificate.ok() || !verify(*certificate).ok()) continue;
        const auto& batch = certificate->batch;
        TRY(auto* number, tips.of(batch.author));
        if (batch.sequence != *number) continue;
        TRY(auto transactions, log_->transactions(batch));
        ++*number;
        ++out.batches;
        out.from_batches += transactions.size();
        std::move(transactions.begin(), transactions.end(), std::back_inserter(out.transactions));
        out.tips.push_back({batch.author, *number});
    }
    return out;
}

}  // namespace mutirao::node
