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
Bytes api_keys() { return tagged('k'); }
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

Result<Amount> redeemed_by(const StateView& state, const Address& key, const Address& provider) {
    TRY(const auto draw, read<ProviderDraw>(state, key::provider_draw(key, provider)));
    return draw.value_or(ProviderDraw{}).redeemed;
}

Result<std::vector<Event>> read_events(const StateView& state, std::uint64_t first,
                                       std::uint64_t end) {
    std::vector<Event> out;
    if (first >= end) return out;
    const auto after = first == 0 ? Bytes() : key::event(first - 1);
    TRY(const auto found, state.scan(key::events(), after, end - first));
    for (const auto& [at, value] : found) {
        TRY(auto event, decode_record<Event>(value));
        out.push_back(std::move(event));
    }
    return out;
}

Result<std::uint64_t> read_counter(const StateView& state, ByteSpan key) {
    TRY(auto value, state.get(key));
    if (!value) return std::uint64_t{0};
    Reader in(*value);
    return in.u<std::uint64_t>();
}

}  // namespace mutirao::ledger
