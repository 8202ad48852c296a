// `mutirao train`: a builder opens a run, and starts it once owners have offered their data.
#include <cmath>
#include <iostream>

#include "base/codec.hpp"
#include "cli/commands.hpp"
#include "mutirao/v1/train.pb.h"
#include "node/trainer_role.hpp"
#include "node/wire/fields.hpp"
#include "os/terminal.hpp"
#include "train/settings.hpp"

namespace mutirao::cli {
namespace {

using node::wire::to_field;

constexpr std::size_t kLicencesMax = 4096;
constexpr auto kPollInterval = std::chrono::milliseconds(250);
constexpr auto kTrainerDeadline = std::chrono::seconds(10);

struct RunOptions {
    std::string wallet, reward = "1", preset = "mutirao", title, price = "0.001", run;
    std::uint32_t rounds = 0;  // 0: the preset's
};

Result<Bytes> settings_of(const RunOptions& options) {
    TRY(auto settings, train::preset(options.preset));
    if (options.rounds != 0) settings.rounds = options.rounds;
    TRY_VOID(settings.validate());
    Writer out;
    settings.encode(out);
    return std::move(out).take();
}

// The builder keeps what the ledger only has the digest of.
struct RunFile {
    Bytes settings;
    std::string title, price;

    std::string encode() const {
        return boost::json::serialize(boost::json::object{
            {"settings", to_hex(settings)}, {"title", title}, {"price_per_token", price}});
    }
    static Result<RunFile> decode(std::string_view text) {
        boost::json::error_code failed;
        const auto value = boost::json::parse(text, failed);
        if (failed || !value.is_object())
            return Error{ErrorKind::corrupt, "the run's file is damaged"};
        const auto& object = value.get_object();
        RunFile out;
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

Status run_new(const GlobalOptions& globals, const RunOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY(auto reward, ledger::Amount::parse(options.reward));
    TRY(auto price, ledger::Amount::parse(options.price));
    TRY(auto settings, settings_of(options));
    TRY_VOID(session->connect());
    TRY(auto nodes, session->directory().nodes_of(ledger::Role::trainer));
    if (nodes.empty())
        return Error{ErrorKind::unavailable,
                     "no trainer has joined this network; start it with "
                     "mutirao up --trainers 2"};
    std::vector<Address> trainers;
    for (const auto& node : nodes) trainers.push_back(node.address);
    TRY(auto wallet, session->open_wallet(options.wallet));
    const auto spec = node::spec_digest(settings);
    node::Sender sender(session->ledger(), wallet);
    TRY(auto account,
        ledger::read<ledger::Account>(session->ledger(), ledger::key::account(wallet.address())));
    const auto id = ledger::run_id(wallet.address(), account ? account->nonce : 0, spec);
    TRY(auto sent, sender.send(ledger::create_run(spec, trainers, reward)));
    const RunFile file{settings,
                       options.title.empty() ? "model " + id.hex().substr(0, 8) : options.title,
                       price.text()};
    TRY_VOID(session->disk().write_file_atomic(run_path(id), as_bytes(file.encode())));
    session->out().facts({{"run", id.hex()},
                          {"trainers", trainers.size()},
                          {"reward_wei", reward.decimal()},
                          {"title", file.title}});
    session->out().line("run " + id.hex() + " with " + std::to_string(trainers.size()) +
                        " trainers; " + reward.text() + " are in escrow for them\n" +
                        "Owners now offer their data:  mutirao license OBJECT --run " + id.hex() +
                        "\nthen:  mutirao train start " + id.hex());
    return {};
}

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
        session.network(), trainer, "/mutirao.v1.Train/Progress", request, kTrainerDeadline);
}

void show_round(const Session& session, const v1::RoundProgress& first,
                const v1::ProgressReply& progress, double tokens_per_second, std::size_t workers) {
    const auto& round = progress.rounds(progress.rounds_size() - 1);
    // Both figures are of all workers' uploads together.
    const auto sent = round.bytes_sent() * workers;
    const auto allreduce = round.allreduce_bytes() * workers;
    session.out().facts({{"round", round.round()},
                         {"rounds", progress.rounds_total()},
                         {"train_loss", round.train_loss()},
                         {"held_out_loss", round.held_out_loss()},
                         {"first_held_out_loss", first.held_out_loss()},
                         {"tokens_per_second", tokens_per_second},
                         {"bytes_sent", sent},
                         {"allreduce_bytes", allreduce}});
    char text[256];
    std::snprintf(text, sizeof(text),
                  "round %u/%u  loss %.3f  held out %.3f nats/byte  %.0f tokens/s  sent %s "
                  "(all-reduce: %s)",
                  round.round(), progress.rounds_total(), round.train_loss(), round.held_out_loss(),
                  tokens_per_second, size_text(sent).c_str(), size_text(allreduce).c_str());
    if (session.out().json()) return;
    const bool terminal = os::is_terminal(1);
    std::cout << (terminal ? "\r\033[K" : "") << text << (terminal ? "" : "\n") << std::flush;
}

// Follows the run until every trainer has finished; the last progress of the first trainer.
Result<std::vector<v1::ProgressReply>> follow(Session& session,
                                              const std::vector<std::string>& trainers,
                                              const Digest& run) {
    int shown = 0;
    for (;;) {
        std::vector<v1::ProgressReply> all;
        double tokens_per_second = 0;
        bool finished = true;
        for (const auto& trainer : trainers) {
            TRY(auto progress, progress_of(session, trainer, run));
            if (progress.phase() == "failed")
                return Error{ErrorKind::unavailable,
                             "trainer " + trainer + ": " + progress.error()};
            finished = finished && progress.phase() == "finished";
            if (progress.rounds_size() > 0)
                tokens_per_second +=
                    progress.rounds(progress.rounds_size() - 1).tokens_per_second();
            all.push_back(std::move(progress));
        }
        if (all.front().rounds_size() > shown || finished) {
            shown = all.front().rounds_size();
            show_round(session, all.front().rounds(0), all.front(), tokens_per_second,
                       trainers.size());
        }
        if (finished) {
            if (!session.out().json()) std::cout << std::endl;
            for (const auto& progress : all)
                if (progress.state_hash() != all.front().state_hash())
                    return Error{ErrorKind::corrupt, "the trainers ended with different models"};
            return all;
        }
        session.clock().sleep(kPollInterval);
    }
}

Result<Bytes> fetch_checkpoint(Session& session, const std::string& trainer, const Digest& run,
                               std::uint64_t size) {
    Bytes out;
    while (out.size() < size) {
        v1::CheckpointRequest request;
        request.set_run(to_field(run.span()));
        request.set_offset(out.size());
        request.set_size(static_cast<std::uint32_t>(
            std::min<std::uint64_t>(node::kCheckpointPart, size - out.size())));
        TRY(auto part, node::wire::call<v1::CheckpointReply>(session.network(), trainer,
                                                             "/mutirao.v1.Train/Checkpoint",
                                                             request, std::chrono::seconds(60)));
        if (part.data().empty()) return Error{ErrorKind::corrupt, "the checkpoint ends too early"};
        const auto bytes = as_bytes(part.data());
        out.insert(out.end(), bytes.begin(), bytes.end());
    }
    return out;
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

Status run_start(const GlobalOptions& globals, const RunOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY(auto id, digest_from(options.run, "run id"));
    auto bytes = session->disk().read_file(run_path(id), 1 << 20);
    if (!bytes.ok())
        return Error{ErrorKind::not_found,
                     "run " + options.run + " was not opened from this home folder"};
    TRY(auto file, RunFile::decode(as_text(*bytes)));
    TRY_VOID(session->connect());
    TRY(auto wallet, session->open_wallet(options.wallet));
    node::Sender sender(session->ledger(), wallet);
    TRY(auto run, ledger::require<ledger::Run>(session->ledger(), ledger::key::run(id),
                                               "run " + options.run));
    if (run.state != ledger::RunState::open)
        return Error{ErrorKind::already_exists, "the run is finished already"};
    TRY(auto assets, accept_offers(*session, sender, id));

    v1::StartRunRequest start;
    start.set_run(to_field(id.span()));
    start.set_spec(to_field(file.settings));
    std::vector<std::string> trainers;
    for (const auto& trainer : run.trainers) {
        TRY(auto endpoint, session->directory().endpoint(trainer));
        start.add_peers(endpoint);
        trainers.push_back(endpoint);
    }
    for (const auto& asset : assets) start.add_assets(to_field(asset.span()));
    for (const auto& trainer : trainers) {
        auto begun = node::wire::call<v1::StartRunReply>(
            session->network(), trainer, "/mutirao.v1.Train/Start", start, kTrainerDeadline);
        // Begun by an earlier call that was cut off: follow it.
        if (!begun.ok() && begun.error().kind != ErrorKind::already_exists)
            return std::move(begun).error();
    }
    TRY(auto progress, follow(*session, trainers, id));

    const auto& first = progress.front();
    TRY(auto checkpoint, fetch_checkpoint(*session, trainers.front(), id, first.checkpoint_size()));
    std::size_t given = 0;
    TRY(auto put,
        put_object(*session, wallet, file.title + ".safetensors", checkpoint.size(),
                   [&](std::size_t part) -> Result<Bytes> {
                       const auto size = std::min(part, checkpoint.size() - given);
                       Bytes out(checkpoint.begin() + static_cast<std::ptrdiff_t>(given),
                                 checkpoint.begin() + static_cast<std::ptrdiff_t>(given + size));
                       given += size;
                       return out;
                   }));
    ledger::RunOutcome outcome;
    outcome.run = id;
    outcome.model_content = put.content;
    outcome.model_size = put.size;
    outcome.title = file.title;
    TRY(outcome.price_per_token, ledger::Amount::parse(file.price));
    for (std::size_t i = 0; i < assets.size(); ++i) {
        std::uint64_t tokens = 0;
        for (const auto& worker : progress)
            if (static_cast<int>(i) < worker.asset_tokens_size())
                tokens += worker.asset_tokens(static_cast<int>(i));
        outcome.assets.push_back({assets[i], tokens});
    }
    for (const auto& worker : progress)
        outcome.trainer_tokens.push_back(worker.rounds(worker.rounds_size() - 1).tokens());
    outcome.rounds = first.rounds_total();
    const double loss_first = first.rounds(0).held_out_loss();
    const double loss_last = first.rounds(first.rounds_size() - 1).held_out_loss();
    outcome.first_loss_milli = milli(loss_first);
    outcome.last_loss_milli = milli(loss_last);
    TRY(auto sent, sender.send(ledger::finish_run(outcome)));
    const auto model_id = ledger::asset_id(wallet.address(), put.content);
    TRY(auto model,
        ledger::require<ledger::Asset>(session->ledger(), ledger::key::asset(model_id), "model"));
    TRY_VOID(license_to_providers(*session, sender, model_id));
    const auto shares = shares_text(*session, model);
    session->out().facts({{"model", model_id.hex()},
                          {"title", model.title},
                          {"content", put.content.hex()},
                          {"checkpoint_bytes", put.size},
                          {"parameters", first.parameters()},
                          {"loss_first", loss_first},
                          {"loss_last", loss_last},
                          {"shares", shares}});
    session->out().line("model \"" + model.title + "\" " + model_id.hex() + "\nincome: " + shares +
                        "\nAsk it:  mutirao infer \"" + model.title +
                        "\" \"PROMPT\" --wallet NAME");
    return {};
}

}  // namespace

void add_training_commands(CLI::App& app, GlobalOptions& options, Action& action) {
    auto chosen = std::make_shared<RunOptions>();
    auto* train = app.add_subcommand("train", "train a model over licensed data");
    train->require_subcommand(1);
    auto* make = train->add_subcommand("new", "open a run: trainers, settings and their reward");
    make->add_option("--wallet", chosen->wallet, "the builder");
    make->add_option("--reward", chosen->reward, "MUT for the trainers, kept in escrow")
        ->capture_default_str();
    make->add_option("--preset", chosen->preset,
                     "settings: mutirao, allreduce, opendiloco, cocktail, dilocox or sparseloco")
        ->capture_default_str();
    make->add_option("--rounds", chosen->rounds, "outer rounds (default: the preset's)");
    make->add_option("--title", chosen->title, "what to call the model");
    make->add_option("--price-per-token", chosen->price, "MUT that the model's answers cost")
        ->capture_default_str();
    make->callback(
        [&, chosen] { action = [&options, chosen] { return run_new(options, *chosen); }; });
    auto* start = train->add_subcommand(
        "start", "pay the owners' offers, train, store and register the model");
    start->add_option("run", chosen->run, "the run's id")->required();
    start->add_option("--wallet", chosen->wallet, "the builder");
    start->callback(
        [&, chosen] { action = [&options, chosen] { return run_start(options, *chosen); }; });
}

}  // namespace mutirao::cli
