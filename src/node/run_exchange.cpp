// RunMember's calls: messages both ways, and blobs.
#include <algorithm>

#include "base/log.hpp"
#include "node/run_member.hpp"
#include "node/wire/fields.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {
namespace {

using namespace std::chrono_literals;
using wire::fixed_field;
using wire::to_field;

constexpr auto kExchangePause = 250ms;
constexpr auto kExchangeDeadline = 5s;
constexpr auto kAfterFailure = 1s;
constexpr auto kChunkDeadline = 30s;
constexpr auto kNoProgress = 3s;  // then others are asked for the same
constexpr std::size_t kMessagesMax = 512;
constexpr std::size_t kMessageBytes = 1 << 20;  // about, in one exchange each way
constexpr std::size_t kFetchesMax = 64;
constexpr std::size_t kWantedMax = 16;
constexpr std::uint32_t kWaitingMax = 1024;  // calls of others that the loop has not looked at

}  // namespace

void RunMember::exchange_with(std::uint32_t worker) {
    auto& peer = peers_[worker];
    v1::ExchangeRequest request;
    request.set_run(to_field(plan_.run.span()));
    request.set_worker(plan_.worker);
    request.set_log(peer.log);
    request.set_after(peer.after);
    request.set_begins(begins_);
    std::uint64_t sent = 0;
    {
        const std::lock_guard lock(mutex_);
        sent = std::max(peer.sent, log_begin_);
        std::size_t size = 0;
        for (; sent < log_begin_ + log_.size() && size < kMessageBytes; ++sent) {
            const auto& said = log_[sent - log_begin_];
            if (request.messages_size() == static_cast<int>(kMessagesMax)) break;
            // The others speak for themselves, unless nobody can call them.
            const auto from = said.message.worker;
            if (from == plan_.worker || (from != worker && plan_.endpoints[from].empty())) {
                size += said.bytes.size();
                request.add_messages(to_field(said.bytes));
            }
        }
    }
    peer.in_flight = true;
    peer.next_at = now() + kExchangePause;
    auto bytes = wire::serialize(request);
    bytes_sent_ += bytes.size();
    ports_.network.start(plan_.endpoints[worker], "/mutirao.v1.Train/Exchange",
                         mutirao::Message::of(std::move(bytes)), kExchangeDeadline,
                         [this, events = events_, worker, sent](Result<Bytes> reply) {
                             events->put([this, worker, sent, reply = std::move(reply)] {
                                 answered(worker, sent, reply);
                             });
                         });
}

void RunMember::answered(std::uint32_t worker, std::uint64_t sent, const Result<Bytes>& reply) {
    auto& peer = peers_[worker];
    peer.in_flight = false;
    v1::ExchangeReply answer;
    if (!reply.ok() || !wire::parse(*reply, answer).ok()) {
        peer.next_at = now() + kAfterFailure;
        const bool is_refused = !reply.ok() && reply.error().kind == ErrorKind::unavailable;
        if (is_refused) agreement_.refused(worker);
        return;
    }
    heard(worker, answer.begins());
    // A peer that has started anew knows nothing of what was sent before.
    peer.sent = peer.log == 0 || peer.log == answer.log() ? sent : 0;
    peer.log = answer.log();
    peer.after = answer.next();
    for (const auto& message : answer.messages()) hear(as_bytes(message));
    has_heard_ = true;
    if (!plan_.endpoints[plan_.worker].empty()) return;
    for (const auto& field : answer.wanted()) {
        const auto blob = fixed_field<Digest>(field);
        if (blob.ok() && ports_.store.has(*blob) && peer.uploading.insert(*blob).second)
            upload(worker, *blob, -1);
    }
}

// Chunk by chunk, the list first; each answer brings the next.
void RunMember::upload(std::uint32_t worker, const Digest& blob, std::int64_t chunk) {
    auto data = chunk < 0 ? ports_.store.list(blob)
                          : ports_.store.chunk(blob, static_cast<std::uint32_t>(chunk));
    if (!data.ok()) {  // behind its last
        peers_[worker].uploading.erase(blob);
        return;
    }
    v1::GiveRequest request;
    request.set_run(to_field(plan_.run.span()));
    request.set_blob(to_field(blob.span()));
    request.set_list(chunk < 0);
    request.set_chunk(chunk < 0 ? 0 : static_cast<std::uint32_t>(chunk));
    request.set_data(to_field(*data));
    auto bytes = wire::serialize(request);
    bytes_sent_ += bytes.size();
    ports_.network.start(plan_.endpoints[worker], "/mutirao.v1.Train/Give",
                         mutirao::Message::of(std::move(bytes)), kChunkDeadline,
                         [this, events = events_, worker, blob, chunk](Result<Bytes> reply) {
                             events->put([this, worker, blob, chunk, ok = reply.ok()] {
                                 if (ok) return upload(worker, blob, chunk + 1);
                                 peers_[worker].uploading.erase(blob);
                             });
                         });
}

Status RunMember::post_of_others(Event event) {
    if (waiting_.fetch_add(1) >= kWaitingMax) {
        --waiting_;
        return Error{ErrorKind::resource_exhausted,
                     "this trainer has too much to look at; ask again in a moment"};
    }
    post([this, event = std::move(event)] {
        --waiting_;
        event();
    });
    return {};
}

Result<v1::ExchangeReply> RunMember::exchange(const v1::ExchangeRequest& request) {
    if (request.worker() >= plan_.trainers.size() ||
        request.messages_size() > static_cast<int>(kMessagesMax))
        return Error{ErrorKind::invalid_argument, "no such worker, or too many messages"};
    std::vector<Bytes> messages;
    for (const auto& message : request.messages()) messages.push_back(to_bytes(as_bytes(message)));
    const auto caller = request.worker();
    TRY_VOID(
        post_of_others([this, caller, begins = request.begins(), messages = std::move(messages)] {
            heard(caller, begins);
            for (const auto& message : messages) hear(message);
        }));
    v1::ExchangeReply reply;
    const std::lock_guard lock(mutex_);
    reply.set_log(log_id_);
    reply.set_begins(begins_);
    auto next = request.log() == log_id_ ? std::max(request.after(), log_begin_) : log_begin_;
    std::size_t size = 0;
    for (; next < log_begin_ + log_.size() && size < kMessageBytes; ++next) {
        const auto& said = log_[next - log_begin_];
        if (reply.messages_size() == static_cast<int>(kMessagesMax)) break;
        if (said.message.worker != caller || request.log() != log_id_) {
            size += said.bytes.size();
            reply.add_messages(to_field(said.bytes));
        }
    }
    reply.set_next(next);
    if (plan_.endpoints[caller].empty())
        for (const auto& blob : wanted_of_callers_) reply.add_wanted(to_field(blob.span()));
    return reply;
}

Result<v1::ChunkReply> RunMember::chunk(const v1::ChunkRequest& request) {
    TRY(const auto blob, fixed_field<Digest>(request.blob()));
    TRY(const auto data,
        request.list() ? ports_.store.list(blob) : ports_.store.chunk(blob, request.chunk()));
    bytes_sent_ += data.size();
    v1::ChunkReply reply;
    reply.set_data(to_field(data));
    return reply;
}

Result<v1::GiveReply> RunMember::give(const v1::GiveRequest& request) {
    TRY(const auto blob, fixed_field<Digest>(request.blob()));
    if (request.data().size() > train::kChunkBytes && !request.list())
        return Error{ErrorKind::invalid_argument, "a chunk has at most 256 KiB"};
    const std::optional<std::uint32_t> chunk =
        request.list() ? std::nullopt : std::optional(request.chunk());
    TRY_VOID(post_of_others([this, blob, chunk, data = to_bytes(as_bytes(request.data()))] {
        const auto fetch = fetches_.find(blob);
        if (fetch == fetches_.end()) return;
        if (auto status = fetch->second.blob.offer(chunk, data); !status.ok())
            LOG_WARN(status.error().message);
        else
            keep_chunk(blob, fetch->second, chunk, data);
        fetch->second.progress_at = now();
        drive(blob, fetch->second);
    }));
    return v1::GiveReply{};
}

void RunMember::begin_fetches() {
    std::unordered_set<Digest> wanted;
    for (const auto& [round, members] : agreement_.wanted())
        for (const auto& member : members) {
            wanted.insert(member.payload);
            if (refused_.contains(member.payload) || fetches_.size() >= kFetchesMax ||
                !may_come(round, member.worker))
                continue;
            if (fetches_.contains(member.payload)) continue;
            auto& fetch = begin_fetch(member.payload,
                                      {train::BlobFetch(member.payload), member, round, now()});
            if (can_call(member.worker)) fetch.blob.add_holder(member.worker);
        }
    std::vector<Digest> names;
    for (const auto& [id, fetch] : fetches_) names.push_back(id);
    for (const auto& id : names) {
        auto& fetch = fetches_.at(id);
        if (fetch.member && !wanted.contains(id)) {
            fetches_.erase(id);  // answers under way find nothing to do
            if (auto status = chunks_.drop(id); !status.ok()) fail(status.error());
            continue;
        }
        if (now() - fetch.progress_at >= kNoProgress) {
            fetch.progress_at = now();
            fetch.blob.ask_again();
            ask_everybody(fetch);
        }
        drive(id, fetch);
    }
    const std::lock_guard lock(mutex_);
    wanted_of_callers_.clear();
    for (const auto& [id, fetch] : fetches_) {
        if (wanted_of_callers_.size() == kWantedMax) break;
        if (!fetch.member || plan_.endpoints[fetch.member->worker].empty())
            wanted_of_callers_.push_back(id);
    }
}

void RunMember::ask_everybody(Fetch& fetch) {
    for (std::uint32_t worker = 0; worker < plan_.trainers.size(); ++worker)
        if (can_call(worker)) fetch.blob.add_holder(worker);
}

void RunMember::fetch_of(const Digest& blob, std::uint32_t round,
                         std::span<const std::uint32_t> holders) {
    if (ports_.store.has(blob)) return;
    const auto known = fetches_.find(blob);
    auto& fetch = known != fetches_.end()
                      ? known->second
                      : begin_fetch(blob, {train::BlobFetch(blob), {}, round, now()});
    for (const auto holder : holders)
        if (can_call(holder)) fetch.blob.add_holder(holder);
}

// With what came of it before a crash.
RunMember::Fetch& RunMember::begin_fetch(const Digest& id, Fetch fetch) {
    if (auto status = chunks_.take_up(id, fetch.blob); !status.ok()) fail(status.error());
    return fetches_.emplace(id, std::move(fetch)).first->second;
}

void RunMember::keep_chunk(const Digest& id, const Fetch& fetch, std::optional<std::uint32_t> chunk,
                           ByteSpan bytes) {
    if (!chunk) return;
    if (auto status = chunks_.keep(id, fetch.blob, *chunk, bytes); !status.ok())
        fail(status.error());
}

void RunMember::drive(const Digest& id, Fetch& fetch) {
    if (fetch.blob.is_whole()) return finish_fetch(id);
    while (const auto next = fetch.blob.next()) ask(id, *next);
}

void RunMember::ask(const Digest& id, const train::BlobFetch::Ask& ask) {
    v1::ChunkRequest request;
    request.set_run(to_field(plan_.run.span()));
    request.set_blob(to_field(id.span()));
    request.set_list(!ask.chunk);
    request.set_chunk(ask.chunk.value_or(0));
    ports_.network.start(
        plan_.endpoints[ask.holder], "/mutirao.v1.Train/Chunk",
        mutirao::Message::of(wire::serialize(request)), kChunkDeadline,
        [this, events = events_, id, ask](Result<Bytes> reply) {
            events->put([this, id, ask, reply = std::move(reply)] { arrived(id, ask, reply); });
        });
}

void RunMember::arrived(const Digest& id, const train::BlobFetch::Ask& ask,
                        const Result<Bytes>& reply) {
    const auto fetch = fetches_.find(id);
    if (fetch == fetches_.end()) return;
    v1::ChunkReply answer;
    if (!reply.ok() || !wire::parse(*reply, answer).ok()) {
        fetch->second.blob.failed(ask);
    } else if (auto status = fetch->second.blob.got(ask, as_bytes(answer.data())); !status.ok()) {
        LOG_WARN("worker " + std::to_string(ask.holder) + ": " + status.error().message);
    } else {
        fetch->second.progress_at = now();
        keep_chunk(id, fetch->second, ask.chunk, as_bytes(answer.data()));
    }
    drive(id, fetch->second);
}

void RunMember::finish_fetch(const Digest& id) {
    auto fetch = std::move(fetches_.at(id));
    fetches_.erase(id);
    const auto bytes = fetch.blob.take();
    auto status = fetch.member ? take_payload(*fetch.member, bytes, fetch.round) : Status();
    if (!status.ok()) {
        LOG_WARN("worker " + std::to_string(fetch.member->worker) + ": " + status.error().message);
        refused_.insert(id);
        return leave_out(fetch.member->worker);
    }
    const auto kept = ports_.store.put(fetch.round, bytes);
    if (!kept.ok()) return fail(kept.error());
    if (auto dropped = chunks_.drop(id); !dropped.ok()) return fail(dropped.error());
    if (fetch.member) say(agreement_.stored(id, now()));
}

// Whoever signs what cannot be merged has not kept the rules.
Status RunMember::take_payload(const train::Member& member, ByteSpan bytes, std::uint32_t round) {
    TRY(const auto payload, train::decode_payload(bytes));
    if (payload.run != plan_.run || payload.worker != member.worker || payload.round != round)
        return Error{ErrorKind::corrupt, "it signed a payload of another run, worker or round"};
    return ports_.check(payload);
}

}  // namespace mutirao::node
