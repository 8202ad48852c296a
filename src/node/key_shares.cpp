#include "node/key_shares.hpp"

#include <algorithm>
#include <functional>
#include <optional>

#include "base/inbox.hpp"
#include "crypto/aead.hpp"
#include "mutirao/v1/rights.pb.h"
#include "node/wire/fields.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {
namespace {

using wire::to_field;

constexpr auto kDeadline = std::chrono::seconds(10);
constexpr std::uint64_t kRequestLifeMs = 5 * 60 * 1000;

// How long silent keepers are waited for once enough have answered, or before others are asked.
constexpr auto kPatience = std::chrono::milliseconds(400);

// Asks nodes in order, `first` of them at once and the others when patience ends or an answer was
// no help, until `enough` says so. Ends when all have answered.
template <class T>
void ask(Executor& executor, std::span<const Address> nodes, std::size_t first,
         const std::function<Result<T>(const Address&)>& call,
         const std::function<bool(Result<T>)>& enough) {
    auto answers = std::make_shared<Inbox<Result<T>>>();
    std::size_t asked = 0, open = 0;
    const auto ask_one = [&] {
        executor.post([answers, call, node = nodes[asked]] { answers->put(call(node)); });
        ++asked, ++open;
    };
    while (asked < std::min(first, nodes.size())) ask_one();
    while (open > 0) {
        auto answer =
            answers->take(asked < nodes.size() ? Duration(kPatience) : Duration(2 * kDeadline));
        if (!answer) {
            while (asked < nodes.size()) ask_one();
            continue;
        }
        --open;
        const bool failed = !answer->ok();
        if (enough(std::move(*answer))) return;
        if (failed && asked < nodes.size()) ask_one();
    }
}

}  // namespace

Result<std::uint32_t> KeyShares::keep(std::span<const ObjectKey> objects, const Address& owner,
                                      std::span<const Address> nodes) {
    const auto keepers = nodes.first(std::min<std::size_t>(nodes.size(), kKeepersMax));
    const auto count = static_cast<std::uint32_t>(keepers.size());
    const std::uint32_t threshold = count / 2 + 1;
    const std::uint32_t needed = std::min(count, threshold + 1);
    std::vector<v1::KeepRequest> requests(count);
    for (const auto& [manifest, key] : objects) {
        TRY(auto shares, crypto::split_key(key, threshold, count, random_));
        rights::KeptShare kept{
            manifest.content(), owner, static_cast<std::uint8_t>(threshold), {}, manifest.encode()};
        for (std::uint32_t i = 0; i < count; ++i) {
            kept.share = shares[i];
            requests[i].add_share(to_field(kept.encode()));
        }
    }
    auto answers = std::make_shared<Inbox<Result<v1::KeepReply>>>();
    for (std::uint32_t i = 0; i < count; ++i) {
        executor_.post([this, answers, keeper = keepers[i], request = std::move(requests[i])] {
            answers->put([&]() -> Result<v1::KeepReply> {
                TRY(auto peer, find_(keeper));
                return wire::call<v1::KeepReply>(network_, peer, "/mutirao.v1.Keeper/Keep", request,
                                                 kDeadline);
            }());
        });
    }
    std::uint32_t kept = 0;
    std::string first_failure;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto answer =
            answers->take(kept >= needed ? Duration(kPatience) : Duration(2 * kDeadline));
        if (!answer) break;
        if (answer->ok())
            ++kept;
        else if (first_failure.empty())
            first_failure = answer->error().message;
    }
    if (kept < needed)
        return Error{ErrorKind::unavailable,
                     "only " + std::to_string(kept) + " of " + std::to_string(count) +
                         " nodes keep a share of the key and " + std::to_string(needed) +
                         " must: " + first_failure};
    return kept;
}

Result<publish::Manifest> KeyShares::manifest(const Digest& content,
                                              std::span<const Address> nodes) {
    Result<publish::Manifest> out{Error{ErrorKind::unavailable, "there are no storage nodes"}};
    ask<publish::Manifest>(
        executor_, nodes, 2,
        [this, content](const Address& node) -> Result<publish::Manifest> {
            TRY(auto peer, find_(node));
            v1::ManifestRequest request;
            request.set_content(to_field(content.span()));
            TRY(auto reply, wire::call<v1::ManifestReply>(
                                network_, peer, "/mutirao.v1.Keeper/Manifest", request, kDeadline));
            TRY(auto manifest, publish::Manifest::decode(as_bytes(reply.manifest())));
            if (manifest.content() != content)
                return Error{ErrorKind::corrupt, "a keeper served another manifest"};
            return manifest;
        },
        [&](Result<publish::Manifest> found) {
            // "It is not here" from a node that answers says more than a node that does not.
            if (found.ok() || out.error().kind != ErrorKind::not_found) out = std::move(found);
            return out.ok();
        });
    return out;
}

Result<KeyShares::Released> KeyShares::release(const Address& node,
                                               const rights::KeyRequest& request,
                                               const crypto::BoxSecretKey& reply_to) {
    TRY(auto peer, find_(node));
    v1::ReleaseRequest call;
    call.set_key_request(to_field(request.encode()));
    TRY(auto reply, wire::call<v1::ReleaseReply>(network_, peer, "/mutirao.v1.Keeper/Release", call,
                                                 kDeadline));
    if (reply.index() == 0 || reply.index() > crypto::kSharesMax || reply.threshold() == 0 ||
        reply.threshold() > crypto::kSharesMax)
        return Error{ErrorKind::corrupt, "a keeper's answer is out of range"};
    rights::ReleasedShare released{static_cast<std::uint8_t>(reply.index()),
                                   static_cast<std::uint8_t>(reply.threshold()),
                                   to_bytes(as_bytes(reply.sealed()))};
    TRY(auto share, rights::open_share(released, request, reply_to));
    return Released{std::move(share), released.threshold};
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
    std::vector<crypto::KeyShare> shares;
    std::uint32_t threshold = 0;
    std::optional<crypto::Key> found;
    Error refused{ErrorKind::unavailable, "no keeper of the key answers"};
    const auto likely = std::min<std::size_t>(nodes.size(), kKeepersMax) / 2 + 1;
    ask<Released>(
        executor_, nodes, likely,
        [this, request, reply_to](const Address& node) { return release(node, request, reply_to); },
        [&](Result<Released> released) {
            if (!released.ok()) {
                if (refused.kind != ErrorKind::permission_denied)
                    refused = std::move(released).error();
                return false;
            }
            shares.push_back(released->share);
            threshold = std::max(threshold, released->threshold);
            if (shares.size() < threshold) return false;
            auto key = crypto::combine_committed(shares, threshold, known.key_commitment);
            if (key.ok()) found = *key;
            return key.ok();
        });
    if (found) return Opened{std::move(known), *found};
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
