#include "rights/keeper.hpp"

#include <algorithm>

#include "base/codec.hpp"
#include "base/log.hpp"

namespace mutirao::rights {
namespace {

constexpr std::string_view kLogPath = "answers.log";
constexpr std::size_t kCheckSize = 16;
constexpr std::size_t kEntrySize = 1 + 32 + 20 + 32 + 32 + 8 + 8 + kCheckSize;

// One line of the log: action | content | requester | run | request | answered at | expires | check
Bytes log_entry(const KeyRequest& request, std::uint64_t now_unix_ms) {
    Writer out;
    out.u(static_cast<std::uint8_t>(request.action)).raw(request.content.span());
    out.raw(request.requester.span()).raw(request.run.span()).raw(request.digest().span());
    out.u(now_unix_ms).u(request.expires_unix_ms);
    const auto check = crypto::blake3_keyed(crypto::domain_key("answer"), out.bytes());
    out.raw(check.span().first(kCheckSize));
    return std::move(out).take();
}

bool entry_holds(ByteSpan entry) {
    const auto check =
        crypto::blake3_keyed(crypto::domain_key("answer"), entry.first(kEntrySize - kCheckSize));
    return std::equal(entry.end() - kCheckSize, entry.end(), check.bytes.begin());
}

}  // namespace

Result<std::unique_ptr<Keeper>> Keeper::open(Disk& disk, Random& random, Licences& licences) {
    std::unique_ptr<Keeper> keeper(new Keeper(disk, random, licences));
    TRY(keeper->shares_, ShareLog::open(disk));
    TRY_VOID(keeper->load_log());
    return keeper;
}

Status Keeper::load_log() {
    TRY(log_, disk_.open(kLogPath));
    const auto size = log_->size();
    log_size_ = size - size % kEntrySize;  // the next answer cuts off a torn end
    std::uint64_t damaged = 0;
    Bytes entry(kEntrySize);
    for (std::uint64_t at = 0; at < log_size_; at += kEntrySize) {
        TRY_VOID(log_->read(at, entry));
        if (!entry_holds(entry)) {
            ++damaged;
            continue;
        }
        Reader in(entry);
        const auto action = static_cast<KeyAction>(in.u<std::uint8_t>().value());
        const auto content = in.fixed<Digest>().value();
        TRY_VOID(in.raw(Address::kSize + Digest::kSize));
        const auto request = in.fixed<Digest>().value();
        TRY_VOID(in.raw(sizeof(std::uint64_t)));
        enter(request, action, content, in.u<std::uint64_t>().value());
    }
    if (damaged > 0)
        LOG_WARN("the keeper's log of answers has " + std::to_string(damaged) +
                 " damaged entries; they are not counted");
    return {};
}

void Keeper::enter(const Digest& request, KeyAction action, const Digest& content,
                   std::uint64_t expires_unix_ms) {
    if (action == KeyAction::release) ++releases_[content];
    answered_[request] = expires_unix_ms;
}

Status Keeper::keep_all(std::span<const KeptShare> shares) {
    for (const auto& share : shares) TRY_VOID(share.validate());
    return shares_->keep_all(shares);
}

Result<Bytes> Keeper::manifest(const Digest& content) const {
    TRY(auto kept, shares_->find(content));
    return std::move(kept.manifest);
}

Result<ReleasedShare> Keeper::release(const KeyRequest& request, std::uint64_t now_unix_ms) {
    TRY_VOID(request.verify(now_unix_ms));
    if (request.action != KeyAction::release)
        return Error{ErrorKind::permission_denied, "the request is not one to release a key"};
    TRY(auto kept, shares_->find(request.content));
    if (request.requester != kept.owner) {
        if (request.run.is_zero())
            return Error{ErrorKind::permission_denied,
                         crypto::to_checksum_text(request.requester) + " does not own content " +
                             request.content.hex() + " and names no licensed run"};
        TRY_VOID(licences_.may_read(request.content, kept.owner, request.requester, request.run));
    }
    Bytes secret{kept.share.index};
    secret.insert(secret.end(), kept.share.bytes.begin(), kept.share.bytes.end());
    TRY(auto sealed, crypto::seal_to(request.reply_to, request.digest().span(), secret, random_));
    const std::lock_guard lock(mutex_);
    TRY_VOID(write_down(request, now_unix_ms));
    return ReleasedShare{kept.share.index, kept.threshold, std::move(sealed)};
}

Status Keeper::forget(const KeyRequest& request, std::uint64_t now_unix_ms) {
    TRY_VOID(request.verify(now_unix_ms));
    if (request.action != KeyAction::forget)
        return Error{ErrorKind::permission_denied, "the request is not one to forget a key"};
    const std::lock_guard lock(mutex_);
    TRY(auto kept, shares_->find(request.content));
    if (request.requester != kept.owner)
        return Error{ErrorKind::permission_denied, crypto::to_checksum_text(request.requester) +
                                                       " does not own content " +
                                                       request.content.hex()};
    TRY_VOID(write_down(request, now_unix_ms));
    return shares_->forget(request.content);
}

Status Keeper::write_down(const KeyRequest& request, std::uint64_t now_unix_ms) {
    std::erase_if(answered_, [&](const auto& answer) { return answer.second <= now_unix_ms; });
    const auto digest = request.digest();
    if (answered_.contains(digest))
        return Error{ErrorKind::already_exists,
                     "this key request was answered before; sign a new one"};
    // What an earlier failure or a power cut left behind.
    if (log_->size() != log_size_) TRY_VOID(log_->truncate(log_size_));
    const auto entry = log_entry(request, now_unix_ms);
    auto status = log_->append(entry);
    if (status.ok()) status = log_->sync();
    if (!status.ok()) {
        // An answer that was not given must not be counted; the next one tries again to cut it off.
        static_cast<void>(log_->truncate(log_size_).ok());
        return std::move(status).error().within("the answer could not be written down");
    }
    log_size_ += entry.size();
    enter(digest, request.action, request.content, request.expires_unix_ms);
    return {};
}

std::uint64_t Keeper::releases(const Digest& content) const {
    const std::lock_guard lock(mutex_);
    const auto at = releases_.find(content);
    return at == releases_.end() ? 0 : at->second;
}

}  // namespace mutirao::rights
