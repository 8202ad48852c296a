// Training: runs, what their trainers agree on, what they are paid, and the models they make.
#include <algorithm>
#include <map>

#include "ledger/convictions.hpp"
#include "ledger/training.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::uint32_t kRoundsMax = 1'000'000;

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
    TRY(const auto known, context.state.get(key::run(run.id)));
    if (known) return Error{ErrorKind::already_exists, "the run is there already"};
    context.state.write(key::run(run.id), run);
    context.created = run.id;
    return emit(context, EventKind::run_created, run.builder, module::training(), run.id);
}

bool is_trainer(const Run& run, const Address& address) {
    return std::find(run.trainers.begin(), run.trainers.end(), address) != run.trainers.end();
}

Status add_trainer(Context& context, abi::Reader in) {
    TRY(const auto id, in.bytes32());
    TRY(const auto trainer, in.address());
    TRY(auto run, open_run(context, id));
    if (run.builder != context.sender) return denied("only the builder may add a trainer");
    if (is_trainer(run, trainer))
        return Error{ErrorKind::already_exists, "the trainer takes part in the run already"};
    if (run.trainers.size() >= kTrainersMax)
        return refused("a run has at most " + std::to_string(kTrainersMax) + " trainers");
    run.trainers.push_back(trainer);
    context.state.write(key::run(id), run);
    return emit(context, EventKind::trainer_added, run.builder, trainer, id);
}

Status add_agreed_round(Context& context, const Digest& run, const Address& trainer) {
    const auto at = key::trainer_rounds(run, trainer);
    TRY(auto told, require<TrainerRounds>(context.state, at, "report of this trainer"));
    ++told.agreed;
    context.state.write(at, told);
    return {};
}

}  // namespace

Result<Run> open_run(Context& context, const Digest& id) {
    TRY(auto run, require<Run>(context.state, key::run(id), "such training run"));
    if (run.state != RunState::open)
        return Error{ErrorKind::already_exists, "the run is finished already"};
    return run;
}

Result<bool> tell_round(Context& context, const Run& run, std::uint32_t round,
                        const Digest& result) {
    if (!is_trainer(run, context.sender)) return denied("only a trainer of the run may report");
    if (round >= kRoundsMax)
        return refused("a run has at most " + std::to_string(kRoundsMax) + " rounds");
    const auto told_at = key::trainer_rounds(run.id, context.sender);
    TRY(auto found, read<TrainerRounds>(context.state, told_at));
    auto told = found.value_or(TrainerRounds{});
    if (round < told.next)
        return Error{ErrorKind::already_exists, "round " + std::to_string(round) +
                                                    " was reported or passed over; the next is " +
                                                    std::to_string(told.next)};
    told.next = round + 1;
    context.state.write(told_at, told);
    const auto at = key::round_reports(run.id, round, result);
    TRY(auto known, read<RoundReports>(context.state, at));
    auto reports = known.value_or(RoundReports{});
    const bool agreed_before = reports.agreed;
    reports.trainers.push_back(context.sender);
    reports.agreed = agreed_before || 2 * reports.trainers.size() > run.trainers.size();
    context.state.write(at, reports);
    if (!reports.agreed) return false;
    if (agreed_before) {
        TRY_VOID(add_agreed_round(context, run.id, context.sender));
        return false;
    }
    for (const auto& trainer : reports.trainers)
        TRY_VOID(add_agreed_round(context, run.id, trainer));
    TRY_VOID(emit(context, EventKind::round_agreed, context.sender, module::training(), run.id));
    return true;
}

namespace {

Status report_round(Context& context, abi::Reader in) {
    TRY(const auto id, in.bytes32());
    TRY(const auto round, in.number32());
    TRY(const auto result, in.bytes32());
    TRY(const auto run, open_run(context, id));
    TRY_VOID(tell_round(context, run, round, result));
    return {};
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
    TRY_VOID(add_pool_shares(context, run, shares, left));
    shares.push_back({run.builder, left, {}});
    return shares;
}

// By the rounds that the trainers agreed on, whatever the builder says of them; none for whom the
// others convicted.
Result<std::vector<std::uint64_t>> agreed_rounds(const Context& context, const Run& run) {
    std::vector<std::uint64_t> out;
    for (const auto& trainer : run.trainers) {
        TRY(const bool is_convicted, forfeits(context, run, trainer));
        if (is_convicted) {
            out.push_back(0);
            continue;
        }
        TRY(const auto told,
            read<TrainerRounds>(context.state, key::trainer_rounds(run.id, trainer)));
        out.push_back(told.value_or(TrainerRounds{}).agreed);
    }
    return out;
}

// Each trainer's part of `amount` by weight; nothing when all weights are zero.
Result<std::vector<Amount>> parts(Amount amount, const std::vector<std::uint64_t>& weights) {
    std::uint64_t total = 0;
    for (const auto weight : weights) {
        if (weight > ~std::uint64_t{0} - total) return refused("the tokens add up to too many");
        total += weight;
    }
    std::vector<Amount> out(weights.size());
    for (std::size_t i = 0; i < weights.size() && total != 0; ++i)
        out[i] = amount.part(weights[i], total);
    return out;
}

// Half of the reward by agreed rounds, if there are any, and the rest by the tokens that the
// builder tells; neither can cheat the others of both. What nobody earned goes back.
Status pay_trainers(Context& context, const Run& run, std::vector<std::uint64_t> tokens) {
    for (std::size_t i = 0; i < run.trainers.size(); ++i) {
        TRY(const bool is_convicted, forfeits(context, run, run.trainers[i]));
        if (is_convicted) tokens[i] = 0;
    }
    TRY(const auto rounds, agreed_rounds(context, run));
    const bool agreed = std::any_of(rounds.begin(), rounds.end(), [](auto n) { return n != 0; });
    const auto for_rounds = agreed ? run.reward.part(1, 2) : Amount();
    TRY(const auto for_tokens, run.reward.minus(for_rounds));
    TRY(const auto by_rounds, parts(for_rounds, rounds));
    TRY(const auto by_tokens, parts(for_tokens, tokens));
    Amount left = run.reward;
    for (std::size_t i = 0; i < run.trainers.size(); ++i) {
        TRY(const auto part, by_rounds[i].plus(by_tokens[i]));
        TRY_VOID(pay(context, module::training(), run.trainers[i], part, Reason::training_reward,
                     run.id));
        TRY(left, left.minus(part));
    }
    return pay(context, module::training(), run.builder, left, Reason::refund, run.id);
}

// A builder who is gone keeps nobody's reward locked.
Status close_run(Context& context, abi::Reader in) {
    TRY(const auto id, in.bytes32());
    TRY(auto run, open_run(context, id));
    if (context.time_ms < run.created_ms + kRunLifeMs)
        return refused("the builder has 90 days to finish a run");
    TRY(const auto rounds, agreed_rounds(context, run));
    TRY_VOID(pay_trainers(context, run, rounds));
    TRY_VOID(pay_pool(context, run));
    run.state = RunState::closed;
    context.state.write(key::run(id), run);
    return emit(context, EventKind::run_closed, context.sender, run.builder, id);
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
    TRY(auto run, open_run(context, id));
    TRY(run.rounds, in.number32());
    TRY(run.first_loss_milli, in.number32());
    TRY(run.last_loss_milli, in.number32());
    if (run.builder != context.sender) return denied("only the builder may finish a run");
    if (outcome.trainer_tokens.size() != run.trainers.size() ||
        outcome.assets.size() != outcome.asset_tokens.size())
        return refused("the counts of trainers or assets do not fit the run");
    Asset model;
    model.owner = model.creator = run.builder;
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
    TRY_VOID(pay_pool(context, run));
    for (std::size_t i = 0; i < outcome.assets.size(); ++i)
        run.tokens.push_back({outcome.assets[i], outcome.asset_tokens[i]});
    run.state = RunState::finished;
    run.model = model.id;
    context.state.write(key::run(id), run);
    TRY_VOID(enter_asset(context, model));
    return emit(context, EventKind::run_finished, run.builder, run.builder, id);
}

}  // namespace

Status training_module(Context& context, ByteSpan data) {
    static constexpr Method kMethods[] = {
        {signature::kCreateRun, create_run, true},   {signature::kFinishRun, finish_run},
        {signature::kAddTrainer, add_trainer},       {signature::kReportRound, report_round},
        {signature::kAccuseTrainer, accuse_trainer}, {signature::kCloseRun, close_run}};
    return dispatch(context, data, kMethods, contribution_methods());
}

}  // namespace mutirao::ledger
