// An object of a wallet's own, by name or content id, as the gateway's catalogue lists it.
#pragma once

#include "cli/session.hpp"

namespace mutirao::cli {

struct OwnedObject {
    std::string name;
    Digest content;
    std::uint64_t size = 0;
};

// not_found when the wallet has no such object.
Result<OwnedObject> find_object(Session& session, const crypto::AccountKey& wallet,
                                const std::string& name);

}  // namespace mutirao::cli
