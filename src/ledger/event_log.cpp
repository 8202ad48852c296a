#include "ledger/event_log.hpp"

#include "crypto/hash.hpp"
#include "ledger/abi.hpp"
#include "ledger/staking.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::size_t kTopics = 4;

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
        case EventKind::licence_revoked: return module::rights();
        case EventKind::run_created:
        case EventKind::run_finished:
        case EventKind::round_agreed:
        case EventKind::trainer_added:
        case EventKind::run_closed: return module::training();
        case EventKind::model_offered:
        case EventKind::key_opened:
        case EventKind::key_ending:
        case EventKind::key_closed: return module::compute();
        case EventKind::stake_leaving:
        case EventKind::node_slashed: return module::staking();
    }
    return {};
}

Digest topic_of(EventKind kind) { return crypto::keccak256(as_bytes(event_signature(kind))); }

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
    }
    return "";
}

Log to_log(const Event& event) {
    Log out{emitter_of(event.kind), {topic_of(event.kind)}, {}};
    if (event.kind != EventKind::paid) {
        out.topics.insert(out.topics.end(), {event.about, word_of(event.from), word_of(event.to)});
        return out;
    }
    out.topics.insert(out.topics.end(), {word_of(event.from), word_of(event.to), event.about});
    out.data = abi::words({event.amount.wei(), static_cast<std::uint8_t>(event.reason)});
    return out;
}

Result<Event> event_of(const Log& log) {
    if (log.topics.size() != kTopics) return malformed("an event has four topics");
    Event out;
    std::uint8_t kind = 0;
    while (topic_of(static_cast<EventKind>(kind)) != log.topics[0])
        if (kind++ == static_cast<std::uint8_t>(EventKind::last_))
            return malformed("an unknown event");
    out.kind = static_cast<EventKind>(kind);
    if (log.address != emitter_of(out.kind)) return malformed("another module's event");
    const bool paid = out.kind == EventKind::paid;
    out.about = log.topics[paid ? 3 : 1];
    TRY(out.from, address_in(log.topics[paid ? 1 : 2]));
    TRY(out.to, address_in(log.topics[paid ? 2 : 3]));
    if (log.data.size() != (paid ? 2 * abi::kWord : 0))
        return malformed("its data has another size");
    if (!paid) return out;
    abi::Reader in(log.data);
    TRY(auto amount, in.number());
    TRY(auto reason, in.number32());
    if (reason > static_cast<std::uint8_t>(Reason::last_)) return malformed("an unknown reason");
    out.amount = Amount(amount);
    out.reason = static_cast<Reason>(reason);
    return out;
}

}  // namespace mutirao::ledger
