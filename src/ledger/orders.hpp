// Orders: calls that an account signs and anybody brings to the ledger, paying the gas (EIP-712
// typed data, so that a wallet shows what it signs). A session key, such as a machine's, may sign
// for an account within the limits that the account granted it. Module 0x...6d7508, interface in
// docs/reference/abi/IOrders.sol. Pure; any thread.
#pragma once

#include <string_view>

#include "ledger/calls.hpp"

namespace mutirao::ledger {

// "Whoever brings this may have `account` make this call."
struct Order {
    Address account;
    Address to;    // a module, or whom the value is for
    Amount value;  // of the account's own money
    Bytes data;
    Amount fee;                     // from the account to whoever relays the order
    std::uint64_t nonce = 0;        // the signer's next one for this account
    std::uint64_t deadline_ms = 0;  // block time; not later
    crypto::AccountSignature signature;

    // EIP-712's hash of the order, for this chain and the module's address.
    Digest hash(std::uint64_t chain_id) const;
    void sign(const crypto::AccountKey& key, std::uint64_t chain_id) {
        signature = key.sign(hash(chain_id));
    }
    // Whose signature it is; 50 us. permission_denied when it is nobody's.
    Result<Address> signer(std::uint64_t chain_id) const {
        return crypto::recover(hash(chain_id), signature);
    }
};

// What one signer may do and has done for an account. An account's own is for its nonce only.
struct OrderKey {
    Address account;
    Address signer;
    std::uint64_t nonce = 0;  // of its next order; never goes back
    Address to;               // the only address that its orders may call; zero: none
    Amount limit;             // of values and fees together
    Amount spent;
    std::uint64_t expires_ms = 0;
    template <class V>
    void fields(V& visit) {
        visit(account), visit(signer), visit(nonce), visit(to), visit(limit), visit(spent);
        visit(expires_ms);
    }
};

inline constexpr std::size_t kOrderDataMax = 96 * 1024;  // bytes
inline constexpr std::uint64_t kOrderKeyLifeMaxMs = 400ull * 24 * 3600 * 1000;

namespace module {
Address orders();
}

namespace key {
Bytes order_key(const Address& account, const Address& signer);
Bytes order_keys(const Address& account);  // prefix for scans
}  // namespace key

namespace signature {
inline constexpr std::string_view kRelay =
    "relay(address,address,uint256,bytes,uint256,uint64,uint64,bytes)";
inline constexpr std::string_view kAuthorise = "authorise(address,address,uint256,uint64)";
inline constexpr std::string_view kRevokeSigner = "revokeSigner(address)";
inline constexpr std::string_view kCancelOrders = "cancelOrders(uint64)";
}  // namespace signature

namespace view_signature {
inline constexpr std::string_view kOrderKey = "orderKey(address,address)";
inline constexpr std::string_view kDomainSeparator = "domainSeparator()";
}  // namespace view_signature

Call relay(const Order& order);
struct SignerLimits {
    Address to;
    Amount limit;
    std::uint64_t expires_ms = 0;
};
Call authorise(const Address& signer, const SignerLimits& limits);
Call revoke_signer(const Address& signer);
// Orders of the sender with a lower nonce are good no more.
Call cancel_orders(std::uint64_t next_nonce);

// EIP-712's domain: name "Mutirao", version "1", the chain's id, the module's address.
Digest order_domain(std::uint64_t chain_id);

// Nothing was ever done or granted: all zero.
Result<OrderKey> order_key_of(const StateView& state, const Address& account,
                              const Address& signer);

}  // namespace mutirao::ledger
