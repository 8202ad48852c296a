// What happened, for whoever looks later: execution writes events and never reads them back. Pure;
// any thread.
#pragma once

#include <string_view>

#include "base/bytes.hpp"
#include "ledger/record_codec.hpp"

namespace mutirao::ledger {

enum class EventKind : std::uint8_t {
    paid = 0,
    node_joined = 1,
    block_certified = 2,
    block_released = 3,
    asset_registered = 4,
    licence_offered = 5,
    licence_accepted = 6,
    licence_revoked = 7,
    run_created = 8,
    run_finished = 9,
    model_offered = 10,
    key_opened = 11,
    key_closed = 12,
    node_left = 13,
    stake_leaving = 14,
    node_slashed = 15,
    round_agreed = 16,
    trainer_added = 17,
    run_closed = 18,
    key_ending = 19,
    asset_transferred = 20,
    transfer_approved = 21,
    operator_approved = 22,
    operator_refused = 23,
    royalty_set = 24,
    order_relayed = 25,
    signer_authorised = 26,
    signer_revoked = 27,
    deal_opened = 28,
    storage_offered = 29,
    audit_opened = 30,
    audit_answered = 31,
    audit_missed = 32,
    deal_closed = 33,
    pool_opened = 34,
    contributions_agreed = 35,
    dispute_opened = 36,
    dispute_answered = 37,
    dispute_lost = 38,
    validator_joined = 39,
    validator_left = 40,
    trainer_convicted = 41,
    last_ = 41,
};
std::string_view to_string(EventKind kind);

enum class Reason : std::uint8_t {
    none = 0,
    transfer = 1,
    fee = 2,
    storage = 3,
    licence = 4,
    training_escrow = 5,
    training_reward = 6,
    inference_compute = 7,
    inference_storage = 8,
    inference_data = 9,
    inference_builder = 10,
    key_escrow = 11,
    refund = 12,
    stake = 13,
    unstake = 14,
    slash = 15,
    reward = 16,
    relay = 17,
    deal_escrow = 18,
    deal_pay = 19,
    deposit = 20,
    contribution = 21,
    compensation = 22,
    last_ = 22,
};
std::string_view to_string(Reason reason);

struct Event {
    std::uint64_t index = 0;
    std::uint64_t height = 0;
    std::uint64_t time_ms = 0;
    EventKind kind = EventKind::paid;
    Reason reason = Reason::none;
    Address from;
    Address to;
    Amount amount;
    Digest about;  // block, asset, licence, run, model or key that it is about
    template <class V>
    void fields(V& visit) {
        visit(index), visit(height), visit(time_ms), visit(kind), visit(reason), visit(from);
        visit(to), visit(amount), visit(about);
    }
};

}  // namespace mutirao::ledger
