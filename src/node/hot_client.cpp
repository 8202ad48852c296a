#include "node/hot_client.hpp"

#include <algorithm>

#include "mutirao/v1/hot.pb.h"
#include "mutirao/v1/publish.pb.h"
#include "node/wire/fields.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {
namespace {

using wire::to_field;

constexpr auto kDeadline = std::chrono::seconds(30);  // a cold read of a block may be behind it
constexpr auto kRest = std::chrono::seconds(2);

bool is_final(const Error& error) {
    return error.kind == ErrorKind::permission_denied || error.kind == ErrorKind::invalid_argument;
}

}  // namespace

Status HotClient::keep_manifest(const std::string& field) {
    TRY(auto manifest, publish::Manifest::decode(as_bytes(field)));
    if (manifest.content() != content_)
        return Error{ErrorKind::corrupt, "a node answered with another object's manifest"};
    const std::lock_guard lock(mutex_);
    if (!manifest_) manifest_ = std::make_shared<const publish::Manifest>(std::move(manifest));
    return {};
}

Result<std::string> HotClient::session(const HotMember& member, bool cold, bool anew) {
    {
        const std::lock_guard lock(mutex_);
        auto& known = sessions_[member.node];
        const auto& id = cold ? known.cold : known.hot;
        if (!anew && !id.empty()) return id;
    }
    std::string id, manifest;
    if (cold) {
        v1::OpenReadRequest request;
        request.set_content(to_field(content_.span()));
        request.set_key_request(to_field(credential_(member.box_key)));
        TRY(const auto reply,
            wire::call<v1::OpenReadReply>(network_, member.endpoint, "/mutirao.v1.Publish/OpenRead",
                                          request, kDeadline));
        id = reply.read();
        manifest = reply.manifest();
    } else {
        v1::HotOpenRequest request;
        request.set_key_request(to_field(credential_(member.box_key)));
        TRY(const auto reply,
            wire::call<v1::HotOpenReply>(network_, member.endpoint, "/mutirao.v1.Hot/Open", request,
                                         kDeadline));
        id = reply.read();
        manifest = reply.manifest();
    }
    TRY_VOID(keep_manifest(manifest));
    const std::lock_guard lock(mutex_);
    auto& known = sessions_[member.node];
    (cold ? known.cold : known.hot) = id;
    return id;
}

Result<Bytes> HotClient::ask(const HotMember& member, From from, std::uint32_t index,
                             std::uint64_t offset, std::uint64_t size) {
    const bool cold = from == From::cold;
    for (const bool anew : {false, true}) {
        TRY(const auto id, session(member, cold, anew));
        auto data = [&]() -> Result<Bytes> {
            if (cold) {
                v1::ReadRangeRequest request;
                request.set_read(id), request.set_index(index);
                request.set_offset(offset), request.set_size(size);
                TRY(const auto reply, wire::call<v1::ReadRangeReply>(
                                          network_, member.endpoint,
                                          "/mutirao.v1.Publish/ReadRange", request, kDeadline));
                return to_bytes(as_bytes(reply.data()));
            }
            v1::HotReadRequest request;
            request.set_read(id), request.set_index(index);
            request.set_offset(offset), request.set_size(size);
            request.set_if_held(from == From::memory);
            TRY(const auto reply,
                wire::call<v1::HotReadReply>(network_, member.endpoint, "/mutirao.v1.Hot/Read",
                                             request, kDeadline));
            return to_bytes(as_bytes(reply.data()));
        }();
        if (data.ok() && data->size() != size)
            return Error{ErrorKind::corrupt, "a node answered with another number of bytes"};
        // A node that began anew, or forgot the read, has it opened once more.
        if (data.ok() || data.error().kind != ErrorKind::not_found || anew) return data;
    }
    return Error{ErrorKind::unavailable, "a node forgets what is opened"};
}

std::vector<HotMember> HotClient::in_order(const HotRing& ring, std::uint32_t index) {
    const std::lock_guard lock(mutex_);
    std::vector<HotMember> out;
    if (!manifest_) {
        out = ring.members;
    } else {
        const hot::ShardName name{content_, manifest_->blocks[index].id};
        for (const auto at : ring.ring.order(name)) out.push_back(ring.members[at]);
    }
    const auto now = clock_.monotonic();
    std::stable_partition(out.begin(), out.end(), [&](const HotMember& member) {
        const auto at = failed_at_.find(member.node);
        return at == failed_at_.end() || now - at->second >= kRest;
    });
    return out;
}

Result<std::shared_ptr<const publish::Manifest>> HotClient::manifest() {
    {
        const std::lock_guard lock(mutex_);
        if (manifest_) return manifest_;
    }
    TRY(const auto ring, members_.now());
    Error last{ErrorKind::unavailable, "no node keeps hot shards"};
    for (const auto& member : ring->members) {
        {
            const std::lock_guard lock(mutex_);
            if (manifest_) return manifest_;
        }
        auto opened = session(member, false, false);
        if (opened.ok()) continue;
        if (is_final(opened.error())) return std::move(opened).error();
        last = std::move(opened).error();
    }
    const std::lock_guard lock(mutex_);
    if (manifest_) return manifest_;
    return last;
}

Result<Bytes> HotClient::read(std::uint32_t index, std::uint64_t offset, std::uint64_t size) {
    TRY(const auto known, manifest());
    if (index >= known->blocks.size())
        return Error{ErrorKind::invalid_argument,
                     "the object has " + std::to_string(known->blocks.size()) + " shards"};
    TRY(const auto ring, members_.now());
    Error last{ErrorKind::unavailable, "no node keeps hot shards"};
    const auto order = in_order(*ring, index);
    for (const bool cold : {false, true})
        for (const auto& member : order) {
            if (cold && !member.gateway) continue;
            auto data = ask(member, cold ? From::cold : From::hot, index, offset, size);
            if (data.ok() || is_final(data.error())) return data;
            last = std::move(data).error();
            const std::lock_guard lock(mutex_);
            failed_at_[member.node] = clock_.monotonic();
        }
    return last;
}

Result<Bytes> HotClient::read_if_held(const publish::Manifest& manifest, std::uint32_t index,
                                      std::uint64_t offset, std::uint64_t size) {
    TRY(const auto ring, members_.now());
    const auto home = ring->ring.home({content_, manifest.blocks[index].id});
    return ask(ring->members[home], From::memory, index, offset, size);
}

}  // namespace mutirao::node
