// An object of a wallet's own, by name or content id, as the gateway's catalogue lists it.
#pragma once

#include "cli/session.hpp"
#include "publish/manifest.hpp"
#include "publish/owner_request.hpp"

namespace mutirao::cli {

struct OwnedObject {
    std::string name;
    Digest content;
    std::uint64_t size = 0;
};

// not_found when the wallet has no such object.
Result<OwnedObject> find_object(Session& session, const crypto::AccountKey& wallet,
                                const std::string& name);

// The blocks of an object that the wallet may read.
Result<publish::Manifest> manifest_of(Session& session, const crypto::AccountKey& wallet,
                                      const Digest& content);

// What the wallet asks of the gateway's catalogue, signed, good for a few minutes.
publish::OwnerRequest owner_request(Session& session, const crypto::AccountKey& wallet,
                                    publish::OwnerAction action, const std::string& name,
                                    const Digest& content);

}  // namespace mutirao::cli
