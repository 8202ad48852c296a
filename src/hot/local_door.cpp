#include "hot/local_door.hpp"

namespace mutirao::hot {
namespace {

LocalOpened describe(const OpenObject& object) {
    LocalOpened out;
    out.shards = object.shards();
    out.shard_size = object.size(0);
    for (std::uint32_t i = 0; i < out.shards; ++i) {
        out.size += object.size(i);
        if (i + 1 < out.shards && object.size(i) != object.size(0)) out.shard_size = 0;
    }
    out.life_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(kReadLife).count());
    return out;
}

}  // namespace

Result<LocalMessage> LocalDoor::answer(std::uint64_t client, ByteSpan bytes) {
    TRY(const auto request, LocalRequest::decode(bytes));
    LocalMessage out;
    Result<Bytes> body = Bytes();
    switch (request.verb) {
        case LocalVerb::hello: body = hello_.encode(); break;
        case LocalVerb::open: body = open(client, request); break;
        case LocalVerb::map:
            if (auto shard = map(client, request); shard.ok())
                out.memory = std::move(*shard);
            else
                body = std::move(shard).error();
            break;
        case LocalVerb::release:
        case LocalVerb::close: release(client, request); break;
    }
    out.bytes = encode_answer(body);
    return out;
}

Result<Bytes> LocalDoor::open(std::uint64_t client, const LocalRequest& request) {
    {
        const std::lock_guard lock(mutex_);
        if (clients_[client].reads.size() >= limits_.reads_max)
            return Error{ErrorKind::resource_exhausted, "this connection has " +
                                                            std::to_string(limits_.reads_max) +
                                                            " objects open; close one first"};
    }
    TRY(const auto opened, reads_.open(request.credential));
    auto out = describe(*opened.object);
    const std::lock_guard lock(mutex_);
    auto& known = clients_[client];
    out.read = ++known.opened;
    known.reads[out.read] = opened.id;
    return out.encode();
}

Result<HeldShard> LocalDoor::map(std::uint64_t client, const LocalRequest& request) {
    ReadId id;
    {
        const std::lock_guard lock(mutex_);
        auto& known = clients_[client];
        const auto at = known.reads.find(request.read);
        if (at == known.reads.end())
            return Error{ErrorKind::not_found, "this connection has not opened the read"};
        if (known.leases.size() >= limits_.leases_max &&
            !known.leases.contains({request.read, request.index}))
            return Error{ErrorKind::resource_exhausted, "this reader maps " +
                                                            std::to_string(limits_.leases_max) +
                                                            " shards; let some go first"};
        id = at->second;
    }
    TRY(auto shard, reads_.shard(id, request.index));
    if (shard->descriptor() < 0)
        return Error{ErrorKind::unimplemented, "this node's memory cannot be mapped by others"};
    const std::lock_guard lock(mutex_);
    auto& known = clients_[client];
    const Place place{request.read, request.index};
    if (known.leases.contains(place)) return shard;
    const auto size = shard->bytes().size();
    if (leased_ + size > limits_.leased_max)
        return Error{ErrorKind::resource_exhausted,
                     "local readers map " + std::to_string(leased_) + " of at most " +
                         std::to_string(limits_.leased_max) +
                         " bytes; let some shards go, or read this one through the node's calls"};
    leased_ += size;
    known.leases.emplace(place, shard);
    return shard;
}

void LocalDoor::release_read(Client& client, std::uint64_t read) {
    const auto from = client.leases.lower_bound({read, 0});
    const auto to = client.leases.upper_bound({read, ~0u});
    for (auto at = from; at != to; ++at) leased_ -= at->second->bytes().size();
    client.leases.erase(from, to);
    if (const auto at = client.reads.find(read); at != client.reads.end()) {
        reads_.close(at->second);
        client.reads.erase(at);
    }
}

void LocalDoor::release(std::uint64_t client, const LocalRequest& request) {
    const std::lock_guard lock(mutex_);
    auto& known = clients_[client];
    if (request.verb == LocalVerb::close) return release_read(known, request.read);
    const auto at = known.leases.find({request.read, request.index});
    if (at == known.leases.end()) return;
    leased_ -= at->second->bytes().size();
    known.leases.erase(at);
}

void LocalDoor::gone(std::uint64_t client) {
    const std::lock_guard lock(mutex_);
    const auto at = clients_.find(client);
    if (at == clients_.end()) return;
    while (!at->second.reads.empty()) release_read(at->second, at->second.reads.begin()->first);
    clients_.erase(at);
}

std::uint64_t LocalDoor::leased() const {
    const std::lock_guard lock(mutex_);
    return leased_;
}

}  // namespace mutirao::hot
