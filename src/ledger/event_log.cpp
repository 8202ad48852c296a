#include "ledger/event_log.hpp"

#include <array>

#include "crypto/hash.hpp"
#include "ledger/abi.hpp"
#include "ledger/deals.hpp"
#include "ledger/orders.hpp"
#include "ledger/staking.hpp"

namespace mutirao::ledger {
namespace {

// How an event's parts lie in a log.
enum class Shape {
    about_first,  // indexed about, from, to
    about_last,   // indexed from, to, about: EIP-721's order
    payment,      // the same, then amount and reason
    flag,         // indexed from, to; then whether
};

Shape shape_of(EventKind kind) {
    switch (kind) {
        case EventKind::paid: return Shape::payment;
        case EventKind::asset_transferred:
        case EventKind::transfer_approved: return Shape::about_last;
        case EventKind::operator_approved:
        case EventKind::operator_refused: return Shape::flag;
        default: return Shape::about_first;
    }
}

Digest word_of(const Address& address) {
    Digest out;
    std::copy(address.bytes.begin(), address.bytes.end(), out.bytes.begin() + 12);
    return out;
}

Address emitter_of(EventKind kind) {
    switch (kind) {
        case EventKind::paid: return module::treasury();
        case EventKind::node_joined:
        case EventKind::node_left: return module::nodes();
        case EventKind::block_certified:
        case EventKind::block_released: return module::storage();
        case EventKind::asset_registered:
        case EventKind::licence_offered:
        case EventKind::licence_accepted:
        case EventKind::licence_revoked:
        case EventKind::asset_transferred:
        case EventKind::transfer_approved:
        case EventKind::operator_approved:
        case EventKind::operator_refused:
        case EventKind::royalty_set: return module::rights();
        case EventKind::run_created:
        case EventKind::run_finished:
        case EventKind::round_agreed:
        case EventKind::trainer_added:
        case EventKind::run_closed:
        case EventKind::pool_opened:
        case EventKind::contributions_agreed:
        case EventKind::trainer_convicted: return module::training();
        case EventKind::model_offered:
        case EventKind::key_opened:
        case EventKind::key_ending:
        case EventKind::key_closed:
        case EventKind::dispute_opened:
        case EventKind::dispute_answered:
        case EventKind::dispute_lost: return module::compute();
        case EventKind::stake_leaving:
        case EventKind::node_slashed:
        case EventKind::validator_joined:
        case EventKind::validator_left: return module::staking();
        case EventKind::order_relayed:
        case EventKind::signer_authorised:
        case EventKind::signer_revoked: return module::orders();
        case EventKind::deal_opened:
        case EventKind::storage_offered:
        case EventKind::audit_opened:
        case EventKind::audit_answered:
        case EventKind::audit_missed:
        case EventKind::deal_closed: return module::deals();
    }
    return {};
}

// Hashed once: every event of a block is asked for its own.
const Digest& topic_of(EventKind kind) {
    static const auto topics = [] {
        std::array<Digest, static_cast<std::size_t>(EventKind::last_) + 1> out;
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] = crypto::keccak256(as_bytes(event_signature(static_cast<EventKind>(i))));
        return out;
    }();
    return topics[static_cast<std::size_t>(kind)];
}

Error malformed(const char* why) {
    return {ErrorKind::corrupt, std::string("malformed log: ") + why};
}

// An address as an indexed argument.
Result<Address> address_in(const Digest& topic) {
    abi::Reader in(topic.span());
    return in.address();
}

}  // namespace

std::string_view event_signature(EventKind kind) {
    switch (kind) {
        case EventKind::paid: return "Paid(address,address,bytes32,uint256,uint8)";
        case EventKind::node_joined: return "NodeJoined(bytes32,address,address)";
        case EventKind::block_certified: return "BlockCertified(bytes32,address,address)";
        case EventKind::block_released: return "BlockReleased(bytes32,address,address)";
        case EventKind::asset_registered: return "AssetRegistered(bytes32,address,address)";
        case EventKind::licence_offered: return "LicenceOffered(bytes32,address,address)";
        case EventKind::licence_accepted: return "LicenceAccepted(bytes32,address,address)";
        case EventKind::licence_revoked: return "LicenceRevoked(bytes32,address,address)";
        case EventKind::run_created: return "RunCreated(bytes32,address,address)";
        case EventKind::run_finished: return "RunFinished(bytes32,address,address)";
        case EventKind::model_offered: return "ModelOffered(bytes32,address,address)";
        case EventKind::key_opened: return "KeyOpened(bytes32,address,address)";
        case EventKind::key_closed: return "KeyClosed(bytes32,address,address)";
        case EventKind::node_left: return "NodeLeft(bytes32,address,address)";
        case EventKind::stake_leaving: return "StakeLeaving(bytes32,address,address)";
        case EventKind::node_slashed: return "NodeSlashed(bytes32,address,address)";
        case EventKind::round_agreed: return "RoundAgreed(bytes32,address,address)";
        case EventKind::trainer_added: return "TrainerAdded(bytes32,address,address)";
        case EventKind::run_closed: return "RunClosed(bytes32,address,address)";
        case EventKind::key_ending: return "KeyEnding(bytes32,address,address)";
        case EventKind::asset_transferred: return "Transfer(address,address,uint256)";
        case EventKind::transfer_approved: return "Approval(address,address,uint256)";
        case EventKind::operator_approved:
        case EventKind::operator_refused: return "ApprovalForAll(address,address,bool)";
        case EventKind::royalty_set: return "RoyaltySet(bytes32,address,address)";
        case EventKind::order_relayed: return "OrderRelayed(bytes32,address,address)";
        case EventKind::signer_authorised: return "SignerAuthorised(bytes32,address,address)";
        case EventKind::signer_revoked: return "SignerRevoked(bytes32,address,address)";
        case EventKind::deal_opened: return "DealOpened(bytes32,address,address)";
        case EventKind::storage_offered: return "StorageOffered(bytes32,address,address)";
        case EventKind::audit_opened: return "AuditOpened(bytes32,address,address)";
        case EventKind::audit_answered: return "AuditAnswered(bytes32,address,address)";
        case EventKind::audit_missed: return "AuditMissed(bytes32,address,address)";
        case EventKind::deal_closed: return "DealClosed(bytes32,address,address)";
        case EventKind::pool_opened: return "PoolOpened(bytes32,address,address)";
        case EventKind::contributions_agreed: return "ContributionsAgreed(bytes32,address,address)";
        case EventKind::dispute_opened: return "DisputeOpened(bytes32,address,address)";
        case EventKind::dispute_answered: return "DisputeAnswered(bytes32,address,address)";
        case EventKind::dispute_lost: return "DisputeLost(bytes32,address,address)";
        case EventKind::validator_joined: return "ValidatorJoined(bytes32,address,address)";
        case EventKind::validator_left: return "ValidatorLeft(bytes32,address,address)";
        case EventKind::trainer_convicted: return "TrainerConvicted(bytes32,address,address)";
    }
    return "";
}

Log to_log(const Event& event) {
    Log out{emitter_of(event.kind), {topic_of(event.kind)}, {}};
    const auto from = word_of(event.from), to = word_of(event.to);
    switch (shape_of(event.kind)) {
        case Shape::about_first:
            out.topics.insert(out.topics.end(), {event.about, from, to});
            break;
        case Shape::about_last: out.topics.insert(out.topics.end(), {from, to, event.about}); break;
        case Shape::payment:
            out.topics.insert(out.topics.end(), {from, to, event.about});
            out.data = abi::words({event.amount.wei(), static_cast<std::uint8_t>(event.reason)});
            break;
        case Shape::flag:
            out.topics.insert(out.topics.end(), {from, to});
            out.data = abi::words({event.kind == EventKind::operator_approved});
            break;
    }
    return out;
}

Result<Event> event_of(const Log& log) {
    if (log.topics.empty()) return malformed("an event has topics");
    Event out;
    std::uint8_t kind = 0;
    while (topic_of(static_cast<EventKind>(kind)) != log.topics[0])
        if (kind++ == static_cast<std::uint8_t>(EventKind::last_))
            return malformed("an unknown event");
    out.kind = static_cast<EventKind>(kind);
    if (log.address != emitter_of(out.kind)) return malformed("another module's event");
    const auto shape = shape_of(out.kind);
    if (log.topics.size() != (shape == Shape::flag ? 3u : 4u))
        return malformed("it has another number of topics");
    const std::size_t from_at = shape == Shape::about_first ? 2 : 1;
    TRY(out.from, address_in(log.topics[from_at]));
    TRY(out.to, address_in(log.topics[from_at + 1]));
    if (shape != Shape::flag) out.about = log.topics[shape == Shape::about_first ? 1 : 3];
    const std::size_t words = shape == Shape::payment ? 2 : shape == Shape::flag ? 1 : 0;
    if (log.data.size() != words * abi::kWord) return malformed("its data has another size");
    abi::Reader in(log.data);
    if (shape == Shape::flag) {
        TRY(const auto flag, in.number32());
        if (flag > 1) return malformed("a flag that is neither 0 nor 1");
        out.kind = flag == 1 ? EventKind::operator_approved : EventKind::operator_refused;
    }
    if (shape != Shape::payment) return out;
    TRY(auto amount, in.number());
    TRY(auto reason, in.number32());
    if (reason > static_cast<std::uint8_t>(Reason::last_)) return malformed("an unknown reason");
    out.amount = Amount(amount);
    out.reason = static_cast<Reason>(reason);
    return out;
}

}  // namespace mutirao::ledger
