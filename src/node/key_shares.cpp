#include "node/key_shares.hpp"

#include <algorithm>

#include "crypto/aead.hpp"
#include "mutirao/v1/rights.pb.h"
#include "node/wire/fields.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {
namespace {

using wire::to_field;

constexpr auto kDeadline = std::chrono::seconds(10);
constexpr std::uint64_t kRequestLifeMs = 5 * 60 * 1000;

}  // namespace

Result<std::uint32_t> KeyShares::keep(const publish::Manifest& manifest, const crypto::Key& key,
                                      const Address& owner, std::span<const Address> nodes) {
    const auto keepers = nodes.first(std::min<std::size_t>(nodes.size(), kKeepersMax));
    const auto count = static_cast<std::uint32_t>(keepers.size());
    const std::uint32_t threshold = count / 2 + 1;
    TRY(auto shares, rights::split(key, threshold, count, random_));
    std::uint32_t kept = 0;
    std::string first_failure;
    for (std::uint32_t i = 0; i < count; ++i) {
        const rights::KeptShare share{manifest.content(), owner,
                                      static_cast<std::uint8_t>(threshold), shares[i],
                                      manifest.encode()};
        const auto done = [&]() -> Status {
            TRY(auto peer, find_(keepers[i]));
            v1::KeepRequest request;
            request.set_share(to_field(share.encode()));
            TRY(auto reply, wire::call<v1::KeepReply>(network_, peer, "/mutirao.v1.Keeper/Keep",
                                                      request, kDeadline));
            return {};
        }();
        if (done.ok())
            ++kept;
        else if (first_failure.empty())
            first_failure = done.error().message;
    }
    const std::uint32_t needed = std::min(count, threshold + 1);
    if (kept < needed)
        return Error{ErrorKind::unavailable,
                     "only " + std::to_string(kept) + " of " + std::to_string(count) +
                         " nodes keep a share of the key and " + std::to_string(needed) +
                         " must: " + first_failure};
    return kept;
}

Result<publish::Manifest> KeyShares::manifest(const Digest& content,
                                              std::span<const Address> nodes) {
    Error last{ErrorKind::unavailable, "there are no storage nodes"};
    for (const auto& node : nodes) {
        auto found = [&]() -> Result<publish::Manifest> {
            TRY(auto peer, find_(node));
            v1::ManifestRequest request;
            request.set_content(to_field(content.span()));
            TRY(auto reply, wire::call<v1::ManifestReply>(
                                network_, peer, "/mutirao.v1.Keeper/Manifest", request, kDeadline));
            TRY(auto manifest, publish::Manifest::decode(as_bytes(reply.manifest())));
            if (manifest.content() != content)
                return Error{ErrorKind::corrupt, "a keeper served another manifest"};
            return manifest;
        }();
        if (found.ok()) return found;
        // "It is not here" from a node that answers says more than a node that does not.
        if (last.kind != ErrorKind::not_found) last = std::move(found).error();
    }
    return last;
}

Result<rights::KeyShare> KeyShares::release(const Address& node, const rights::KeyRequest& request,
                                            const crypto::BoxSecretKey& reply_to,
                                            std::uint32_t& threshold) {
    TRY(auto peer, find_(node));
    v1::ReleaseRequest call;
    call.set_key_request(to_field(request.encode()));
    TRY(auto reply, wire::call<v1::ReleaseReply>(network_, peer, "/mutirao.v1.Keeper/Release", call,
                                                 kDeadline));
    if (reply.index() == 0 || reply.index() > rights::kSharesMax || reply.threshold() == 0 ||
        reply.threshold() > rights::kSharesMax)
        return Error{ErrorKind::corrupt, "a keeper's answer is out of range"};
    rights::ReleasedShare released{static_cast<std::uint8_t>(reply.index()),
                                   static_cast<std::uint8_t>(reply.threshold()),
                                   to_bytes(as_bytes(reply.sealed()))};
    TRY(auto share, rights::open_share(released, request, reply_to));
    threshold = std::max<std::uint32_t>(threshold, released.threshold);
    return share;
}

Result<KeyShares::Opened> KeyShares::open(const Digest& content, const Digest& run,
                                          const crypto::AccountKey& requester,
                                          const crypto::BoxSecretKey& reply_to,
                                          std::uint64_t now_unix_ms,
                                          std::span<const Address> nodes) {
    rights::KeyRequest request;
    request.content = content;
    request.run = run;
    request.reply_to = reply_to.public_key();
    request.expires_unix_ms = now_unix_ms + kRequestLifeMs;
    request.sign(requester);
    return open(request, reply_to, nodes);
}

Result<KeyShares::Opened> KeyShares::open(const rights::KeyRequest& request,
                                          const crypto::BoxSecretKey& reply_to,
                                          std::span<const Address> nodes) {
    TRY(auto known, manifest(request.content, nodes));
    std::vector<rights::KeyShare> shares;
    std::uint32_t threshold = 0;
    Error refused{ErrorKind::unavailable, "no keeper of the key answers"};
    for (const auto& node : nodes) {
        auto share = release(node, request, reply_to, threshold);
        if (share.ok()) {
            shares.push_back(*share);
            if (shares.size() < threshold) continue;
            if (auto key = rights::combine_committed(shares, threshold, known.key_commitment);
                key.ok())
                return Opened{std::move(known), *key};
        } else if (refused.kind != ErrorKind::permission_denied) {
            refused = std::move(share).error();
        }
    }
    if (shares.empty() || refused.kind == ErrorKind::permission_denied) return refused;
    return Error{ErrorKind::unavailable, "only " + std::to_string(shares.size()) +
                                             " good shares of the key of the " +
                                             std::to_string(threshold) + " needed"};
}

std::uint32_t KeyShares::forget(const rights::KeyRequest& request, std::span<const Address> nodes) {
    std::uint32_t done = 0;
    for (const auto& node : nodes) {
        auto peer = find_(node);
        if (!peer.ok()) continue;
        v1::ForgetRequest call;
        call.set_key_request(to_field(request.encode()));
        done += wire::call<v1::ForgetReply>(network_, *peer, "/mutirao.v1.Keeper/Forget", call,
                                            kDeadline)
                    .ok();
    }
    return done;
}

}  // namespace mutirao::node
