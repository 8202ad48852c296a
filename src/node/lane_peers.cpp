#include "node/lane_peers.hpp"

#include <condition_variable>

namespace mutirao::node {
namespace {

constexpr auto kKeepDeadline = std::chrono::seconds(3);
constexpr auto kGetDeadline = std::chrono::seconds(3);
constexpr unsigned kBusyMax = 8;  // calls to one peer

}  // namespace

// Shared with calls that end after a quorum was there.
struct LanePeers::Gathering {
    LaneKeepersPtr keepers;
    Bytes request;
    Bytes message;  // that keepers sign

    std::mutex mutex;  // guards everything below
    std::condition_variable changed;
    std::vector<lane::Acknowledgement> given;
    std::uint64_t votes = 0;
    std::size_t open = 0;  // calls
    Error refusal{ErrorKind::unavailable, "nobody was asked"};
};

bool LanePeers::enter(const std::string& peer) {
    const std::lock_guard lock(mutex_);
    auto& busy = busy_[peer];
    if (busy == kBusyMax) return false;
    ++busy;
    return true;
}

void LanePeers::leave(const std::string& peer) {
    const std::lock_guard lock(mutex_);
    if (const auto at = busy_.find(peer); --at->second == 0) busy_.erase(at);
}

void LanePeers::ask(const std::shared_ptr<Gathering>& gathering, const Asked& asked) {
    auto answer = door_.network.call(asked.peer, kKeepBatch, gathering->request, kKeepDeadline);
    leave(asked.peer);
    const auto& keepers = gathering->keepers->keepers;
    auto signature = answer.ok() ? crypto::BlsSignature::from_bytes(*answer)
                                 : Result<crypto::BlsSignature>(std::move(answer).error());
    if (signature.ok() &&
        !crypto::verify_aggregate({&keepers.keys[asked.keeper], 1}, gathering->message, *signature))
        signature =
            Error{ErrorKind::permission_denied, "keeper " + asked.peer + " signed something else"};
    const std::lock_guard lock(gathering->mutex);
    --gathering->open;
    if (signature.ok()) {
        gathering->given.push_back({asked.keeper, *signature});
        gathering->votes += keepers.votes[asked.keeper];
    } else {
        gathering->refusal = std::move(signature).error();
    }
    gathering->changed.notify_all();
}

Result<std::vector<lane::Acknowledgement>> LanePeers::gather(LaneKeepersPtr keepers,
                                                             const lane::BatchStatement& batch,
                                                             std::uint64_t until, ByteSpan encoded,
                                                             const lane::Acknowledgement& own) {
    const auto gathering = std::make_shared<Gathering>();
    gathering->keepers = keepers;
    gathering->request = lane::KeepRequest{until, to_bytes(encoded)}.encode();
    gathering->message = batch.kept_message(chain_id_, until);
    gathering->given = {own};
    gathering->votes = keepers->keepers.votes[own.keeper];
    const auto quorum = keepers->keepers.quorum();
    for (std::uint32_t i = 0; i < keepers->peers.size(); ++i) {
        if (i == own.keeper || !enter(keepers->peers[i])) continue;
        {
            const std::lock_guard lock(gathering->mutex);
            ++gathering->open;
        }
        door_.executor.post(
            [this, gathering, asked = Asked{i, keepers->peers[i]}] { ask(gathering, asked); });
    }
    std::unique_lock lock(gathering->mutex);
    gathering->changed.wait(lock,
                            [&] { return gathering->votes >= quorum || gathering->open == 0; });
    if (gathering->votes >= quorum) return gathering->given;
    return Error{ErrorKind::unavailable, "keepers with " + std::to_string(gathering->votes) +
                                             " of " + std::to_string(keepers->keepers.all_votes()) +
                                             " votes keep the batch, " + std::to_string(quorum) +
                                             " needed; send the same batch again. Another said: " +
                                             gathering->refusal.message};
}

Result<lane::Batch> LanePeers::get(const LaneKeepers& keepers,
                                   const lane::Certificate& certificate) {
    std::vector<std::string> order;
    for (const auto place : certificate.signer_places())
        if (place < keepers.peers.size() && place != keepers.self)
            order.push_back(keepers.peers[place]);
    order.insert(order.end(), door_.more.begin(), door_.more.end());
    for (std::uint32_t i = 0; i < keepers.peers.size(); ++i)
        if (i != keepers.self) order.push_back(keepers.peers[i]);
    const auto request = certificate.batch.encode();
    Error failure{ErrorKind::not_found, "no other ledger is known that may have the batch"};
    for (const auto& peer : order) {
        const auto answer = door_.network.call(peer, kGetBatch, request, kGetDeadline);
        auto batch = answer.ok() ? lane::Batch::decode(*answer)
                                 : Result<lane::Batch>(Error(answer.error()).within(peer));
        if (batch.ok() && batch->statement() == certificate.batch) return batch;
        failure = batch.ok() ? Error{ErrorKind::corrupt, peer + " gave another batch"}
                             : std::move(batch).error();
    }
    return failure;
}

}  // namespace mutirao::node
