#include "node/licensed_object.hpp"

#include <algorithm>

#include "rights/key_request.hpp"

namespace mutirao::node {
namespace {

using namespace std::chrono_literals;

constexpr auto kCold = 60s;  // before a block that was not hot is asked for again
constexpr std::uint64_t kRequestLifeMs = 5 * 60 * 1000;

Credential credential(const LicensedPorts& ports, const Identity& identity, const Digest& content,
                      const Digest& run) {
    return [&clock = ports.clock, &identity, content, run](const crypto::BoxPublicKey& reply_to) {
        rights::KeyRequest request;
        request.content = content;
        request.run = run;
        request.reply_to = reply_to;
        request.expires_unix_ms = clock.unix_ms() + kRequestLifeMs;
        request.sign(identity.account);
        return request.encode();
    };
}

}  // namespace

Result<std::shared_ptr<RunObject>> LicensedObject::open(const LicensedPorts& ports,
                                                        const Identity& identity,
                                                        const Digest& content, const Digest& run) {
    TRY(auto opened, ports.objects.open(content, run, identity.account, identity.box));
    return std::shared_ptr<RunObject>(new LicensedObject(ports, identity, run, std::move(opened)));
}

LicensedObject::LicensedObject(const LicensedPorts& ports, const Identity& identity,
                               const Digest& run, KeyShares::Opened object)
    : ports_(ports),
      object_(std::move(object)),
      hot_(ports_.network, ports_.clock, ports_.hot_members, object_.manifest.content(),
           credential(ports_, identity, object_.manifest.content(), run)) {}

Result<Bytes> LicensedObject::read_block(std::uint32_t index, std::uint64_t offset,
                                         std::uint64_t size) {
    const auto now = ports_.clock.monotonic();
    bool may_be_hot = false;
    {
        const std::lock_guard lock(mutex_);
        may_be_hot = cold_until_.contains(index) ? cold_until_.at(index) <= now : true;
    }
    if (may_be_hot) {
        auto bytes = hot_.read_if_held(object_.manifest, index, offset, size);
        if (bytes.ok()) return bytes;
        const std::lock_guard lock(mutex_);
        cold_until_[index] = now + kCold;
    }
    TRY(auto read, ports_.objects.read_range(object_.manifest, object_.key, index, offset, size));
    return std::move(read.plain);
}

Result<Bytes> LicensedObject::read(std::uint64_t offset, std::uint64_t size) {
    Bytes out;
    out.reserve(size);
    const auto& blocks = object_.manifest.blocks;
    for (std::uint32_t i = 0; i < blocks.size() && size > 0; ++i) {
        if (offset >= blocks[i].plain_size) {
            offset -= blocks[i].plain_size;
            continue;
        }
        const auto part = std::min(size, blocks[i].plain_size - offset);
        TRY(const auto bytes, read_block(i, offset, part));
        out.insert(out.end(), bytes.begin(), bytes.end());
        size -= part;
        offset = 0;
    }
    if (size > 0) return Error{ErrorKind::invalid_argument, "the object ends before these bytes"};
    return out;
}

}  // namespace mutirao::node
