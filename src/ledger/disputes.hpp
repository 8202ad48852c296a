// Disputes about answers. Part of the module Compute; interface in docs/reference/abi/ICompute.sol,
// reasons in docs/decisions/0025. Pure; any thread.
//
// What a provider signed wrongly is proven by its receipts (compute/inference.hpp) alone and
// slashes it. What no bytes can prove, that an answer was paid for and no receipt came, is asked:
// the provider shows its receipt in time, or pays the buyer back from its stake.
#pragma once

#include <string_view>

#include "compute/inference.hpp"
#include "ledger/calls.hpp"

namespace mutirao::ledger {

enum class DisputeState : std::uint8_t { open = 0, answered = 1, lost = 2, last_ = 2 };

// The buyer asks a provider for its receipt of an answer that it was paid for.
struct Dispute {
    Digest id;  // of the voucher
    Address payer;
    Address provider;
    Digest model;
    Digest request;
    Digest output;
    std::uint64_t tokens = 0;
    Amount owed;  // what the answer cost
    std::uint64_t deadline_ms = 0;
    DisputeState state = DisputeState::open;
    template <class V>
    void fields(V& visit) {
        visit(id), visit(payer), visit(provider), visit(model), visit(request), visit(output);
        visit(tokens), visit(owed), visit(deadline_ms), visit(state);
    }
};

inline constexpr std::uint64_t kDisputeWithinMs = 24ull * 3600 * 1000;  // of the redemption
inline constexpr std::uint64_t kDisputeAnswerMs = 24ull * 3600 * 1000;
inline constexpr Amount kDisputeDeposit{10'000'000'000'000'000};  // 0.01 MUT

namespace key {
Bytes dispute(const Address& provider, const Digest& id);
Bytes disputes();  // prefixes for scans
Bytes disputes_of(const Address& provider);
}  // namespace key

namespace signature {
inline constexpr std::string_view kProveReceipt = "proveReceipt(bytes,bytes)";
inline constexpr std::string_view kProveTwoAnswers = "proveTwoAnswers(bytes,bytes)";
inline constexpr std::string_view kDispute = "dispute(bytes)";
inline constexpr std::string_view kAnswerDispute = "answerDispute(bytes32,bytes)";
inline constexpr std::string_view kExpireDispute = "expireDispute(address,bytes32)";
}  // namespace signature

namespace view_signature {
inline constexpr std::string_view kDisputeOf = "disputeOf(address,bytes32)";
}  // namespace view_signature

inline Amount amount_of(const compute::Wei& wei) {
    return Amount(static_cast<u128>(wei.high) << 64 | wei.low);
}

// A receipt that does not fit the request that it is for: another model, more tokens than were
// asked for, or a price above the model's.
Call prove_receipt(const compute::Receipt& receipt, const compute::InferenceRequest& request);
// Two outputs for one request, from one provider.
Call prove_two_answers(const compute::Receipt& one, const compute::Receipt& other);
// By who pays for the voucher's key; the voucher is the last that the provider redeemed of it.
Call dispute(const Voucher& voucher);
Call answer_dispute(const Digest& id, const compute::Receipt& receipt);
Call expire_dispute(const Address& provider, const Digest& id);

}  // namespace mutirao::ledger
