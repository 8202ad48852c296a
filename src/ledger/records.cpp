#include "ledger/records.hpp"

#include "crypto/hash.hpp"

namespace mutirao::ledger {
namespace {

// Big-endian, so that key order is number order.
void append_number(Bytes& out, std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(value >> shift));
}

Bytes tagged(char tag, ByteSpan rest = {}) {
    Bytes out;
    out.reserve(2 + rest.size());
    out.push_back(static_cast<std::uint8_t>(tag));
    out.push_back('/');
    out.insert(out.end(), rest.begin(), rest.end());
    return out;
}

Bytes numbered(char tag, std::uint64_t value) {
    Bytes out = tagged(tag);
    append_number(out, value);
    return out;
}

Bytes joined(char tag, ByteSpan a, ByteSpan b) {
    Bytes out = tagged(tag, a);
    out.insert(out.end(), b.begin(), b.end());
    return out;
}

Digest keyed(std::string_view purpose, const Writer& out) {
    return crypto::blake3_keyed(crypto::domain_key(purpose), out.bytes());
}

}  // namespace

namespace key {

Bytes account(const Address& address) { return tagged('a', address.span()); }
Bytes node(const Address& address) { return tagged('n', address.span()); }
Bytes bls_key(const crypto::BlsPublicKey& key) { return tagged('q', key.span()); }
Bytes epoch(std::uint64_t epoch) { return numbered('m', epoch); }
Bytes current_epoch() { return tagged('x', as_bytes("epoch")); }
Bytes block(const BlockId& id) { return tagged('b', id.span()); }
Bytes block_part(const BlockId& id, const Address& payer, const Digest& content) {
    return tagged(
        'c', crypto::blake3_keyed(crypto::domain_key("block-part"),
                                  joined('c', joined('c', id.span(), payer.span()), content.span()))
                 .span());
}
Bytes asset(const Digest& id) { return tagged('s', id.span()); }
Bytes licence(const Digest& id) { return tagged('l', id.span()); }
Bytes run_licence(const Digest& run, const Digest& licence) {
    return joined('i', run.span(), licence.span());
}
Bytes accepted_licence(const Digest& run, const Digest& licence) {
    return joined('j', run.span(), licence.span());
}
Bytes run(const Digest& id) { return tagged('r', id.span()); }
Bytes provider(const Digest& model, const Address& address) {
    return joined('p', model.span(), address.span());
}
Bytes api_key(const Address& key) { return tagged('k', key.span()); }
Bytes provider_draw(const Address& key, const Address& provider) {
    return joined('y', key.span(), provider.span());
}
Bytes round_reports(const Digest& run, std::uint32_t round, const Digest& result) {
    Bytes out = tagged('g', run.span());
    append_number(out, round);
    out.insert(out.end(), result.bytes.begin(), result.bytes.end());
    return out;
}
Bytes trainer_rounds(const Digest& run, const Address& trainer) {
    return joined('h', run.span(), trainer.span());
}
Bytes event(std::uint64_t index) { return numbered('v', index); }
Bytes event_count() { return tagged('x', as_bytes("events")); }
Bytes genesis() { return tagged('x', as_bytes("genesis")); }

Bytes nodes() { return tagged('n'); }
Bytes blocks() { return tagged('b'); }
Bytes assets() { return tagged('s'); }
Bytes licences() { return tagged('l'); }
Bytes run_licences(const Digest& run) { return tagged('i', run.span()); }
Bytes accepted_licences(const Digest& run) { return tagged('j', run.span()); }
Bytes runs() { return tagged('r'); }
Bytes providers(const Digest& model) { return tagged('p', model.span()); }
Bytes events() { return tagged('v'); }

}  // namespace key

placement::Membership EpochRecord::membership() const {
    placement::Membership out{epoch, {}};
    for (const auto& member : members)
        out.members.push_back({member.node, member.weight, member.domain});
    return out;
}

Digest asset_id(const Address& owner, const Digest& content) {
    Writer out;
    out.raw(owner.span()).raw(content.span());
    return keyed("asset", out);
}

Digest licence_id(const Digest& asset, const Digest& subject) {
    Writer out;
    out.raw(asset.span()).raw(subject.span());
    return keyed("licence", out);
}

Digest run_id(const Address& builder, std::uint64_t nonce, const Digest& spec) {
    Writer out;
    out.raw(builder.span()).u(nonce).raw(spec.span());
    return keyed("run", out);
}

Digest subject_of(const Address& provider) {
    Digest out;
    std::copy(provider.bytes.begin(), provider.bytes.end(), out.bytes.begin() + 12);
    return out;
}

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
    }
    return "unknown";
}

Result<Amount> redeemed_by(const StateView& state, const Address& key, const Address& provider) {
    TRY(const auto draw, read<ProviderDraw>(state, key::provider_draw(key, provider)));
    return draw.value_or(ProviderDraw{}).redeemed;
}

Result<std::uint64_t> read_counter(const StateView& state, ByteSpan key) {
    TRY(auto value, state.get(key));
    if (!value) return std::uint64_t{0};
    Reader in(*value);
    return in.u<std::uint64_t>();
}

}  // namespace mutirao::ledger
