#include "node/storage_calls.hpp"

#include "base/codec.hpp"
#include "block/share_message.hpp"
#include "mutirao/v1/storage.pb.h"
#include "node/wire/fields.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {
namespace {

using wire::to_field;

constexpr auto kDeadline = std::chrono::seconds(20);
// What a call that moves many bytes may take: some seconds, and longer over slow links.
constexpr auto kShortest = std::chrono::seconds(10);
constexpr std::uint64_t kSlowestLink = 64 << 10;  // bytes a second

Duration deadline_for(std::size_t bytes) {
    return kShortest + std::chrono::seconds(bytes / kSlowestLink);
}

Result<std::optional<crypto::BlsSignature>> signature_in(const Result<Bytes>& answer) {
    if (!answer.ok()) return Error(answer.error());
    if (answer->empty()) return std::optional<crypto::BlsSignature>{};
    TRY(auto signature, crypto::BlsSignature::from_bytes(*answer));
    return std::optional(signature);
}

Result<publish::ServedRows> rows_in(Result<Bytes> answer) {
    TRY(auto bytes, std::move(answer));
    auto owner = std::make_shared<const Bytes>(std::move(bytes));
    TRY(auto served, block::ServedMessage::decode(*owner));
    return publish::ServedRows{std::move(served.slots), owner};
}

}  // namespace

NetworkStorageCalls::NetworkStorageCalls(Network& network, Network& data, Executor& executor,
                                         FindEndpoint find)
    : network_(network),
      data_(data),
      executor_(executor),
      find_(std::move(find)),
      endpoints_(std::make_shared<Endpoints>()) {}

void NetworkStorageCalls::start(const Address& node, std::string_view method, Message request,
                                std::size_t bytes, Network::Done done) {
    // A node that cannot be reached may have moved.
    auto answered = [endpoints = endpoints_, node, done = std::move(done)](Result<Bytes> answer) {
        if (!answer.ok() && answer.error().kind == ErrorKind::unavailable) {
            const std::lock_guard lock(endpoints->mutex);
            endpoints->known.erase(node);
        }
        done(std::move(answer));
    };
    std::string peer;
    {
        const std::lock_guard lock(endpoints_->mutex);
        if (const auto at = endpoints_->known.find(node); at != endpoints_->known.end())
            peer = at->second;
    }
    if (!peer.empty())
        return data_.start(peer, method, std::move(request), deadline_for(bytes), answered);
    executor_.post([this, node, method, request = std::move(request), bytes, answered]() mutable {
        auto found = find_(node);
        if (!found.ok()) return answered(std::move(found).error());
        {
            const std::lock_guard lock(endpoints_->mutex);
            endpoints_->known[node] = *found;
        }
        data_.start(*found, method, std::move(request), deadline_for(bytes), answered);
    });
}

void NetworkStorageCalls::put(const Address& node, publish::SharePart part, Stored done) {
    struct Owner {
        Bytes head;
        std::shared_ptr<const void> rows;
    };
    block::ShareMessage share{part.id, part.epoch, part.sign, part.statement,
                              std::move(part.slots)};
    auto owner = std::make_shared<const Owner>(Owner{share.encode_head(), std::move(part.owner)});
    Message message{{ByteSpan(owner->head)}, owner};
    for (const auto& slot : share.slots)
        message.pieces.insert(message.pieces.end(), slot.rows.begin(), slot.rows.end());
    const auto bytes = message.size();
    start(node, kPutFragments, std::move(message), bytes,
          [done = std::move(done)](auto answer) { done(signature_in(answer)); });
}

void NetworkStorageCalls::statement(const Address& node, const BlockId& id, Stated done) {
    start(node, kReadStatement, Message::of(to_bytes(id.span())), 0, std::move(done));
}

void NetworkStorageCalls::rows(const Address& node, const BlockId& id,
                               std::vector<std::uint32_t> indexes, Served done) {
    Writer out;
    out.raw(id.span());
    for (const auto index : indexes) out.u(index);
    start(node, kReadFragments, Message::of(std::move(out).take()), publish::kServedBytesMax / 4,
          [done = std::move(done)](auto answer) { done(rows_in(std::move(answer))); });
}

Status NetworkStorageCalls::drop(const Address& node, const BlockId& id) {
    TRY(auto peer, find_(node));
    v1::DropRequest request;
    request.set_block(to_field(id.span()));
    TRY(auto reply,
        wire::call<v1::DropReply>(network_, peer, "/mutirao.v1.Storage/Drop", request, kDeadline));
    return {};
}

}  // namespace mutirao::node
