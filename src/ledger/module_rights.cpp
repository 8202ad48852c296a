// Rights and Training: assets, licences, runs, and models with their shares.
#include <algorithm>
#include <map>

#include "ledger/modules.hpp"

namespace mutirao::ledger {
namespace {

Status register_asset(Context& context, abi::Reader in) {
    Asset asset;
    TRY(asset.content, in.bytes32());
    TRY(asset.size, in.number64());
    TRY(asset.title, in.text(kTitleMax));
    asset.owner = context.sender;
    asset.kind = AssetKind::data;
    asset.id = asset_id(asset.owner, asset.content);
    asset.registered_ms = context.time_ms;
    TRY(auto known, context.state.get(key::asset(asset.id)));
    if (known) return Error{ErrorKind::already_exists, "the asset is registered already"};
    context.state.write(key::asset(asset.id), asset);
    return emit(context, EventKind::asset_registered, asset.owner, asset.owner, asset.id);
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
    if (licence.owner != context.sender) return denied("only the owner may revoke a licence");
    if (licence.state == LicenceState::revoked)
        return Error{ErrorKind::already_exists, "the licence is revoked already"};
    licence.state = LicenceState::revoked;
    context.state.write(key::licence(id), licence);
    return emit(context, EventKind::licence_revoked, context.sender, context.sender, id);
}

Status create_run(Context& context, abi::Reader in) {
    Run run;
    TRY(run.spec, in.bytes32());
    TRY(run.trainers, in.addresses(kTrainersMax));
    if (run.trainers.empty()) return refused("a run needs at least one trainer");
    for (const auto& trainer : run.trainers)
        if (std::count(run.trainers.begin(), run.trainers.end(), trainer) != 1)
            return refused("a trainer is named twice");
    run.builder = context.sender;
    run.reward = context.value;
    run.created_ms = context.time_ms;
    run.id = run_id(run.builder, context.nonce, run.spec);
    context.state.write(key::run(run.id), run);
    context.created = run.id;
    return emit(context, EventKind::run_created, run.builder, module::training(), run.id);
}

struct Outcome {
    Digest content;
    std::uint64_t size = 0;
    std::string title;
    Amount price;
    std::vector<Digest> assets;
    std::vector<std::uint64_t> asset_tokens, trainer_tokens;
};

// Owners whose licence the builder accepted have their shares; the builder has the rest. A licence
// that was revoked since gives its share only when the run used the data all the same.
Result<std::vector<Share>> model_shares(Context& context, const Run& run, const Outcome& outcome) {
    std::map<Digest, std::uint64_t> used;
    for (std::size_t i = 0; i < outcome.assets.size(); ++i) {
        const auto& asset = outcome.assets[i];
        if (!used.emplace(asset, outcome.asset_tokens[i]).second)
            return refused("asset " + asset.hex() + " is named twice");
        TRY(auto licence, require<Licence>(context.state, key::licence(licence_id(asset, run.id)),
                                           "licence of asset " + asset.hex() + " for this run"));
        if (licence.accepted_ms == 0)
            return denied("asset " + asset.hex() + " was not licensed for this run");
    }
    std::vector<Share> shares;
    std::uint32_t left = kWholePpm;
    TRY(auto index, context.state.scan(key::accepted_licences(run.id), {}, kRunLicencesMax));
    for (const auto& [at, empty] : index) {
        TRY(auto id, Digest::from_bytes(ByteSpan(at).last(Digest::kSize)));
        TRY(auto licence, require<Licence>(context.state, key::licence(id), "licence of the run"));
        if (licence.accepted_ms == 0 || licence.share_ppm == 0) continue;
        const auto tokens = used.find(licence.asset);
        const bool was_used = tokens != used.end() && tokens->second != 0;
        if (licence.state == LicenceState::revoked && !was_used) continue;
        shares.push_back({licence.owner, licence.share_ppm, licence.asset});
        left -= licence.share_ppm;
    }
    shares.push_back({run.builder, left, {}});
    return shares;
}

Status pay_trainers(Context& context, const Run& run, const std::vector<std::uint64_t>& tokens) {
    std::uint64_t total = 0;
    for (const auto count : tokens) {
        if (count > ~std::uint64_t{0} - total) return refused("the tokens add up to too many");
        total += count;
    }
    Amount left = run.reward;
    for (std::size_t i = 0; i < run.trainers.size() && total != 0; ++i) {
        const auto part = run.reward.part(tokens[i], total);
        TRY_VOID(pay(context, module::training(), run.trainers[i], part, Reason::training_reward,
                     run.id));
        TRY(left, left.minus(part));
    }
    return pay(context, module::training(), run.builder, left, Reason::refund, run.id);
}

Status finish_run(Context& context, abi::Reader in) {
    TRY(auto id, in.bytes32());
    Outcome outcome;
    TRY(outcome.content, in.bytes32());
    TRY(outcome.size, in.number64());
    TRY(outcome.title, in.text(kTitleMax));
    TRY(auto price, in.number());
    outcome.price = Amount(price);
    TRY(outcome.assets, in.bytes32s(kRunLicencesMax));
    TRY(outcome.asset_tokens, in.numbers(kRunLicencesMax));
    TRY(outcome.trainer_tokens, in.numbers(kTrainersMax));
    TRY(auto run, require<Run>(context.state, key::run(id), "such training run"));
    TRY(run.rounds, in.number32());
    TRY(run.first_loss_milli, in.number32());
    TRY(run.last_loss_milli, in.number32());
    if (run.builder != context.sender) return denied("only the builder may finish a run");
    if (run.state != RunState::open)
        return Error{ErrorKind::already_exists, "the run is finished already"};
    if (outcome.trainer_tokens.size() != run.trainers.size() ||
        outcome.assets.size() != outcome.asset_tokens.size())
        return refused("the counts of trainers or assets do not fit the run");
    Asset model;
    model.owner = run.builder;
    model.content = outcome.content;
    model.kind = AssetKind::model;
    model.size = outcome.size;
    model.title = outcome.title;
    model.id = asset_id(model.owner, model.content);
    // Its owners hold shares of a model once it is there: nothing may take its place.
    TRY(auto known, context.state.get(key::asset(model.id)));
    if (known) return Error{ErrorKind::already_exists, "the model's content is registered already"};
    model.registered_ms = context.time_ms;
    model.run = run.id;
    model.price_per_token = outcome.price;
    TRY(model.shares, model_shares(context, run, outcome));
    TRY_VOID(pay_trainers(context, run, outcome.trainer_tokens));
    for (std::size_t i = 0; i < outcome.assets.size(); ++i)
        run.tokens.push_back({outcome.assets[i], outcome.asset_tokens[i]});
    run.state = RunState::finished;
    run.model = model.id;
    context.state.write(key::run(id), run);
    context.state.write(key::asset(model.id), model);
    TRY_VOID(emit(context, EventKind::asset_registered, run.builder, run.builder, model.id));
    return emit(context, EventKind::run_finished, run.builder, run.builder, id);
}

}  // namespace

Status rights_module(Context& context, ByteSpan data) {
    static constexpr Method kMethods[] = {{signature::kRegisterAsset, register_asset},
                                          {signature::kOfferLicence, offer_licence},
                                          {signature::kAcceptLicence, accept_licence, true},
                                          {signature::kRevokeLicence, revoke_licence}};
    return dispatch(context, data, kMethods);
}

Status training_module(Context& context, ByteSpan data) {
    static constexpr Method kMethods[] = {{signature::kCreateRun, create_run, true},
                                          {signature::kFinishRun, finish_run}};
    return dispatch(context, data, kMethods);
}

}  // namespace mutirao::ledger
