// `mutirao train`: a builder opens a run, and starts it once owners have offered their data; or
// does both with one file.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/commands.hpp"
#include "cli/local_file.hpp"
#include "cli/picture_file.hpp"
#include "cli/run_plan.hpp"
#include "cli/training_run.hpp"
#include "crypto/hash.hpp"
#include "ledger/contributions.hpp"
#include "node/run_data.hpp"

namespace mutirao::cli {
namespace {

std::string percent_text(std::uint32_t ppm) {
    std::ostringstream out;
    out << ppm / 1e4 << " %";
    return out.str();
}

Result<Digest> run_named(Session& session, const std::string& text) {
    return id_named(session, ledger::key::runs(), text, "run's id");
}

constexpr auto kOffersPoll = std::chrono::milliseconds(500);

struct RunOptions {
    std::string wallet, reward = "1", preset = "mutirao", title, price = "0.001", run, curve, file;
    std::uint32_t rounds = 0;  // 0: the preset's
    std::uint32_t quorum = 0;  // 0: all
    std::uint32_t checkpoint_every = 0;
    std::string value = "0";  // MUT for contributors
    double income_percent = 0;
};

Status run_new(const GlobalOptions& globals, const RunOptions& options) {
    TRY(auto session, Session::open(globals));
    NewRun run{.settings = {}, .title = options.title, .reward = {}, .price_per_token = {}};
    TRY(run.reward, ledger::Amount::parse(options.reward));
    TRY(run.price_per_token, ledger::Amount::parse(options.price));
    TRY(run.settings, train::preset(options.preset));
    if (options.rounds != 0) run.settings.rounds = options.rounds;
    run.settings.quorum = options.quorum;
    TRY_VOID(run.settings.validate());
    TRY_VOID(session->connect());
    TRY(auto wallet, session->open_wallet(options.wallet));
    TRY(const auto id, open_run(*session, wallet, run));
    session->out().line("Owners now offer their data:  mutirao license OBJECT --run " + id.hex() +
                        "\nthen:  mutirao train start " + id.hex());
    return {};
}

Status run_start(const GlobalOptions& globals, const RunOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(can_draw(options.curve));
    TRY_VOID(session->connect());
    TRY(const auto id, run_named(*session, options.run));
    TRY(auto wallet, session->open_wallet(options.wallet));
    return train_run(*session, wallet, id, {options.curve, options.checkpoint_every});
}

Status run_status(const GlobalOptions& globals, const RunOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    TRY(const auto id, run_named(*session, options.run));
    return show_trainers(*session, id);
}

Status run_fund(const GlobalOptions& globals, const RunOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY(const auto value, ledger::Amount::parse(options.value));
    const auto ppm = static_cast<std::uint32_t>(std::lround(options.income_percent * 10'000));
    if (ppm == 0 && value.is_zero())
        return Error{ErrorKind::invalid_argument,
                     "say what contributors get: --value MUT, --income PERCENT, or both"};
    TRY_VOID(session->connect());
    TRY(const auto id, run_named(*session, options.run));
    TRY(const auto wallet, session->open_wallet(options.wallet));
    node::Sender sender(session->ledger(), wallet);
    TRY(const auto sent, sender.send(ledger::fund_contributors(id, ppm, value)));
    TRY(const auto pool, ledger::require<ledger::ContributionPool>(
                             session->ledger(), ledger::key::contribution_pool(id), "pool"));
    session->out().facts({{"transaction", sent.receipt.transaction.hex()},
                          {"height", sent.receipt.height},
                          {"run", id.hex()},
                          {"pool_wei", pool.wei.decimal()},
                          {"income_ppm", pool.ppm}});
    session->out().line("contributors to the run share " + pool.wei.text() + " when it ends, and " +
                        percent_text(pool.ppm) + " of the model's income");
    return {};
}

Result<RunPlan> read_plan(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::error_code ignored;
    if (!file || std::filesystem::is_directory(path, ignored))
        return Error{ErrorKind::not_found, "there is no run's file " + path +
                                               " that can be read; examples/train/run.toml is one"};
    std::string text(kRunPlanBytesMax + 1, '\0');  // one more than it may have
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    TRY(auto plan, parse_run_plan(text, path));
    if (plan.judge.empty()) return plan;
    TRY(const auto judge, read_local(plan.judge, node::kJudgeBytesMax));
    plan.settings.judge = crypto::blake3(judge);
    return plan;
}

// Until the file's number of objects is offered, or its patience ends.
Status wait_for_offers(Session& session, const Digest& run, const RunPlan& plan) {
    const auto until = session.clock().monotonic() + std::chrono::seconds(plan.wait_seconds);
    bool told = false;
    for (;;) {
        TRY(const auto there, count_offers(session, run));
        if (there >= plan.offers) return {};
        if (!told)
            session.out().line("waiting for " + std::to_string(plan.offers - there) +
                               " more offers:  mutirao license OBJECT --run " + run.hex());
        told = true;
        if (session.clock().monotonic() >= until)
            return Error{ErrorKind::timeout,
                         std::to_string(there) + " of " + std::to_string(plan.offers) +
                             " objects were offered in time; the run stays open:  mutirao train "
                             "start " +
                             run.hex()};
        session.clock().sleep(kOffersPoll);
    }
}

Status run_file(const GlobalOptions& globals, const RunOptions& options) {
    if (options.file.empty())
        return Error{ErrorKind::invalid_argument,
                     "name a run's file (examples/train/run.toml is one), or new or start: "
                     "mutirao train --help"};
    TRY(auto plan, read_plan(options.file));
    const auto curve = options.curve.empty() ? plan.curve : options.curve;
    TRY_VOID(can_draw(curve));
    TRY(auto session, Session::open(globals));
    NewRun run{.settings = plan.settings, .title = plan.title, .reward = {}, .price_per_token = {}};
    TRY(run.reward, ledger::Amount::parse(plan.reward));
    TRY(run.price_per_token, ledger::Amount::parse(plan.price_per_token));
    std::vector<Offer> offers;
    for (const auto& data : plan.data) {
        TRY(auto price, ledger::Amount::parse(data.price));
        offers.push_back({data.object, {}, price, data.share_percent, data.days});
    }
    TRY_VOID(session->connect());
    TRY(auto wallet, session->open_wallet(plan.wallet));
    TRY(const auto id, open_run(*session, wallet, run));
    for (std::size_t i = 0; i < offers.size(); ++i) {
        const auto& owner_name = plan.data[i].wallet;
        TRY(auto owner, session->open_wallet(owner_name.empty() ? plan.wallet : owner_name));
        offers[i].run = id;
        TRY_VOID(offer_object(*session, owner, offers[i]));
    }
    TRY_VOID(wait_for_offers(*session, id, plan));
    return train_run(
        *session, wallet, id,
        {curve, options.checkpoint_every == 0 ? plan.checkpoint_every : options.checkpoint_every});
}

// What a run leaves while it goes on.
void add_along_the_way(CLI::App& command, RunOptions& chosen) {
    command.add_option("--curve", chosen.curve,
                       "file that the loss curve is drawn to, round by round: an SVG, or *.png "
                       "(default: the run's file says, or none)");
    command.add_option("--checkpoint-every", chosen.checkpoint_every,
                       "rounds between checkpoints that are stored along the way (default: the "
                       "run's file says, or only the finished model)");
}

void add_new(CLI::App& train, const std::shared_ptr<RunOptions>& chosen, GlobalOptions& options,
             Action& action) {
    auto* make = train.add_subcommand("new", "open a run: trainers, settings and their reward");
    add_wallet_option(*make, chosen->wallet, "the builder");
    make->add_option("--reward", chosen->reward, "MUT for the trainers, kept in escrow")
        ->capture_default_str();
    make->add_option("--preset", chosen->preset,
                     "settings: mutirao, allreduce, opendiloco, cocktail, dilocox or sparseloco")
        ->capture_default_str();
    make->add_option("--rounds", chosen->rounds, "outer rounds (default: the preset's)");
    make->add_option("--quorum", chosen->quorum,
                     "trainers that a round needs; then the run goes on without the others, as "
                     "long as more than half are there (default: all)");
    make->add_option("--title", chosen->title,
                     "what to call the model (default: after the run's id)");
    make->add_option("--price-per-token", chosen->price, "MUT that the model's answers cost")
        ->capture_default_str();
    make->callback(
        [&, chosen] { action = [&options, chosen] { return run_new(options, *chosen); }; });
}

void add_fund(CLI::App& train, const std::shared_ptr<RunOptions>& chosen, GlobalOptions& options,
              Action& action) {
    auto* fund = train.add_subcommand(
        "fund", "promise owners of a run's data a share by what each contributed");
    fund->add_option("run", chosen->run, "the run's id, or how that begins")->required();
    add_wallet_option(*fund, chosen->wallet, "the builder");
    fund->add_option("--value", chosen->value, "MUT, kept in escrow until the run ends")
        ->capture_default_str();
    fund->add_option("--income", chosen->income_percent,
                     "per cent of the model's income, beside what licences have")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 90.0));
    fund->callback(
        [&, chosen] { action = [&options, chosen] { return run_fund(options, *chosen); }; });
}

}  // namespace

void add_training_commands(CLI::App& app, GlobalOptions& options, Action& action) {
    auto chosen = std::make_shared<RunOptions>();
    auto* train = app.add_subcommand("train", "train a model over licensed data");
    train->require_subcommand(0, 1);
    train->add_option("file", chosen->file,
                      "a run as a TOML file: opened, offered its data, trained and registered");
    add_along_the_way(*train, *chosen);
    add_new(*train, chosen, options, action);
    add_fund(*train, chosen, options, action);
    auto* start = train->add_subcommand(
        "start", "pay the owners' offers, train, store and register the model");
    start->add_option("run", chosen->run, "the run's id, or how that begins")->required();
    add_wallet_option(*start, chosen->wallet, "the builder");
    add_along_the_way(*start, *chosen);
    auto* status = train->add_subcommand("status", "what each trainer of a run says");
    status->add_option("run", chosen->run, "the run's id, or how that begins")->required();
    status->callback(
        [&, chosen] { action = [&options, chosen] { return run_status(options, *chosen); }; });
    start->callback(
        [&, chosen] { action = [&options, chosen] { return run_start(options, *chosen); }; });
    train->callback([&, train, chosen] {
        if (train->get_subcommands().empty())
            action = [&options, chosen] { return run_file(options, *chosen); };
    });
}

}  // namespace mutirao::cli
