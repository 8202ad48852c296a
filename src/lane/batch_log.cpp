#include "lane/batch_log.hpp"

#include <algorithm>
#include <optional>

#include "base/codec.hpp"
#include "crypto/hash.hpp"

namespace mutirao::lane {
namespace {

constexpr std::size_t kCheckSize = 8;
constexpr std::size_t kFrameSize = 4 + Digest::kSize + kCheckSize;
// Beside the transactions' bytes: a length for each, and the head.
constexpr std::size_t kRecordMax = kBatchBytesMax + 4 * kBatchTransactionsMax + 256;

Digest checksum(ByteSpan bytes) {
    return crypto::blake3_keyed(crypto::domain_key("batch log"), bytes);
}

Bytes frame_of(ByteSpan record) {
    Writer out;
    out.u(static_cast<std::uint32_t>(record.size())).raw(checksum(record).span());
    out.raw(checksum(out.bytes()).span().first(kCheckSize));
    return std::move(out).take();
}

struct Frame {
    std::uint32_t size = 0;
    Digest checksum;
};
std::optional<Frame> frame_in(ByteSpan bytes) {
    Reader in(bytes);
    Frame out{in.u<std::uint32_t>().value(), in.fixed<Digest>().value()};
    const auto expected = checksum(bytes.first(kFrameSize - kCheckSize));
    const auto check = bytes.subspan(kFrameSize - kCheckSize);
    if (out.size > kRecordMax || !std::equal(check.begin(), check.end(), expected.bytes.begin()))
        return std::nullopt;
    return out;
}

Error damaged(std::uint64_t at) {
    return {ErrorKind::corrupt,
            "batches.log is damaged at byte " + std::to_string(at) + "; restore it from a copy"};
}

}  // namespace

Result<std::unique_ptr<BatchLog>> BatchLog::open(Disk& disk) {
    TRY(auto file, disk.open("batches.log"));
    std::unique_ptr<BatchLog> log(new BatchLog(std::move(file)));
    TRY_VOID(log->read_all());
    return log;
}

Status BatchLog::read_all() {
    const auto end = file_->size();
    std::uint64_t at = 0;
    while (end - at >= kFrameSize) {
        Bytes head(kFrameSize);
        TRY_VOID(file_->read(at, head));
        const auto frame = frame_in(head);
        // A torn append leaves at most one record behind.
        if (!frame && end - at > kFrameSize + kRecordMax) return damaged(at);
        if (!frame || frame->size > end - at - kFrameSize) break;
        Bytes record(frame->size);
        TRY_VOID(file_->read(at + kFrameSize, record));
        if (checksum(record) != frame->checksum) {
            if (at + kFrameSize + frame->size == end) break;
            return damaged(at);
        }
        TRY(const auto batch, Batch::decode(record));
        enter(batch.statement(), {at + kFrameSize, frame->size});
        at += kFrameSize + frame->size;
    }
    return at == end ? Status() : file_->truncate(at);
}

void BatchLog::enter(const BatchStatement& batch, Place place) {
    auto& author = authors_[batch.author];
    if (batch.sequence != author.next()) author = {batch.sequence, {}, {}};
    author.batches.push_back(place);
    author.last = batch.digest;
}

Status BatchLog::append(const Bytes& record) {
    Writer out;
    out.raw(frame_of(record)).raw(record);
    const auto before = file_->size();
    auto done = file_->append(out.bytes());
    if (done.ok()) done = file_->sync();
    if (!done.ok()) broken_ = !file_->truncate(before).ok();
    return done;
}

Status BatchLog::keep(const Batch& batch, std::uint64_t floor) {
    const auto statement = batch.statement();
    const auto record = batch.encode();
    ENSURE(record.size() <= kRecordMax, "a batch over its limits");
    const std::lock_guard lock(mutex_);
    if (broken_)
        return Error{ErrorKind::io, "batches.log ends in half a batch; restart the ledger"};
    const auto author = authors_.find(statement.author);
    const auto number = std::to_string(statement.sequence);
    const auto next = std::max(floor, author == authors_.end() ? 0 : author->second.next());
    if (author != authors_.end() && statement.sequence + 1 == author->second.next() &&
        statement.digest == author->second.last)
        return {};
    if (statement.sequence < next)
        return Error{ErrorKind::already_exists, "the author has sent another batch " + number +
                                                    " already; its next is " +
                                                    std::to_string(next)};
    if (statement.sequence > next)
        return Error{
            ErrorKind::invalid_argument,
            "batch " + number + " does not follow: the author's next is " + std::to_string(next)};
    const auto offset = file_->size() + kFrameSize;
    TRY_VOID(append(record));
    enter(statement, {offset, static_cast<std::uint32_t>(record.size())});
    return {};
}

Result<std::vector<Bytes>> BatchLog::transactions(const BatchStatement& batch) const {
    Place place;
    {
        const std::lock_guard lock(mutex_);
        const auto at = authors_.find(batch.author);
        if (at == authors_.end() || batch.sequence < at->second.first ||
            batch.sequence >= at->second.next())
            return Error{ErrorKind::not_found,
                         "the batch " + batch.digest.hex() +
                             " is not in batches.log; restore it from a copy"};
        place = at->second.batches[batch.sequence - at->second.first];
    }
    TRY(auto found, read(place));
    if (found.statement() != batch)
        return Error{ErrorKind::corrupt,
                     "the batch " + batch.digest.hex() + " in batches.log is another one"};
    return std::move(found.transactions);
}

// Appends go on meanwhile: what was kept stays where it is.
Result<Batch> BatchLog::read(Place place) const {
    Bytes record(place.size);
    TRY_VOID(file_->read(place.offset, record));
    return Batch::decode(record);
}

Result<std::vector<BatchStatement>> BatchLog::from(const First& first) const {
    const std::lock_guard lock(mutex_);
    std::vector<BatchStatement> out;
    for (const auto& [author, kept] : authors_) {
        TRY(auto number, first(author));
        for (; number >= kept.first && number < kept.next(); ++number) {
            TRY(const auto batch, read(kept.batches[number - kept.first]));
            out.push_back(batch.statement());
        }
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
        return std::pair(a.sequence, a.author) < std::pair(b.sequence, b.author);
    });
    return out;
}

std::uint64_t BatchLog::next(const Address& author) const {
    const std::lock_guard lock(mutex_);
    const auto at = authors_.find(author);
    return at == authors_.end() ? 0 : at->second.next();
}

}  // namespace mutirao::lane
