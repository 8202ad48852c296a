#include "ledger/events.hpp"

namespace mutirao::ledger {

std::string_view to_string(EventKind kind) {
    switch (kind) {
        case EventKind::paid: return "paid";
        case EventKind::node_joined: return "node_joined";
        case EventKind::block_certified: return "block_certified";
        case EventKind::block_released: return "block_released";
        case EventKind::asset_registered: return "asset_registered";
        case EventKind::licence_offered: return "licence_offered";
        case EventKind::licence_accepted: return "licence_accepted";
        case EventKind::licence_revoked: return "licence_revoked";
        case EventKind::run_created: return "run_created";
        case EventKind::run_finished: return "run_finished";
        case EventKind::model_offered: return "model_offered";
        case EventKind::key_opened: return "key_opened";
        case EventKind::key_closed: return "key_closed";
        case EventKind::node_left: return "node_left";
        case EventKind::stake_leaving: return "stake_leaving";
        case EventKind::node_slashed: return "node_slashed";
        case EventKind::round_agreed: return "round_agreed";
        case EventKind::trainer_added: return "trainer_added";
        case EventKind::run_closed: return "run_closed";
        case EventKind::key_ending: return "key_ending";
        case EventKind::asset_transferred: return "asset_transferred";
        case EventKind::transfer_approved: return "transfer_approved";
        case EventKind::operator_approved: return "operator_approved";
        case EventKind::operator_refused: return "operator_refused";
        case EventKind::royalty_set: return "royalty_set";
        case EventKind::order_relayed: return "order_relayed";
        case EventKind::signer_authorised: return "signer_authorised";
        case EventKind::signer_revoked: return "signer_revoked";
        case EventKind::deal_opened: return "deal_opened";
        case EventKind::storage_offered: return "storage_offered";
        case EventKind::audit_opened: return "audit_opened";
        case EventKind::audit_answered: return "audit_answered";
        case EventKind::audit_missed: return "audit_missed";
        case EventKind::deal_closed: return "deal_closed";
        case EventKind::pool_opened: return "pool_opened";
        case EventKind::contributions_agreed: return "contributions_agreed";
        case EventKind::dispute_opened: return "dispute_opened";
        case EventKind::dispute_answered: return "dispute_answered";
        case EventKind::dispute_lost: return "dispute_lost";
        case EventKind::validator_joined: return "validator_joined";
        case EventKind::validator_left: return "validator_left";
        case EventKind::trainer_convicted: return "trainer_convicted";
    }
    return "unknown";
}

std::string_view to_string(Reason reason) {
    switch (reason) {
        case Reason::none: return "none";
        case Reason::transfer: return "transfer";
        case Reason::fee: return "fee";
        case Reason::storage: return "storage";
        case Reason::licence: return "licence";
        case Reason::training_escrow: return "training_escrow";
        case Reason::training_reward: return "training_reward";
        case Reason::inference_compute: return "inference_compute";
        case Reason::inference_storage: return "inference_storage";
        case Reason::inference_data: return "inference_data";
        case Reason::inference_builder: return "inference_builder";
        case Reason::key_escrow: return "key_escrow";
        case Reason::refund: return "refund";
        case Reason::stake: return "stake";
        case Reason::unstake: return "unstake";
        case Reason::slash: return "slash";
        case Reason::reward: return "reward";
        case Reason::relay: return "relay";
        case Reason::deal_escrow: return "deal_escrow";
        case Reason::deal_pay: return "deal_pay";
        case Reason::deposit: return "deposit";
        case Reason::contribution: return "contribution";
        case Reason::compensation: return "compensation";
    }
    return "unknown";
}

}  // namespace mutirao::ledger
