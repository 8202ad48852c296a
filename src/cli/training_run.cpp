#include "cli/training_run.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <map>

#include "base/codec.hpp"
#include "cli/checkpoint_fetch.hpp"
#include "cli/commands.hpp"
#include "cli/named_cheaters.hpp"
#include "cli/run_convictions.hpp"
#include "cli/training_view.hpp"
#include "ledger/contributions.hpp"
#include "node/trainer_role.hpp"
#include "node/wire/fields.hpp"

namespace mutirao::cli {
namespace {

using node::wire::to_field;

constexpr std::size_t kLicencesMax = 4096;
constexpr auto kPollInterval = std::chrono::milliseconds(250);
constexpr auto kTrainerDeadline = std::chrono::seconds(10);
constexpr auto kProgressDeadline = std::chrono::seconds(2);

// The builder keeps what the ledger only has the digest of.
struct RunRecord {
    Bytes settings;
    std::string title, price;

    std::string encode() const {
        return boost::json::serialize(boost::json::object{
            {"settings", to_hex(settings)}, {"title", title}, {"price_per_token", price}});
    }
    static Result<RunRecord> decode(std::string_view text) {
        boost::json::error_code failed;
        const auto value = boost::json::parse(text, failed);
        if (failed || !value.is_object())
            return Error{ErrorKind::corrupt, "the run's file is damaged"};
        const auto& object = value.get_object();
        RunRecord out;
        for (const auto& [name, target] :
             {std::pair{"title", &out.title}, std::pair{"price_per_token", &out.price}})
            if (const auto* field = object.if_contains(name);
                field != nullptr && field->is_string())
                *target = std::string(field->get_string());
        const auto* settings = object.if_contains("settings");
        if (settings == nullptr || !settings->is_string())
            return Error{ErrorKind::corrupt, "the run's file is damaged"};
        TRY(out.settings, from_hex(std::string_view(settings->get_string())));
        return out;
    }
};

std::string run_path(const Digest& run) { return "runs/" + run.hex() + ".json"; }

// Pays for every offer that is open and returns the licensed assets, in the ledger's order.
Result<std::vector<Digest>> accept_offers(Session& session, node::Sender& sender,
                                          const Digest& run) {
    TRY(auto index, session.ledger().scan(ledger::key::run_licences(run), {}, kLicencesMax));
    std::vector<Digest> assets;
    for (const auto& [key, value] : index) {
        TRY(auto id, Digest::from_bytes(ByteSpan(key).last(Digest::kSize)));
        TRY(auto licence, ledger::require<ledger::Licence>(
                              session.ledger(), ledger::key::licence(id), "licence " + id.hex()));
        if (licence.state == ledger::LicenceState::offered &&
            licence.expires_ms > session.clock().unix_ms()) {
            TRY(auto sent, sender.send(ledger::accept_licence(id, licence.price)));
            licence.state = ledger::LicenceState::accepted;
        }
        if (licence.is_live(session.clock().unix_ms())) assets.push_back(licence.asset);
    }
    if (assets.empty())
        return Error{ErrorKind::not_found,
                     "no owner has offered data for this run yet: mutirao "
                     "license OBJECT --run " +
                         run.hex()};
    return assets;
}

Result<v1::ProgressReply> progress_of(Session& session, const std::string& trainer,
                                      const Digest& run) {
    v1::ProgressRequest request;
    request.set_run(to_field(run.span()));
    return node::wire::call<v1::ProgressReply>(
        session.network(), trainer, "/mutirao.v1.Train/Progress", request, kProgressDeadline);
}

// A run of a quorum goes on without some of its trainers, who may come back.
struct Crew {
    std::vector<std::string> trainers;  // endpoints, in the run's order
    bool may_miss = false;
    std::uint32_t stages = 1;  // trainer i has stage i modulo stages
};

// Those of one stage: of all trainers' list, or of what they say.
template <class T>
std::vector<T> of_stage(const std::vector<T>& all, std::uint32_t stages, std::uint32_t stage) {
    std::vector<T> out;
    for (std::size_t i = stage; i < all.size(); i += stages) out.push_back(all[i]);
    return out;
}

bool is_missing(const v1::ProgressReply& progress) { return progress.phase() == "missing"; }

// What each trainer says, and what it said last when it cannot be reached.
Status ask_all(Session& session, const Crew& crew, const Digest& run,
               std::vector<v1::ProgressReply>& all) {
    std::size_t missing = 0;
    for (std::size_t i = 0; i < crew.trainers.size(); ++i) {
        auto progress = progress_of(session, crew.trainers[i], run);
        if (progress.ok() && progress->phase() != "failed") {
            all[i] = std::move(*progress);
            continue;
        }
        Error error = progress.ok() ? Error{ErrorKind::unavailable, progress->error()}
                                    : Error(progress.error());
        if (!crew.may_miss || ++missing == crew.trainers.size())
            return std::move(error).within("trainer " + crew.trainers[i]);
        all[i].set_phase("missing");
    }
    for (std::uint32_t stage = 0; stage < crew.stages && missing > 0; ++stage)
        if (std::ranges::all_of(of_stage(all, crew.stages, stage), is_missing))
            return Error{ErrorKind::unavailable,
                         "all trainers of stage " + std::to_string(stage) + " are missing"};
    return {};
}

// What storing checkpoints along the way needs.
struct Storing {
    const crypto::AccountKey& wallet;
    std::string title;
    std::uint32_t stored = 0;  // round
};

Result<PutResult> store_checkpoint(Session& session, const crypto::AccountKey& wallet,
                                   const std::string& name, const Bytes& checkpoint) {
    std::size_t given = 0;
    return put_object(session, wallet, name + ".safetensors", checkpoint.size(),
                      [&](std::size_t part) -> Result<Bytes> {
                          const auto size = std::min(part, checkpoint.size() - given);
                          const auto from = checkpoint.begin() + static_cast<std::ptrdiff_t>(given);
                          Bytes out(from, from + static_cast<std::ptrdiff_t>(size));
                          given += size;
                          return out;
                      });
}

// Of a checkpoint of the run that is being fetched, or of a stage's piece of it.
node::KeptChunks chunks_of(Session& session, const Digest& run, std::uint32_t stage) {
    return {session.disk(),
            "fetches/" + run.hex() + (stage == 0 ? "" : "-" + std::to_string(stage))};
}

// The pieces of the model that the trainers of each stage hold, put together.
Result<Bytes> fetch_pieces(Session& session, const Crew& crew, const Digest& run,
                           const std::vector<CheckpointOffer>& offers) {
    Bytes out;
    for (std::uint32_t stage = 0; stage < crew.stages; ++stage) {
        auto kept = chunks_of(session, run, stage);
        TRY(const auto piece,
            fetch_checkpoint(session.network(), of_stage(crew.trainers, crew.stages, stage), run,
                             offers[stage], kept));
        out.insert(out.end(), piece.begin(), piece.end());
    }
    return out;
}

// Of each stage, when all stages have one of the same round.
std::vector<CheckpointOffer> newest_pieces(const Crew& crew,
                                           const std::vector<v1::ProgressReply>& all) {
    std::vector<CheckpointOffer> out;
    for (std::uint32_t stage = 0; stage < crew.stages; ++stage) {
        auto offer = newest_checkpoint(of_stage(all, crew.stages, stage));
        if (!offer || (!out.empty() && offer->round != out.front().round)) return {};
        out.push_back(std::move(*offer));
    }
    return out;
}

// Stores the newest checkpoint along the way, if there is one. Training does not end when that
// fails: it is said, and the next checkpoint is stored.
void store_newest(Session& session, const Crew& crew, const Digest& run,
                  const std::vector<v1::ProgressReply>& all, Storing& storing) {
    const auto offers = newest_pieces(crew, all);
    if (offers.empty() || offers.front().round <= storing.stored) return;
    const auto* offer = &offers.front();
    storing.stored = offer->round;
    const auto name = storing.title + "-round-" + std::to_string(offer->round);
    const auto store = [&]() -> Result<PutResult> {
        TRY(const auto file, fetch_pieces(session, crew, run, offers));
        return store_checkpoint(session, storing.wallet, name, file);
    };
    const auto put = store();
    if (!put.ok()) {
        session.out().facts({{"checkpoint_round", offer->round}, {"error", put.error().message}});
        session.out().line("the checkpoint of round " + std::to_string(offer->round) +
                           " was not stored: " + put.error().message);
        return;
    }
    session.out().facts({{"checkpoint_round", offer->round},
                         {"holders", offer->holders.size()},
                         {"content", put->content.hex()},
                         {"checkpoint_bytes", put->size}});
    session.out().line("stored " + name + ".safetensors, " + size_text(put->size) + ", from " +
                       std::to_string(offer->holders.size()) + " trainers");
}

// The first, or among stages the first of those that know most of the run's losses: whoever came
// late, or whose pipeline stood still, knows less.
std::size_t best_informed(const std::vector<v1::ProgressReply>& there) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < there.size(); ++i)
        if (there[i].stages() > 1 && there[i].rounds_size() > there[best].rounds_size()) best = i;
    return best;
}

Status check_same(const std::vector<v1::ProgressReply>& there) {
    std::map<std::uint32_t, std::string> states;  // by stage
    for (const auto& progress : there)
        if (states.try_emplace(progress.stage(), progress.state_hash()).first->second !=
            progress.state_hash())
            return Error{ErrorKind::corrupt, "the trainers ended with different models"};
    return {};
}

// Follows the run until every trainer that is there has finished; what each said last.
Result<std::vector<v1::ProgressReply>> follow(Session& session, const Crew& crew, const Digest& run,
                                              const std::string& curve, Storing& storing) {
    TrainingView view(session.out(), session.clock(), curve);
    std::vector<v1::ProgressReply> all(crew.trainers.size());
    for (;;) {
        TRY_VOID(ask_all(session, crew, run, all));
        std::vector<v1::ProgressReply> there;
        std::ranges::copy_if(all, std::back_inserter(there),
                             [](const auto& progress) { return !is_missing(progress); });
        const bool finished = std::ranges::all_of(
            there, [](const auto& progress) { return progress.phase() == "finished"; });
        std::swap(there[0], there[best_informed(there)]);
        TRY_VOID(view.show(there, finished));
        store_newest(session, crew, run, all, storing);
        if (finished) {
            TRY_VOID(check_same(there));
            return all;
        }
        session.clock().sleep(kPollInterval);
    }
}

// Offers the model for inference to every compute node, for nothing: they earn by answering.
Status license_to_providers(Session& session, node::Sender& sender, const Digest& model) {
    TRY(auto providers, session.directory().nodes_of(ledger::Role::compute));
    for (const auto& provider : providers) {
        ledger::LicenceTerms terms;
        terms.purpose = ledger::Purpose::infer;
        terms.expires_ms = session.clock().unix_ms() + 365ull * 24 * 3600 * 1000;
        TRY(auto sent,
            sender.send(ledger::offer_licence(model, ledger::subject_of(provider.address), terms)));
        TRY_VOID(load_model(session, provider.endpoint, model));
    }
    return {};
}

std::uint32_t milli(double loss) {
    return std::isfinite(loss) && loss > 0 ? static_cast<std::uint32_t>(std::lround(loss * 1000))
                                           : 0;
}

std::string shares_text(Session& session, const ledger::Asset& model) {
    std::string out;
    for (const auto& share : model.shares) {
        char percent[16];
        std::snprintf(percent, sizeof(percent), "%.4g %%", share.ppm / 10'000.0);
        out += (out.empty() ? "" : ", ") + session.wallets().name_of(share.owner) + " " + percent;
    }
    return out;
}

// Begins the run at its trainers, in their order.
Result<Crew> begin(Session& session, const Digest& id, const ledger::Run& run,
                   const Bytes& settings, const std::vector<Digest>& assets,
                   std::uint32_t checkpoint_every) {
    v1::StartRunRequest start;
    start.set_run(to_field(id.span()));
    start.set_spec(to_field(settings));
    start.set_checkpoint_every(checkpoint_every);
    Reader in(settings);
    TRY(const auto decoded, train::RunSettings::decode(in));
    Crew crew{{}, decoded.quorum != 0, decoded.stages};
    for (const auto& trainer : run.trainers) {
        TRY(auto endpoint, session.directory().endpoint(trainer));
        start.add_peers(endpoint);
        crew.trainers.push_back(endpoint);
    }
    for (const auto& asset : assets) start.add_assets(to_field(asset.span()));
    for (const auto& trainer : crew.trainers) {
        auto begun = node::wire::call<v1::StartRunReply>(
            session.network(), trainer, "/mutirao.v1.Train/Start", start, kTrainerDeadline);
        // Begun by an earlier call that was cut off: follow it. Who cannot be reached joins later.
        if (!begun.ok() && begun.error().kind != ErrorKind::already_exists && !crew.may_miss)
            return std::move(begun).error();
    }
    return crew;
}

// Of all trainers, those that are missing included.
Result<const v1::ProgressReply*> teller(const std::vector<v1::ProgressReply>& progress) {
    std::vector<v1::ProgressReply> there;
    std::vector<const v1::ProgressReply*> originals;
    for (const auto& each : progress)
        if (!is_missing(each)) there.push_back(each), originals.push_back(&each);
    const auto* best = originals.empty() ? nullptr : originals[best_informed(there)];
    if (best == nullptr || best->rounds_size() == 0)
        return Error{ErrorKind::corrupt, "no trainer can say what the run's loss was"};
    return best;
}

// What the ledger is told of the run: whose bytes were used, who trained, what came out.
Result<ledger::RunOutcome> outcome_of(const Digest& id, const RunRecord& record,
                                      const PutResult& put, const std::vector<Digest>& assets,
                                      const std::vector<v1::ProgressReply>& progress) {
    ledger::RunOutcome outcome;
    outcome.run = id;
    outcome.model_content = put.content;
    outcome.model_size = put.size;
    outcome.title = record.title;
    TRY(outcome.price_per_token, ledger::Amount::parse(record.price));
    for (std::size_t i = 0; i < assets.size(); ++i) {
        std::uint64_t tokens = 0;
        for (const auto& worker : progress)
            if (static_cast<int>(i) < worker.asset_tokens_size())
                tokens += worker.asset_tokens(static_cast<int>(i));
        outcome.assets.push_back({assets[i], tokens});
    }
    const auto cheaters = named_cheaters(progress);
    for (std::uint32_t i = 0; i < progress.size(); ++i) {
        const auto& rounds = progress[i].rounds();
        const bool is_paid = !rounds.empty() && !cheaters.contains(i);
        outcome.trainer_tokens.push_back(is_paid ? rounds.rbegin()->tokens() : 0);
    }
    TRY(const auto* first, teller(progress));
    outcome.rounds = first->rounds_total();
    outcome.first_loss_milli = milli(first->rounds(0).held_out_loss());
    outcome.last_loss_milli = milli(first->rounds(first->rounds_size() - 1).held_out_loss());
    return outcome;
}

void show_model(Session& session, const Digest& id, const ledger::Asset& model,
                const PutResult& put, const v1::ProgressReply& first) {
    const auto shares = shares_text(session, model);
    session.out().facts({{"model", id.hex()},
                         {"title", model.title},
                         {"content", put.content.hex()},
                         {"checkpoint_bytes", put.size},
                         {"parameters", first.parameters()},
                         {"loss_first", first.rounds(0).held_out_loss()},
                         {"loss_last", first.rounds(first.rounds_size() - 1).held_out_loss()},
                         {"shares", shares}});
    session.out().line("model \"" + model.title + "\" " + id.hex() + "\nincome: " + shares +
                       "\nAsk it:  mutirao infer \"" + model.title + "\" \"PROMPT\" --wallet NAME");
}

// What rounds tell of whoever took part (train/privacy.hpp); without noise there is no bound.
std::string epsilon_text(double epsilon) {
    if (!std::isfinite(epsilon)) return "without bound: no noise";
    char text[32];
    std::snprintf(text, sizeof(text), "%.3g", epsilon);
    return text;
}

// What each object contributed to the rounds that the ledger has, in millionths of all of them.
Result<boost::json::array> show_contributions(Session& session, const Digest& run) {
    TRY(const auto all, ledger::read_all<ledger::Contribution>(
                            session.ledger(), ledger::key::contributions(run), kLicencesMax));
    std::uint64_t total = 0;
    for (const auto& each : all) total += each.weight;
    boost::json::array out;
    if (total == 0) return out;
    for (const auto& [asset, weight] : all) {
        TRY(const auto object,
            ledger::require<ledger::Asset>(session.ledger(), ledger::key::asset(asset),
                                           "asset " + asset.hex()));
        const auto ppm =
            static_cast<std::uint64_t>(ledger::Amount(weight).part(1'000'000, total).wei());
        session.out().line("\"" + object.title + "\" contributed " +
                           std::to_string((ppm + 5000) / 10'000) + " %");
        out.push_back(
            boost::json::object{{"asset", asset.hex()}, {"title", object.title}, {"ppm", ppm}});
    }
    return out;
}

}  // namespace

Result<Digest> open_run(Session& session, const crypto::AccountKey& wallet, const NewRun& run) {
    TRY(auto nodes, session.directory().nodes_of(ledger::Role::trainer));
    if (nodes.empty())
        return Error{ErrorKind::unavailable,
                     "no trainer has joined this network; start it with "
                     "mutirao up --trainers 2"};
    TRY_VOID(run.settings.validate());
    const std::size_t stages = run.settings.stages;
    if (nodes.size() < stages)
        return Error{ErrorKind::unavailable,
                     "a run of " + std::to_string(stages) + " stages needs as many trainers; " +
                         std::to_string(nodes.size()) + " have joined this network"};
    std::vector<Address> trainers;  // those beyond whole pipelines are spares
    for (const auto& node : nodes) trainers.push_back(node.address);
    Writer writer;
    run.settings.encode(writer);
    const auto settings = std::move(writer).take();
    const auto spec = node::spec_digest(settings);
    node::Sender sender(session.ledger(), wallet);
    TRY(auto account,
        ledger::read<ledger::Account>(session.ledger(), ledger::key::account(wallet.address())));
    const auto id = ledger::run_id(wallet.address(), account ? account->nonce : 0, spec);
    TRY(auto sent, sender.send(ledger::create_run(spec, trainers, run.reward)));
    const RunRecord record{settings,
                           run.title.empty() ? "model " + id.hex().substr(0, 8) : run.title,
                           run.price_per_token.text()};
    TRY_VOID(session.disk().write_file_atomic(run_path(id), as_bytes(record.encode())));
    const auto& privacy = run.settings.privacy;
    const double epsilon = train::epsilon_after(privacy, run.settings.rounds_total());
    boost::json::object facts{{"run", id.hex()},
                              {"trainers", trainers.size()},
                              {"stages", stages},
                              {"reward_wei", run.reward.decimal()},
                              {"title", record.title}};
    if (privacy.on() && std::isfinite(epsilon)) facts["epsilon_at_the_end"] = epsilon;
    session.out().facts(facts);
    auto pipelines = " in " + std::to_string(trainers.size() / stages) + " pipelines of " +
                     std::to_string(stages) + " stages";
    if (const auto spares = trainers.size() % stages; spares > 0)
        pipelines += ", " + std::to_string(spares) + " of them to stand in for others";
    session.out().line("run " + id.hex() + " with " + std::to_string(trainers.size()) +
                       " trainers" + (stages > 1 ? pipelines : "") + "; " + run.reward.text() +
                       " are in escrow for them");
    if (privacy.on())
        session.out().line("all its rounds cost each trainer's data epsilon " +
                           epsilon_text(epsilon) + " at delta " +
                           epsilon_text(static_cast<double>(privacy.delta)));
    return id;
}

Result<std::size_t> count_offers(Session& session, const Digest& run) {
    TRY(auto index, session.ledger().scan(ledger::key::run_licences(run), {}, kLicencesMax));
    return index.size();
}

Status train_run(Session& session, const crypto::AccountKey& wallet, const Digest& id,
                 const TrainOptions& options) {
    auto bytes = session.disk().read_file(run_path(id), 1 << 20);
    if (!bytes.ok())
        return Error{ErrorKind::not_found,
                     "run " + id.hex() + " was not opened from this home folder"};
    TRY(auto record, RunRecord::decode(as_text(*bytes)));
    node::Sender sender(session.ledger(), wallet);
    TRY(auto run,
        ledger::require<ledger::Run>(session.ledger(), ledger::key::run(id), "run " + id.hex()));
    if (run.state != ledger::RunState::open)
        return Error{ErrorKind::already_exists, "the run is finished already"};
    TRY(auto assets, accept_offers(session, sender, id));
    TRY(auto crew, begin(session, id, run, record.settings, assets, options.checkpoint_every));
    Storing storing{wallet, record.title};
    TRY(auto progress, follow(session, crew, id, options.curve, storing));
    TRY(const auto* first, teller(progress));
    std::vector<CheckpointOffer> offers;
    for (std::uint32_t stage = 0; stage < crew.stages; ++stage) {
        const auto said = of_stage(progress, crew.stages, stage);
        const auto there = std::ranges::find_if_not(said, is_missing);
        TRY(auto offer, finished_checkpoint(said, static_cast<std::size_t>(there - said.begin())));
        offers.push_back(std::move(offer));
    }
    TRY(auto checkpoint, fetch_pieces(session, crew, id, offers));
    TRY(auto put, store_checkpoint(session, wallet, record.title, checkpoint));
    TRY(auto outcome, outcome_of(id, record, put, assets, progress));
    TRY_VOID(record_convictions(session, sender, run, named_cheaters(progress), outcome.rounds));
    TRY(auto sent, sender.send(ledger::finish_run(outcome)));
    const auto model_id = ledger::asset_id(wallet.address(), put.content);
    TRY(auto model,
        ledger::require<ledger::Asset>(session.ledger(), ledger::key::asset(model_id), "model"));
    Reader reader(record.settings);
    TRY(const auto settings, train::RunSettings::decode(reader));
    // Only what writes text is asked over the network; adapters wait for their base.
    if (settings.model.gpt() != nullptr && !settings.lora)
        TRY_VOID(license_to_providers(session, sender, model_id));
    show_model(session, model_id, model, put, *first);
    return {};
}

Status show_trainers(Session& session, const Digest& id) {
    TRY(auto run,
        ledger::require<ledger::Run>(session.ledger(), ledger::key::run(id), "run " + id.hex()));
    boost::json::array trainers;
    for (std::size_t i = 0; i < run.trainers.size(); ++i) {
        boost::json::object facts{{"worker", i}};
        const auto endpoint = session.directory().endpoint(run.trainers[i]);
        auto progress = endpoint.ok() ? progress_of(session, *endpoint, id)
                                      : Result<v1::ProgressReply>(endpoint.error());
        const std::string phase = progress.ok() ? progress->phase() : "missing";
        facts["phase"] = phase;
        facts["error"] = progress.ok() ? progress->error() : progress.error().message;
        std::string line = "trainer " + std::to_string(i) + ": " + phase;
        if (progress.ok()) {
            const std::string hash = to_hex(as_bytes(progress->state_hash()));
            facts["round"] = progress->round();
            facts["rounds"] = progress->rounds_total();
            facts["healed"] = progress->healed();
            facts["left_out"] = progress->left_out();
            if (!progress->rounds().empty()) {
                facts["steps_seconds"] = progress->rounds().rbegin()->steps_seconds();
                facts["counted_seconds"] = progress->rounds().rbegin()->counted_seconds();
            }
            facts["state_hash"] = hash;
            facts["audited"] = progress->audited();
            if (std::isfinite(progress->epsilon())) facts["epsilon"] = progress->epsilon();
            facts["cheaters"] =
                boost::json::array(progress->cheaters().begin(), progress->cheaters().end());
            line += ", round " + std::to_string(progress->round()) + "/" +
                    std::to_string(progress->rounds_total()) + ", parameters " + hash.substr(0, 16);
            if (progress->epsilon() > 0) line += ", epsilon " + epsilon_text(progress->epsilon());
            if (progress->stages() > 1) {
                facts["stage"] = progress->stage();
                facts["stages"] = progress->stages();
                facts["pipeline"] = i / progress->stages();
                facts["serves"] = progress->serves();
                facts["taken_over"] = progress->taken_over();
                line += ", stage " + std::to_string(progress->stage() + 1) + "/" +
                        std::to_string(progress->stages()) + " of " +
                        std::to_string(progress->serves()) + " pipelines";
            }
        }
        session.out().line(line);
        trainers.push_back(std::move(facts));
    }
    TRY(auto contributions, show_contributions(session, id));
    TRY(auto convictions, show_convictions(session, id));
    TRY(const auto told, ledger::read<ledger::TrainerRounds>(
                             session.ledger(), ledger::key::trainer_rounds(id, run.trainers[0])));
    TRY(const auto pool, ledger::read<ledger::ContributionPool>(
                             session.ledger(), ledger::key::contribution_pool(id)));
    session.out().facts({{"trainers", std::move(trainers)},
                         {"rounds_agreed", told ? told->agreed : 0},
                         {"pool_wei", pool ? pool->wei.decimal() : "0"},
                         {"income_ppm", pool ? pool->ppm : 0},
                         {"contributions", std::move(contributions)},
                         {"convictions", std::move(convictions)}});
    return {};
}

}  // namespace mutirao::cli
