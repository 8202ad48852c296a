// Rights: assets and licences.

#include "ledger/modules.hpp"

namespace mutirao::ledger {
namespace {

Status register_asset(Context& context, abi::Reader in) {
    Asset asset;
    TRY(asset.content, in.bytes32());
    TRY(asset.size, in.number64());
    TRY(asset.title, in.text(kTitleMax));
    asset.owner = asset.creator = context.sender;
    asset.kind = AssetKind::data;
    asset.id = asset_id(asset.owner, asset.content);
    asset.registered_ms = context.time_ms;
    TRY(auto known, context.state.get(key::asset(asset.id)));
    if (known) return Error{ErrorKind::already_exists, "the asset is registered already"};
    return enter_asset(context, asset);
}

// Who may accept a licence: a run's builder, or the provider that an inference licence names.
Result<Address> licensee_of(Context& context, const Licence& licence) {
    if (licence.purpose == Purpose::infer)
        return Address::from_bytes(licence.subject.span().subspan(12));
    TRY(auto run, require<Run>(context.state, key::run(licence.subject), "such training run"));
    return run.builder;
}

Status offer_licence(Context& context, abi::Reader in) {
    Licence licence;
    TRY(licence.asset, in.bytes32());
    TRY(licence.subject, in.bytes32());
    TRY(auto purpose, in.number32());
    TRY(auto price, in.number());
    TRY(licence.share_ppm, in.number32());
    TRY(licence.expires_ms, in.number64());
    if (purpose < 1 || purpose > 2) return refused("a purpose is 1 train or 2 infer");
    licence.purpose = static_cast<Purpose>(purpose);
    licence.price = Amount(price);
    TRY(auto asset, require<Asset>(context.state, key::asset(licence.asset), "such asset"));
    if (asset.owner != context.sender) return denied("only the owner of an asset may license it");
    if (licence.expires_ms <= context.time_ms) return refused("the licence would be expired");
    if (licence.share_ppm > kOwnersShareMaxPpm)
        return refused("a licence's share of income is at most 90 %");
    if (licence.purpose == Purpose::infer && licence.share_ppm != 0)
        return refused("a licence to infer has no share: the model's shares hold");
    licence.owner = asset.owner;
    licence.id = licence_id(licence.asset, licence.subject);
    TRY(auto licensee, licensee_of(context, licence));
    TRY(auto before, read<Licence>(context.state, key::licence(licence.id)));
    // What a run was trained under stays on record: a new offer would wipe it.
    const bool of_run = before && before->purpose == Purpose::train && before->accepted_ms != 0;
    if (of_run || (before && before->is_live(context.time_ms)))
        return Error{ErrorKind::already_exists, "the asset is licensed for this already"};
    context.state.write(key::licence(licence.id), licence);
    if (licence.purpose == Purpose::train)
        context.state.put(key::run_licence(licence.subject, licence.id), {});
    return emit(context, EventKind::licence_offered, context.sender, licensee, licence.id);
}

Status accept_licence(Context& context, abi::Reader in) {
    TRY(auto id, in.bytes32());
    TRY(auto licence, require<Licence>(context.state, key::licence(id), "such licence offer"));
    TRY(auto licensee, licensee_of(context, licence));
    if (licensee != context.sender) return denied("the licence is offered to somebody else");
    if (licence.state != LicenceState::offered || licence.expires_ms <= context.time_ms)
        return refused("the licence is not open for acceptance");
    TRY(auto asset, require<Asset>(context.state, key::asset(licence.asset), "such asset"));
    if (asset.owner != licence.owner)
        return refused("the asset has another owner since: ask it for an offer");
    if (context.value != licence.price)
        return refused("the licence costs " + licence.price.text() + ", not " +
                       context.value.text());
    if (licence.purpose == Purpose::train) {
        TRY(auto run, require<Run>(context.state, key::run(licence.subject), "such training run"));
        if (run.state != RunState::open) return refused("the run is finished");
        if (licence.share_ppm > kOwnersShareMaxPpm - run.shares_ppm)
            return refused("the run has promised its owners 90 % of the income already");
        // Offers cost the builder nothing and may be many; what it accepts stays countable.
        TRY(auto accepted, context.state.scan(key::accepted_licences(run.id), {}, kRunLicencesMax));
        if (accepted.size() >= kRunLicencesMax)
            return refused("a run has at most " + std::to_string(kRunLicencesMax) + " licences");
        context.state.put(key::accepted_licence(run.id, licence.id), {});
        run.shares_ppm += licence.share_ppm;
        context.state.write(key::run(run.id), run);
    }
    licence.state = LicenceState::accepted;
    licence.accepted_ms = context.time_ms;
    context.state.write(key::licence(id), licence);
    TRY_VOID(pay(context, module::rights(), licence.owner, licence.price, Reason::licence,
                 licence.asset));
    return emit(context, EventKind::licence_accepted, context.sender, licence.owner, id);
}

Status revoke_licence(Context& context, abi::Reader in) {
    TRY(auto id, in.bytes32());
    TRY(auto licence, require<Licence>(context.state, key::licence(id), "such licence"));
    TRY(auto asset, require<Asset>(context.state, key::asset(licence.asset), "such asset"));
    if (asset.owner != context.sender)
        return denied("only the owner of an asset may revoke its licence");
    if (licence.state == LicenceState::revoked)
        return Error{ErrorKind::already_exists, "the licence is revoked already"};
    licence.state = LicenceState::revoked;
    context.state.write(key::licence(id), licence);
    return emit(context, EventKind::licence_revoked, context.sender, context.sender, id);
}

}  // namespace

Status rights_module(Context& context, ByteSpan data) {
    static constexpr Method kMethods[] = {{signature::kRegisterAsset, register_asset},
                                          {signature::kOfferLicence, offer_licence},
                                          {signature::kAcceptLicence, accept_licence, true},
                                          {signature::kRevokeLicence, revoke_licence}};
    return dispatch(context, data, kMethods, asset_token_methods());
}

}  // namespace mutirao::ledger
