#include "ledger/records.hpp"

#include "crypto/hash.hpp"
#include "ledger/lane_tip.hpp"
#include "ledger/state_keys.hpp"

namespace mutirao::ledger {
namespace {

Digest keyed(std::string_view purpose, const Writer& out) {
    return crypto::blake3_keyed(crypto::domain_key(purpose), out.bytes());
}

}  // namespace

namespace key {

Bytes account(const Address& address) { return tagged(Tag::account, address.span()); }
Bytes node(const Address& address) { return tagged(Tag::node, address.span()); }
Bytes bls_key(const crypto::BlsPublicKey& key) { return tagged(Tag::bls_key, key.span()); }
Bytes epoch(std::uint64_t epoch) { return numbered(Tag::epoch, epoch); }
Bytes current_epoch() { return single("epoch"); }
Bytes block(const BlockId& id) { return tagged(Tag::block, id.span()); }
Bytes block_part(const BlockId& id, const Address& payer, const Digest& content) {
    const auto inner = tagged(Tag::block_part, id.span(), payer.span());
    return tagged(Tag::block_part,
                  crypto::blake3_keyed(crypto::domain_key("block-part"),
                                       tagged(Tag::block_part, inner, content.span()))
                      .span());
}
Bytes asset(const Digest& id) { return tagged(Tag::asset, id.span()); }
Bytes licence(const Digest& id) { return tagged(Tag::licence, id.span()); }
Bytes run_licence(const Digest& run, const Digest& licence) {
    return tagged(Tag::run_licence, run.span(), licence.span());
}
Bytes accepted_licence(const Digest& run, const Digest& licence) {
    return tagged(Tag::accepted_licence, run.span(), licence.span());
}
Bytes run(const Digest& id) { return tagged(Tag::run, id.span()); }
Bytes provider(const Digest& model, const Address& address) {
    return tagged(Tag::provider, model.span(), address.span());
}
Bytes api_key(const Address& key) { return tagged(Tag::api_key, key.span()); }
Bytes provider_draw(const Address& key, const Address& provider) {
    return tagged(Tag::provider_draw, key.span(), provider.span());
}
Bytes round_reports(const Digest& run, std::uint32_t round, const Digest& result) {
    Bytes out = tagged(Tag::round_reports, run.span());
    append_number(out, round);
    out.insert(out.end(), result.bytes.begin(), result.bytes.end());
    return out;
}
Bytes trainer_rounds(const Digest& run, const Address& trainer) {
    return tagged(Tag::trainer_rounds, run.span(), trainer.span());
}
Bytes lane_tip(const Address& author) { return tagged(Tag::lane_tip, author.span()); }
Bytes event(std::uint64_t index) { return numbered(Tag::event, index); }
Bytes event_count() { return single("events"); }
Bytes genesis() { return single("genesis"); }

Bytes nodes() { return tagged(Tag::node); }
Bytes blocks() { return tagged(Tag::block); }
Bytes assets() { return tagged(Tag::asset); }
Bytes licences() { return tagged(Tag::licence); }
Bytes api_keys() { return tagged(Tag::api_key); }
Bytes run_licences(const Digest& run) { return tagged(Tag::run_licence, run.span()); }
Bytes accepted_licences(const Digest& run) { return tagged(Tag::accepted_licence, run.span()); }
Bytes runs() { return tagged(Tag::run); }
Bytes providers(const Digest& model) { return tagged(Tag::provider, model.span()); }
Bytes events() { return tagged(Tag::event); }

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
