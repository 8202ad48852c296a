// Who a node is: one secret file from which its account, its signing key and its box key derive.
#pragma once

#include "base/ports.hpp"
#include "crypto/account.hpp"
#include "crypto/bls.hpp"
#include "crypto/sealed_box.hpp"

namespace mutirao::node {

struct Identity {
    crypto::AccountKey account;
    crypto::BlsSecretKey bls;
    crypto::BoxSecretKey box;

    Address address() const { return account.address(); }

    // From 32 secret bytes; the same bytes give the same identity.
    static Result<Identity> derive(const Digest& secret);
    // Reads "identity.key" of the node's folder, or makes it. corrupt when the file is damaged.
    static Result<Identity> load_or_create(Disk& disk, Random& random);
};

}  // namespace mutirao::node
