// An object's key as shares at its keepers: handing them out, and gathering enough of them back.
#pragma once

#include <vector>

#include "base/ports.hpp"
#include "crypto/sealed_box.hpp"
#include "node/storage_calls.hpp"
#include "publish/manifest.hpp"
#include "rights/keeper.hpp"
#include "rights/key_request.hpp"

namespace mutirao::node {

inline constexpr std::uint32_t kKeepersMax = 16;

// Any thread.
class KeyShares {
  public:
    // What it is given must outlive it and the calls that it leaves behind in the executor.
    KeyShares(Network& network, Random& random, Executor& executor, FindEndpoint find)
        : network_(network), random_(random), executor_(executor), find_(std::move(find)) {}

    struct ObjectKey {
        publish::Manifest manifest;
        crypto::Key key;
    };
    // Splits each key among at most kKeepersMax of `nodes` so that any half of them plus one give
    // it back. unavailable when fewer than that many, plus one to spare where there are more, keep
    // their share. Keepers are asked side by side, and silent ones are not waited for. Returns how
    // many keep it. At most publish::kTogetherMax objects, one message to each keeper.
    Result<std::uint32_t> keep(std::span<const ObjectKey> objects, const Address& owner,
                               std::span<const Address> nodes);

    using Opened = ObjectKey;
    // Asks every node for its share with a request signed by `requester` (zero `run`: as owner) and
    // combines them. permission_denied when that is what the keepers said, not_found when none
    // knows the content, unavailable when too few answered.
    Result<Opened> open(const Digest& content, const Digest& run,
                        const crypto::AccountKey& requester, const crypto::BoxSecretKey& reply_to,
                        std::uint64_t now_unix_ms, std::span<const Address> nodes);
    // The same with a request that somebody else signed and whose answers `reply_to` opens.
    Result<Opened> open(const rights::KeyRequest& request, const crypto::BoxSecretKey& reply_to,
                        std::span<const Address> nodes);

    // Makes every keeper forget its share; returns how many did.
    std::uint32_t forget(const rights::KeyRequest& request, std::span<const Address> nodes);

  private:
    struct Released {
        crypto::KeyShare share;
        std::uint32_t threshold = 0;
    };
    Result<publish::Manifest> manifest(const Digest& content, std::span<const Address> nodes);
    Result<Released> release(const Address& node, const rights::KeyRequest& request,
                             const crypto::BoxSecretKey& reply_to);

    Network& network_;
    Random& random_;
    Executor& executor_;
    const FindEndpoint find_;
};

}  // namespace mutirao::node
