#include "lane/batch_log.hpp"

#include <algorithm>

#include "base/codec.hpp"
#include "base/ensure.hpp"
#include "crypto/hash.hpp"

namespace mutirao::lane {
namespace {

constexpr std::size_t kFindingsMax = 64 * kBatchTransactionsMax;
constexpr std::size_t kRecordMax = kBatchEncodedMax + kFindingsMax + 8;

Digest checksum(ByteSpan bytes) {
    return crypto::blake3_keyed(crypto::domain_key("batch log"), bytes);
}

// Of all that is in it: two authors may send the same transactions.
Digest name_of(const BatchStatement& batch) {
    return crypto::blake3_keyed(crypto::domain_key("batch statement"), batch.encode());
}

}  // namespace

Result<BatchLog::Read> BatchLog::decode(ByteSpan record) {
    Reader in(record);
    TRY(const auto encoded, in.blob(kBatchEncodedMax));
    TRY(const auto findings, in.blob(kFindingsMax));
    TRY_VOID(in.finish());
    TRY(auto batch, Batch::decode(encoded));
    return Read{std::move(batch), to_bytes(findings)};
}

Result<std::unique_ptr<BatchLog>> BatchLog::open(Disk& disk, std::uint64_t segment_bytes) {
    std::unique_ptr<BatchLog> log(new BatchLog());
    const auto each = [&](ByteSpan record, RecordLog::Place place) -> Status {
        TRY(const auto found, decode(record));
        log->enter(found.batch.statement(), place);
        return {};
    };
    TRY(log->records_,
        RecordLog::open(disk, {"batches.log", kRecordMax, checksum, segment_bytes}, each));
    return log;
}

void BatchLog::enter(const BatchStatement& batch, RecordLog::Place place) {
    auto& segment = segments_[place.segment];
    const auto [at, fresh] = authors_[batch.author].try_emplace(
        batch.sequence, Numbered{batch.digest, batch.count, batch.bytes, place});
    if (fresh) {
        segment.numbers.emplace_back(batch.author, batch.sequence);
    } else if (at->second.digest != batch.digest) {
        const auto name = name_of(batch);
        others_[name] = place;
        segment.others.push_back(name);
    }
}

const BatchLog::Numbered* BatchLog::numbered(const BatchStatement& batch) const {
    const auto author = authors_.find(batch.author);
    if (author == authors_.end()) return nullptr;
    const auto at = author->second.find(batch.sequence);
    return at == author->second.end() ? nullptr : &at->second;
}

Status BatchLog::store(const BatchStatement& batch, ByteSpan encoded, ByteSpan findings,
                       std::uint64_t until) {
    ENSURE(findings.size() <= kFindingsMax, "findings over a batch's limit");
    Writer record;
    record.blob(encoded).blob(findings);
    TRY(const auto place, records_->append(record.bytes()));
    TRY_VOID(records_->sync());
    enter(batch, place);
    auto& last = segments_[place.segment].last_height;
    last = std::max(last, until);
    return {};
}

Status BatchLog::keep(const BatchStatement& batch, ByteSpan encoded, ByteSpan findings,
                      std::uint64_t until, Turn turn) {
    const std::lock_guard lock(mutex_);
    if (const auto place = place_of(batch)) {
        auto& last = segments_[place->segment].last_height;
        last = std::max(last, until);
        return {};
    }
    auto next = batch;
    next.sequence = turn.floor;
    while (numbered(next) != nullptr) ++next.sequence;
    const auto number = std::to_string(batch.sequence);
    if (batch.sequence < turn.floor || numbered(batch) != nullptr)
        return Error{ErrorKind::already_exists, "the author has sent another batch " + number +
                                                    " already; its next is " +
                                                    std::to_string(next.sequence)};
    if (batch.sequence > next.sequence && batch.sequence - next.sequence > turn.ahead)
        return Error{ErrorKind::invalid_argument, "batch " + number +
                                                      " does not follow: the author's next is " +
                                                      std::to_string(next.sequence)};
    return store(batch, encoded, findings, until);
}

Status BatchLog::keep_certified(const BatchStatement& batch, ByteSpan encoded, ByteSpan findings,
                                std::uint64_t until) {
    const std::lock_guard lock(mutex_);
    if (place_of(batch)) return {};
    return store(batch, encoded, findings, until);
}

std::optional<RecordLog::Place> BatchLog::place_of(const BatchStatement& batch) const {
    if (const auto* found = numbered(batch); found != nullptr && found->digest == batch.digest)
        return found->place;
    const auto other = others_.find(name_of(batch));
    if (other == others_.end()) return std::nullopt;
    return other->second;
}

bool BatchLog::has(const BatchStatement& batch) const {
    const std::lock_guard lock(mutex_);
    return place_of(batch).has_value();
}

Result<BatchLog::Read> BatchLog::find(const BatchStatement& batch) const {
    std::optional<RecordLog::Place> place;
    {
        const std::lock_guard lock(mutex_);
        place = place_of(batch);
    }
    if (!place)
        return Error{ErrorKind::not_found, "the batch " + batch.digest.hex() +
                                               " is not in batches.log; restore it from a copy"};
    TRY(auto found, read(*place));
    if (found.batch.statement() != batch)
        return Error{ErrorKind::corrupt,
                     "the batch " + batch.digest.hex() + " in batches.log is another one"};
    return found;
}

Result<BatchLog::Kept> BatchLog::get(const BatchStatement& batch) const {
    TRY(auto found, find(batch));
    return Kept{std::move(found.batch.transactions), std::move(found.findings)};
}

Result<Bytes> BatchLog::encoded(const BatchStatement& batch) const {
    TRY(const auto found, find(batch));
    return found.batch.encode();
}

Result<BatchLog::Read> BatchLog::read(RecordLog::Place place) const {
    TRY(const auto record, records_->read(place));
    return decode(record);
}

void BatchLog::needed_until(const BatchStatement& batch, std::uint64_t height) {
    const std::lock_guard lock(mutex_);
    const auto place = place_of(batch);
    if (!place) return;
    auto& last = segments_[place->segment].last_height;
    last = std::max(last, height);
}

void BatchLog::all_needed_until(std::uint64_t height) {
    const std::lock_guard lock(mutex_);
    for (auto& [number, segment] : segments_)
        segment.last_height = std::max(segment.last_height, height);
}

Status BatchLog::forget_below(std::uint64_t height) {
    const std::lock_guard lock(mutex_);
    while (records_->oldest() < records_->newest()) {
        const auto number = records_->oldest();
        if (segments_[number].last_height >= height) return {};
        TRY_VOID(records_->forget_oldest());
        forget(number);
    }
    return {};
}

void BatchLog::forget(std::uint32_t segment) {
    const auto& gone = segments_[segment];
    for (const auto& [address, number] : gone.numbers) {
        const auto author = authors_.find(address);
        author->second.erase(number);
        if (author->second.empty()) authors_.erase(author);
    }
    for (const auto& name : gone.others) others_.erase(name);
    segments_.erase(segment);
}

Result<std::vector<BatchStatement>> BatchLog::from(const First& first) const {
    const std::lock_guard lock(mutex_);
    std::vector<BatchStatement> out;
    for (const auto& [author, kept] : authors_) {
        TRY(auto number, first(author));
        for (auto at = kept.find(number); at != kept.end() && at->first == number; ++at, ++number)
            out.push_back({author, number, at->second.digest, at->second.count, at->second.bytes});
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
        return std::pair(a.sequence, a.author) < std::pair(b.sequence, b.author);
    });
    return out;
}

}  // namespace mutirao::lane
