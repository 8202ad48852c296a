#include "node/hot_service.hpp"

#include "mutirao/v1/hot.pb.h"
#include "node/wire/fields.hpp"

namespace mutirao::node {
namespace {

using wire::fixed_field;
using wire::to_field;

}  // namespace

Result<std::unique_ptr<HotService>> HotService::open(HotPorts ports, HotLimits limits) {
    TRY(std::shared_ptr<hot::SealedLevel> below,
        hot::SealedLevel::open(ports.disk, limits.disk_max));
    return std::unique_ptr<HotService>(new HotService(ports, limits, std::move(below)));
}

HotService::HotService(HotPorts ports, HotLimits limits, std::shared_ptr<hot::SealedLevel> below)
    : ports_(ports),
      below_(std::move(below)),
      store_(ports_.memory, below_, ports_.executor, limits.store),
      reads_(ports_.opener, store_, ports_.clock, ports_.random),
      door_(reads_, hot::LocalHello{{ports_.box_key.bytes}}, limits.door) {
    add_methods();
}

// A hint: whoever cannot be named is not.
std::string HotService::home_of(const hot::ShardName& name) {
    const auto ring = ports_.members.now();
    if (!ring.ok()) return {};
    const auto& home = (*ring)->members[(*ring)->ring.home(name)];
    return home.node == ports_.self ? std::string() : home.endpoint;
}

void HotService::add_methods() {
    service_.on<v1::HotHelloRequest, v1::HotHelloReply>(
        "/mutirao.v1.Hot/Hello", [this](const auto&) -> Result<v1::HotHelloReply> {
            v1::HotHelloReply out;
            out.set_box_key(to_field(ports_.box_key.span()));
            return out;
        });
    service_.on<v1::HotOpenRequest, v1::HotOpenReply>(
        "/mutirao.v1.Hot/Open", [this](const auto& in) -> Result<v1::HotOpenReply> {
            TRY(const auto opened, reads_.open(as_bytes(in.key_request())));
            TRY(const auto manifest, opened.object->manifest());
            v1::HotOpenReply out;
            out.set_read(to_field(opened.id.span()));
            out.set_manifest(to_field(manifest));
            out.set_life_ms(static_cast<std::uint64_t>(
                std::chrono::duration_cast<std::chrono::milliseconds>(hot::kReadLife).count()));
            return out;
        });
    service_.on<v1::HotReadRequest, v1::HotReadReply>(
        "/mutirao.v1.Hot/Read", [this](const auto& in) -> Result<v1::HotReadReply> {
            TRY(const auto id, fixed_field<hot::ReadId>(in.read()));
            TRY(const auto object, reads_.find(id));
            if (in.if_held() &&
                (in.index() >= object->shards() || !store_.holds(object->name(in.index()))))
                return Error{ErrorKind::unavailable, "the shard is not in memory here"};
            TRY(const auto shard, reads_.shard(id, in.index()));
            const auto bytes = shard->bytes();
            if (in.offset() > bytes.size() || in.size() > bytes.size() - in.offset())
                return Error{ErrorKind::invalid_argument,
                             "shard " + std::to_string(in.index()) + " has " +
                                 std::to_string(bytes.size()) + " bytes; there are none beyond"};
            v1::HotReadReply out;
            out.set_data(to_field(bytes.subspan(in.offset(), in.size())));
            out.set_home(home_of(object->name(in.index())));
            return out;
        });
    service_.on<v1::HotPrefetchRequest, v1::HotPrefetchReply>(
        "/mutirao.v1.Hot/Prefetch", [this](const auto& in) -> Result<v1::HotPrefetchReply> {
            TRY(const auto id, fixed_field<hot::ReadId>(in.read()));
            TRY(const auto object, reads_.find(id));
            v1::HotPrefetchReply out;
            out.set_begun(store_.prefetch(object, in.first(), in.count()));
            return out;
        });
    service_.on<v1::HotStatsRequest, v1::HotStatsReply>(
        "/mutirao.v1.Hot/Stats", [this](const auto&) -> Result<v1::HotStatsReply> {
            const auto stats = store_.stats();
            v1::HotStatsReply out;
            out.set_memory(stats.memory);
            out.set_memory_max(store_.memory_max());
            out.set_mapped(door_.leased());
            out.set_disk(below_->bytes());
            out.set_hits(stats.hits);
            out.set_disk_loads(stats.disk_loads);
            out.set_cold_loads(stats.cold_loads);
            out.set_disk_refused(stats.disk_refused);
            out.set_evictions(stats.evictions);
            return out;
        });
}

}  // namespace mutirao::node
